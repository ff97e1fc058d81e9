//! Puts a copy in the place of a database. The caller holds the locks: no server runs on it.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use tokio_util::sync::CancellationToken;

use super::Watch;
use super::check::{self, Inspected};
use super::connection;
use super::copy::{self, CopyError, Copying, SourceUse, Stage, Thoroughness, sync_directory, with_ending};
use crate::store::StoreError;

/// The copy on its way; it gets the database's name when it is whole and on disk.
const DRAFT_ENDING: &str = ".restoring";
/// A database that made room is named as it was, with this and a number after it.
const KEPT_ENDING: &str = ".replaced-";
/// Databases that made room and were never removed; more are not numbered.
const KEPT_MAX: u32 = 10_000;

/// How to restore.
#[derive(Clone, Copy, Debug, Default)]
pub struct Restoring {
    /// Whether a database that is there makes room; it is kept under another name.
    pub replace: bool,
    /// Whether the queue is to be paused when the server starts on it.
    pub paused: bool,
}

/// What was restored.
#[derive(Clone, Debug)]
pub struct Restored {
    /// What is in it.
    pub inspected: Inspected,
    /// The database that made room.
    pub kept: Option<PathBuf>,
}

/// Puts a copy of the file `from` where the database is. `from` stays as it is.
///
/// # Errors
/// When `from` is not a database that can be served, something is in its place, or the system
/// refuses; then the database is what it was.
pub fn restore(
    from: &Path,
    database: &Path,
    how: Restoring,
    stop: &CancellationToken,
    progress: &mut dyn FnMut(Stage),
) -> Result<Restored, CopyError> {
    progress(Stage::Checking);
    let inspected = check::inspect(from, stop).map_err(|reason| match reason {
        StoreError::Closed => CopyError::Stopped,
        StoreError::Failed(reason) => CopyError::Target(reason),
        other => other.into(),
    })?;
    if !inspected.faults.is_empty() {
        return Err(CopyError::Target(format!(
            "{} cannot be served: {}; nothing was changed",
            from.display(),
            inspected.faults.join("; ")
        )));
    }
    let log = with_ending(database, "-wal");
    let is_taken = database.exists() || log.exists();
    if is_taken && !how.replace {
        return Err(CopyError::Target(format!(
            "there is a database at {} already; --replace puts it aside, under another name, and takes {} instead",
            database.display(),
            from.display()
        )));
    }
    let draft = with_ending(database, DRAFT_ENDING);
    let copying = Copying {
        source: SourceUse::AtRest,
        replace: true,
        thoroughness: Thoroughness::Pages,
        watch: Watch::until(stop),
        progress,
    };
    // A journal that one left behind who was killed would be taken for this copy's.
    remove_if_there(&with_ending(&draft, "-journal")).map_err(|reason| {
        CopyError::Target(format!("what an earlier try left cannot be removed: {reason}"))
    })?;
    copy::copy(from, &draft, copying)?;
    if how.paused {
        pause(&draft)?;
    }
    let moved = |reason: std::io::Error| {
        CopyError::Target(format!("{} cannot be put in its place: {reason}", draft.display()))
    };
    let kept = if is_taken { Some(make_room(database).map_err(moved)?) } else { None };
    // In one step: at no time is there no database.
    std::fs::rename(&draft, database).and_then(|()| sync_directory(database)).map_err(moved)?;
    Ok(Restored { inspected, kept })
}

fn pause(draft: &Path) -> Result<(), CopyError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(draft, flags)?;
    connection.execute("UPDATE setting SET value = 1 WHERE name = 'paused'", [])?;
    Ok(())
}

/// Gives the database that is there a second name, under which it stays. Returns that.
fn make_room(database: &Path) -> std::io::Result<PathBuf> {
    // What its log holds goes into the file, so that one name is enough; a database that is too
    // damaged for that keeps its log beside it.
    if database.exists()
        && let Err(reason) = fold_log(database)
    {
        tracing::warn!(%reason, "the replaced database keeps its log in a file of its own");
    }
    let free = (1..KEPT_MAX)
        .map(|number| with_ending(database, &format!("{KEPT_ENDING}{number}")))
        .find(|name| name.symlink_metadata().is_err());
    let kept =
        free.ok_or_else(|| std::io::Error::other("there are too many replaced databases beside it"))?;
    if database.exists() {
        std::fs::hard_link(database, &kept)?;
    }
    for (ending, goes_along) in [("-wal", true), ("-shm", false)] {
        let file = with_ending(database, ending);
        if !file.exists() {
            continue;
        }
        if goes_along { std::fs::rename(&file, with_ending(&kept, ending))? } else { remove_if_there(&file)? }
    }
    sync_directory(database)?;
    Ok(kept)
}

fn fold_log(database: &Path) -> Result<(), StoreError> {
    let connection = connection::open_writer(database)?;
    connection::fold_log(&connection)
}

fn remove_if_there(file: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(file) {
        Err(reason) if reason.kind() == std::io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn restored(dir: &Path, how: Restoring) -> Restored {
        let stop = CancellationToken::new();
        restore(&dir.join("backup.db"), &dir.join("d.db"), how, &stop, &mut |_| {}).unwrap()
    }

    /// A directory with a backup in it.
    fn directory() -> tempfile::TempDir {
        let dir = tempfile::TempDir::new().unwrap();
        let backup = dir.path().join("backup.db");
        let mut connection = connection::open_writer(&backup).unwrap();
        super::super::migrate::migrate(&mut connection, &backup, &Watch::default()).unwrap();
        connection.pragma_update(None, "journal_mode", "DELETE").unwrap();
        dir
    }

    #[test]
    fn a_log_whose_database_is_gone_is_put_aside_as_it_is() {
        let dir = directory();
        std::fs::write(dir.path().join("d.db-wal"), "all that is left").unwrap();
        let kept = restored(dir.path(), Restoring { replace: true, paused: false }).kept.unwrap();
        let log = std::fs::read_to_string(with_ending(&kept, "-wal")).unwrap();
        assert_eq!(log, "all that is left");
        assert!(dir.path().join("d.db").exists() && !kept.exists());
    }

    #[test]
    fn what_an_earlier_try_left_is_not_rolled_back_into_the_next() {
        let dir = directory();
        std::fs::write(dir.path().join("d.db.restoring-journal"), "old pages").unwrap();
        restored(dir.path(), Restoring { replace: false, paused: true });
        let database = Connection::open(dir.path().join("d.db")).unwrap();
        let paused: i64 = database
            .query_row("SELECT value FROM setting WHERE name = 'paused'", [], |row| row.get(0))
            .unwrap();
        assert_eq!(paused, 1);
        assert!(!dir.path().join("d.db.restoring-journal").exists());
    }
}
