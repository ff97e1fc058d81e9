//! The SQLite backend: the only place that knows `rusqlite`.
//!
//! One read-write connection lives on the writer thread; reads go through an r2d2 pool of
//! read-only connections. The data directory is locked while a server runs on it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Reader, StoreError, Writer};
use crate::domain::webhook::WriteMessage;

mod check;
mod connection;
mod copy;
mod error;
mod lock;
mod migrate;
mod pool;
mod read;
mod restore;
mod rows;
mod watch;
mod write;

pub use check::{Inspected, inspect};
pub use copy::{Copied, CopyError, Copying, SourceUse, Stage, Thoroughness, copy};
pub use lock::DataLock;
pub use restore::{Restored, Restoring, restore};
pub use watch::Watch;

/// Read-only connections, and so reads at once.
const READERS: usize = 4;

/// The database's file name in a data directory.
pub const FILE_NAME: &str = "diagramd.db";

/// An open database.
pub struct Sqlite {
    /// Writes.
    pub writer: Writer,
    /// Reads.
    pub reader: Reader,
}

/// Opens the database at `path`, making and migrating it as needed. `message` writes what is told of
/// ends to users' applications. Migrating an older one may take long, and ends with `watch`: then the
/// database is as it was.
///
/// # Errors
/// [`StoreError::Closed`] when `watch` ended it; [`StoreError::Incompatible`] for a newer schema, an old SQLite or a pragma that does not
/// read back; [`StoreError::Failed`] for what the system reports.
pub fn open(path: &Path, message: WriteMessage, watch: &Watch) -> Result<Sqlite, StoreError> {
    connection::check_library()?;
    let mut write = connection::open_writer(path)?;
    migrate::migrate(&mut write, path, watch)?;
    let reads = read::SqliteReads::new(pool::open(path, READERS)?);
    let beside = connection::open_writer(path)?;
    let writer = write::SqliteWriter::new(write, beside, message)?;
    let writer = Writer::start(writer).map_err(|reason| StoreError::Failed(reason.to_string()))?;
    Ok(Sqlite { writer, reader: Reader::new(Arc::new(reads), READERS) })
}

/// Opens the database at `path` for reading only, beside a server or without one.
///
/// # Errors
/// [`StoreError::Incompatible`] when it is not of exactly this version: reading changes no schema.
/// [`StoreError::Failed`] when there is none.
pub fn open_for_reading(path: &Path) -> Result<Reader, StoreError> {
    connection::check_library()?;
    if !path.exists() {
        return Err(StoreError::Failed(format!(
            "there is no database at {}; name the server's data directory with --data-dir, or its configuration with --config",
            path.display()
        )));
    }
    let version = migrate::version(&connection::open_reader(path)?, path)?;
    if version != migrate::latest() {
        return Err(StoreError::Incompatible(format!(
            "{} is of an older diagramd (schema {version}; this one reads {}); start this version's server on it once, or use the version that runs on it",
            path.display(),
            migrate::latest()
        )));
    }
    Ok(Reader::new(Arc::new(read::SqliteReads::new(pool::open(path, 1)?)), 1))
}

/// Whether opening the database at `path` would change its schema; `false` where there is none.
///
/// # Errors
/// As [`open`].
pub fn is_older(path: &Path) -> Result<bool, StoreError> {
    if !path.exists() {
        return Ok(false);
    }
    let version = migrate::version(&connection::open_visitor(path)?, path)?;
    Ok(version > 0 && version < migrate::latest())
}

/// Where the database of a data directory is.
pub fn path_in(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE_NAME)
}

#[cfg(test)]
mod tests;
