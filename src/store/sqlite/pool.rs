//! The r2d2 pool of read-only connections.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use crate::store::StoreError;

use super::connection;

/// Waiting for a free connection; reads are limited in number before they get here.
const WAIT: Duration = Duration::from_secs(5);

pub(super) type Pool = r2d2::Pool<Manager>;

/// Makes and checks connections for r2d2.
#[derive(Debug)]
pub(super) struct Manager {
    path: PathBuf,
}

impl r2d2::ManageConnection for Manager {
    type Connection = Connection;
    type Error = rusqlite::Error;

    fn connect(&self) -> Result<Connection, rusqlite::Error> {
        connection::open_reader(&self.path)
    }

    fn is_valid(&self, connection: &mut Connection) -> Result<(), rusqlite::Error> {
        connection.execute_batch("")
    }

    fn has_broken(&self, _: &mut Connection) -> bool {
        false
    }
}

pub(super) fn open(path: &Path, connections: usize) -> Result<Pool, StoreError> {
    let size = u32::try_from(connections).unwrap_or(1);
    r2d2::Pool::builder()
        .max_size(size)
        .min_idle(Some(1))
        .test_on_check_out(false)
        .connection_timeout(WAIT)
        .build(Manager { path: path.to_owned() })
        .map_err(|reason| StoreError::Failed(reason.to_string()))
}
