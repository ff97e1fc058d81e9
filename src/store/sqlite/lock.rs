//! One server a data directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use crate::store::StoreError;

/// Held while a server runs on a data directory; the system lets go of it when the process
/// ends, however it ends.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
}

impl DataLock {
    /// Takes the lock of `data_dir`.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process has it, with that process's number.
    pub fn take(data_dir: &Path) -> Result<Self, StoreError> {
        Self::lock(&data_dir.join("diagramd.lock"), data_dir)
    }

    /// Takes the lock of a database that lies outside of the data directory: two servers on two
    /// directories must not share one.
    ///
    /// # Errors
    /// As [`DataLock::take`].
    pub fn take_beside(database: &Path) -> Result<Self, StoreError> {
        let mut path = database.as_os_str().to_owned();
        path.push(".lock");
        Self::lock(Path::new(&path), database)
    }

    fn lock(path: &Path, what: &Path) -> Result<Self, StoreError> {
        let failed = |reason: std::io::Error| StoreError::Failed(format!("{}: {reason}", path.display()));
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder).map_err(failed)?;
                return Err(StoreError::Locked(format!(
                    "another diagramd (process {}) serves {}; stop it, or give this one another --data-dir",
                    holder.trim(),
                    what.display()
                )));
            }
            Err(TryLockError::Error(reason)) => return Err(failed(reason)),
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(Self { _file: file })
    }
}
