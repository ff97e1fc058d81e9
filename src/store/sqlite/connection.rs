//! Opening connections, with pragmas that are read back: a silent downgrade of durability is
//! the one fault nobody would notice.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::store::StoreError;

/// The first SQLite without the WAL-reset corruption fixed in 3.51.3.
const SQLITE_MIN: i32 = 3_051_003;
/// How long another process (a command-line verb) may hold the write lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two tries to turn a new file into a WAL database.
const WAL_PAUSE: Duration = Duration::from_millis(5);
/// Statements kept prepared per connection.
const STATEMENTS_CACHED: usize = 128;

/// Refuses an SQLite that is too old.
pub(super) fn check_library() -> Result<(), StoreError> {
    if rusqlite::version_number() < SQLITE_MIN {
        return Err(StoreError::Incompatible(format!(
            "SQLite {} is too old; 3.51.3 or newer is needed",
            rusqlite::version()
        )));
    }
    Ok(())
}

/// The read-write connection: WAL, every commit on disk before it returns.
pub(super) fn open_writer(path: &Path) -> Result<Connection, StoreError> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = open(path, flags)?;
    become_wal(&connection)?;
    set(&connection, "synchronous", "FULL", "2")?;
    set(&connection, "foreign_keys", "ON", "1")?;
    // Checkpoints are the writer's own, between batches.
    set(&connection, "wal_autocheckpoint", "0", "0")?;
    set(&connection, "journal_size_limit", "67108864", "67108864")?;
    set(&connection, "cache_size", "-16384", "-16384")?;
    set(&connection, "temp_store", "MEMORY", "2")?;
    Ok(connection)
}

/// A read-only connection.
pub(super) fn open_reader(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = open(path, flags)?;
    connection.pragma_update(None, "query_only", "ON")?;
    connection.pragma_update(None, "cache_size", "-2048")?;
    Ok(connection)
}

/// A connection that reads, from a program that is not the server. It may write so that, if it is
/// the only one, it can take the files away again that reading lays beside the database.
pub(super) fn open_visitor(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = open(path, flags)?;
    connection.pragma_update(None, "query_only", "ON")?;
    connection.pragma_update(None, "cache_size", "-2048")?;
    Ok(connection)
}

/// What all kinds have in common.
fn open(path: &Path, flags: OpenFlags) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    // Else a bound value that meets a partial index (`state = ?`) has its statement prepared anew
    // at every use: a fifth of the writer's time.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

/// Copies all of the write-ahead log back, so that the database is one file.
///
/// # Errors
/// [`StoreError::Busy`] when somebody reads what is in it; then it stays beside the database.
pub(super) fn fold_log(connection: &Connection) -> Result<(), StoreError> {
    // That it could not is no error of SQLite's, but the first column.
    let is_busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if is_busy { Err(StoreError::Busy) } else { Ok(()) }
}

/// Several programs may start on a new file at once. While one turns it into a WAL database SQLite
/// fails the others at once, whatever the busy timeout: theirs would be a deadlock.
fn become_wal(connection: &Connection) -> Result<(), StoreError> {
    let begin = Instant::now();
    loop {
        match set(connection, "journal_mode", "wal", "wal") {
            Err(StoreError::Busy) if begin.elapsed() < BUSY_TIMEOUT => std::thread::sleep(WAL_PAUSE),
            done => return done,
        }
    }
}

fn set(connection: &Connection, name: &str, value: &str, expected: &str) -> Result<(), StoreError> {
    connection.pragma_update(None, name, value)?;
    let read_back: String = connection.pragma_query_value(None, name, |row| {
        let value: rusqlite::types::Value = row.get(0)?;
        Ok(match value {
            rusqlite::types::Value::Integer(number) => number.to_string(),
            rusqlite::types::Value::Text(text) => text,
            rusqlite::types::Value::Null
            | rusqlite::types::Value::Real(_)
            | rusqlite::types::Value::Blob(_) => String::new(),
        })
    })?;
    if read_back.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    Err(StoreError::Incompatible(format!(
        "SQLite did not take {name}={value} (it reads back {read_back:?}); is the file on a network share?"
    )))
}
