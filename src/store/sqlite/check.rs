//! Whether a file is a database that this version can serve, and what is in it. Reads only.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension};
use tokio_util::sync::CancellationToken;

use super::copy::{Thoroughness, with_ending};
use super::{Watch, connection, migrate};
use crate::domain::{JobState, Timestamp};
use crate::store::StoreError;

/// Faults that are named; a damaged file has thousands.
const FAULTS_NAMED: u8 = 10;
/// Virtual-machine steps between two looks at whether to go on.
const STEPS_BETWEEN_LOOKS: i32 = 100_000;
/// Waiting for a server that is just opening the same file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What a database file holds, and whether it can be served.
#[derive(Clone, Debug)]
pub struct Inspected {
    /// Its size, without a log beside it.
    pub bytes: u64,
    /// The schema's version: `PRAGMA user_version`.
    pub schema: usize,
    /// The version that this program writes; an older one is migrated when it is opened.
    pub schema_served: usize,
    /// What is wrong with it, in sentences; empty when it can be served.
    pub faults: Vec<String>,
    /// Requests by [`JobState::code`].
    pub requests: [u64; JobState::ALL.len()],
    /// When the newest request was accepted.
    pub newest_request: Option<Timestamp>,
    /// Users.
    pub users: u64,
    /// API keys that are not revoked.
    pub keys: u64,
    /// Whether its queue is paused.
    pub is_paused: bool,
}

/// Looks at every page of the file at `path`.
///
/// # Errors
/// [`StoreError::Incompatible`] when it is no diagramd database or one of a newer version,
/// [`StoreError::Failed`] when it cannot be read at all, [`StoreError::Closed`] when `stop` fired.
pub fn inspect(path: &Path, stop: &CancellationToken) -> Result<Inspected, StoreError> {
    connection::check_library()?;
    let bytes = std::fs::metadata(path)
        .map_err(|reason| StoreError::Failed(format!("{} cannot be read: {reason}", path.display())))?
        .len();
    let mut connection = open(path).map_err(|reason| unreadable(path, reason.into()))?;
    let schema = migrate::version(&connection, path).map_err(|reason| unreadable(path, reason))?;
    if schema == 0 {
        return Err(StoreError::Incompatible(format!(
            "{} is not a diagramd database: it is empty",
            path.display()
        )));
    }
    let mut inspected = Inspected {
        bytes,
        schema,
        schema_served: migrate::latest(),
        faults: faults(&mut connection, Thoroughness::Whole, &Watch::until(stop))?,
        requests: Default::default(),
        newest_request: None,
        users: 0,
        keys: 0,
        is_paused: false,
    };
    if stop.is_cancelled() {
        return Err(StoreError::Closed);
    }
    inspected.faults.extend(migrate::missing(&connection, schema)?);
    // A damaged file may not even be countable; that it is damaged is what matters.
    if let Err(reason) = count(&connection, &mut inspected) {
        inspected.faults.push(format!("its contents cannot be counted: {reason}"));
    }
    Ok(inspected)
}

/// What SQLite says is wrong: pages, indexes, references. Less when `watch` ends it.
pub(super) fn faults(
    connection: &mut Connection,
    thoroughness: Thoroughness,
    watch: &Watch,
) -> Result<Vec<String>, StoreError> {
    let watch = watch.clone();
    connection.progress_handler(STEPS_BETWEEN_LOOKS, Some(move || !watch.goes_on()))?;
    let found = named_faults(connection, thoroughness);
    connection.progress_handler(0, None::<fn() -> bool>)?;
    match found {
        Err(StoreError::TimedOut) => Ok(Vec::new()),
        Err(StoreError::Failed(reason) | StoreError::Incompatible(reason)) => Ok(vec![reason]),
        other => other,
    }
}

fn named_faults(connection: &Connection, thoroughness: Thoroughness) -> Result<Vec<String>, StoreError> {
    let mut faults = Vec::new();
    let check = match thoroughness {
        Thoroughness::Whole => "integrity_check",
        Thoroughness::Pages => "quick_check",
    };
    connection.pragma(None, check, FAULTS_NAMED, |row| {
        let said: String = row.get(0)?;
        if said != "ok" {
            faults.extend(said.lines().map(str::to_owned).take(FAULTS_NAMED.into()));
        }
        Ok(())
    })?;
    if thoroughness == Thoroughness::Whole {
        let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()?
            && faults.len() < usize::from(FAULTS_NAMED)
        {
            let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
            faults.push(format!("a row of {table} refers to a row of {parent} that is not there"));
        }
    }
    faults.truncate(FAULTS_NAMED.into());
    Ok(faults)
}

/// Opens the file for reading so that nothing is left beside it: only one with a log beside it may be
/// in use, and only then the log is part of it.
pub(super) fn open(path: &Path) -> Result<Connection, rusqlite::Error> {
    if with_ending(path, "-wal").exists() {
        return connection::open_reader(path);
    }
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(unchanging(path), flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "query_only", "ON")?;
    Ok(connection)
}

/// The file's name as an address that says that nobody changes it meanwhile.
fn unchanging(path: &Path) -> String {
    use std::fmt::Write;
    use std::os::unix::ffi::OsStrExt;

    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut address = String::from("file:");
    for byte in absolute.as_os_str().as_bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                address.push(char::from(*byte))
            }
            // Writing into a string does not fail.
            other => drop(write!(address, "%{other:02X}")),
        }
    }
    address.push_str("?immutable=1");
    address
}

fn unreadable(path: &Path, reason: StoreError) -> StoreError {
    match reason {
        StoreError::Incompatible(said) if said.contains(&*path.to_string_lossy()) => {
            StoreError::Incompatible(said)
        }
        StoreError::Incompatible(_) => {
            StoreError::Incompatible(format!("{} is not a diagramd database", path.display()))
        }
        StoreError::Failed(said) => StoreError::Failed(format!("{} cannot be read: {said}", path.display())),
        other => other,
    }
}

fn count(connection: &Connection, into: &mut Inspected) -> Result<(), StoreError> {
    let mut statement = connection.prepare("SELECT state, count(*) FROM job GROUP BY state")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let state: JobState = row.get(0)?;
        if let Some(requests) =
            usize::try_from(state.code()).ok().and_then(|code| into.requests.get_mut(code))
        {
            *requests = row.get::<_, u32>(1)?.into();
        }
    }
    let one = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, u32>(0).map(u64::from));
    into.newest_request = connection.query_row("SELECT max(created_at) FROM job", [], |row| row.get(0))?;
    into.users = one("SELECT count(*) FROM user")?;
    into.keys = one("SELECT count(*) FROM api_key WHERE revoked_at IS NULL")?;
    let paused = connection
        .query_row("SELECT value FROM setting WHERE name = 'paused'", [], |row| row.get::<_, i64>(0))
        .optional()?;
    into.is_paused = paused.unwrap_or(0) != 0;
    Ok(())
}
