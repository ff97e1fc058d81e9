//! The SQLite backend: the only place that knows `rusqlite`.
//!
//! One read-write connection lives on the writer thread; reads go through an r2d2 pool of
//! read-only connections. The data directory is locked while a server runs on it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Reader, StoreError, Writer};
use crate::domain::webhook::WriteMessage;

mod connection;
mod error;
mod lock;
mod migrate;
mod pool;
mod read;
mod rows;
mod write;

pub use lock::DataLock;

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
/// ends to users' applications.
///
/// # Errors
/// [`StoreError::Incompatible`] for a newer schema, an old SQLite or a pragma that does not
/// read back; [`StoreError::Failed`] for what the system reports.
pub fn open(path: &Path, message: WriteMessage) -> Result<Sqlite, StoreError> {
    connection::check_library()?;
    let mut write = connection::open_writer(path)?;
    migrate::migrate(&mut write, path)?;
    let reads = read::SqliteReads::new(pool::open(path, READERS)?);
    let writer = write::SqliteWriter::new(write, message)?;
    let writer = Writer::start(writer).map_err(|reason| StoreError::Failed(reason.to_string()))?;
    Ok(Sqlite { writer, reader: Reader::new(Arc::new(reads), READERS) })
}

/// Where the database of a data directory is.
pub fn path_in(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE_NAME)
}

#[cfg(test)]
mod tests;
