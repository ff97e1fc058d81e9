//! A whole copy of a database, made while a server may be writing to it.
//!
//! Called by the verbs `backup` and `restore`, and before a migration. The source is read in one
//! transaction on a connection of its own: no writer waits for it, and the copy is of one instant.
//! The copy is written beside its place and gets its name only once it is whole, checked and on
//! disk, so that nothing half made ever looks like a backup.

use std::ffi::c_int;
use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::{Watch, check, connection, migrate};
use crate::store::StoreError;

mod draft;

use draft::Draft;
pub(super) use draft::{sync_directory, with_ending};

/// Pages copied between two looks at whether to go on, and two syncs of what was written: at no
/// time does the system hold much that a sync of the server's own would have to wait for.
const PAGES_AT_ONCE: c_int = 512;

/// How thoroughly a copy is looked at before it gets its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thoroughness {
    /// Every page, every index against its table, every reference.
    Whole,
    /// Every page, but no index against its table: a page-by-page copy cannot change that.
    Pages,
}

/// Whether anybody may write to the source meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceUse {
    /// A server may, or may start to.
    MayChange,
    /// Nobody does: it is a copy itself. Nothing is left beside it.
    AtRest,
}

/// How to copy, and who is told how far it is.
pub struct Copying<'a> {
    /// What else happens to the source.
    pub source: SourceUse,
    /// Whether a file that stands at the target may be replaced.
    pub replace: bool,
    /// How thoroughly the copy is checked.
    pub thoroughness: Thoroughness,
    /// Ends the copying; nothing is left of it then.
    pub watch: Watch,
    /// Hears of every step.
    pub progress: &'a mut dyn FnMut(Stage),
}

/// How far a copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Pages copied so far, and all there are.
    Copying {
        /// So far.
        done: u64,
        /// All.
        of: u64,
    },
    /// All are copied; the copy is checked.
    Checking,
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// Something stands at the target, or the target cannot be one.
    #[error("{0}")]
    Target(String),
    /// The copy does not fit.
    #[error(
        "{place} has {} MiB free and the copy needs {} MiB; make room there, or name a file on another disk",
        free >> 20,
        needed.div_ceil(1 << 20)
    )]
    NoRoom {
        /// The directory.
        place: String,
        /// Bytes.
        free: u64,
        /// Bytes.
        needed: u64,
    },
    /// The copy is not sound: then the database itself is not.
    #[error("the database is damaged, and no copy was kept: {}", .0.join("; "))]
    Damaged(Vec<String>),
    /// [`Copying::watch`] ended it.
    #[error("the copying was stopped, and nothing is left of it")]
    Stopped,
    /// What the store or the system reports.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rusqlite::Error> for CopyError {
    fn from(reason: rusqlite::Error) -> Self {
        Self::Store(reason.into())
    }
}

impl From<CopyError> for StoreError {
    fn from(reason: CopyError) -> Self {
        match reason {
            CopyError::Store(reason) => reason,
            CopyError::NoRoom { .. } => Self::Full(reason.to_string()),
            other => Self::Failed(other.to_string()),
        }
    }
}

/// A copy that stands in its place.
#[derive(Clone, Copy, Debug)]
pub struct Copied {
    /// Its size.
    pub bytes: u64,
    /// The schema's version.
    pub schema: usize,
}

/// Copies the database at `source` to the file `target`, whose directory must be there. The copy
/// is one whole file that needs none beside it, readable by its owner only.
///
/// # Errors
/// [`CopyError`]; then `target` is what it was.
pub fn copy(source: &Path, target: &Path, mut how: Copying<'_>) -> Result<Copied, CopyError> {
    connection::check_library()?;
    let from = open_source(source, how.source)?;
    // The first read fixes the instant that the copy is of.
    from.execute_batch("BEGIN")?;
    let schema = migrate::version_of_any(&from, source)?;
    let draft = Draft::begin(source, target, how.replace)?;
    draft.check_room(bytes_of(&from)?)?;
    let mut to = open_draft(&draft)?;
    copy_pages(&from, &mut to, &draft, &mut how)?;
    // Nothing of the source is held while the copy is checked.
    drop(from);
    (how.progress)(Stage::Checking);
    become_one_file(&to)?;
    let faults = check::faults(&mut to, how.thoroughness, &how.watch)?;
    if how.watch.is_stopped() {
        return Err(CopyError::Stopped);
    }
    if !faults.is_empty() {
        return Err(CopyError::Damaged(faults));
    }
    drop(to);
    let bytes = draft.finish()?;
    Ok(Copied { bytes, schema })
}

/// The source, for reading; it is never made.
fn open_source(source: &Path, used: SourceUse) -> Result<Connection, CopyError> {
    if !source.exists() {
        return Err(CopyError::Target(format!(
            "there is no database at {}; name another data directory with --data-dir, or the configuration that the server uses with --config",
            source.display()
        )));
    }
    match used {
        SourceUse::MayChange => Ok(connection::open_visitor(source)?),
        SourceUse::AtRest => Ok(check::open(source)?),
    }
}

fn bytes_of(connection: &Connection) -> Result<u64, CopyError> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, u32>(0).map(u64::from));
    Ok(pragma("page_count")?.saturating_mul(pragma("page_size")?))
}

/// The copy while it is written: nobody else reads it, it needs no journal (what is half written is
/// thrown away), and it is synced here.
fn open_draft(draft: &Draft) -> Result<Connection, CopyError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(draft.path(), flags)?;
    connection.pragma_update(None, "journal_mode", "OFF")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "cache_size", "-4096")?;
    Ok(connection)
}

fn copy_pages(
    from: &Connection,
    to: &mut Connection,
    draft: &Draft,
    how: &mut Copying<'_>,
) -> Result<(), CopyError> {
    let backup = Backup::new(from, to)?;
    loop {
        if !how.watch.goes_on() {
            return Err(CopyError::Stopped);
        }
        let step = backup.step(PAGES_AT_ONCE)?;
        let pages = |count: c_int| u64::try_from(count).unwrap_or(0);
        let progress = backup.progress();
        let of = pages(progress.pagecount);
        (how.progress)(Stage::Copying { done: of.saturating_sub(pages(progress.remaining)), of });
        match step {
            StepResult::Done => return Ok(()),
            StepResult::More => draft.sync()?,
            // Readers of a write-ahead log wait for nobody, and the draft is ours.
            other => return Err(StoreError::Failed(format!("the copy could not go on: {other:?}")).into()),
        }
    }
}

/// The copied header says that a write-ahead log belongs to the file. Without that, whoever opens
/// it for reading leaves nothing beside it; a server puts it back.
fn become_one_file(connection: &Connection) -> Result<(), CopyError> {
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "DELETE", |row| row.get(0))?;
    if mode != "delete" {
        return Err(StoreError::Failed(format!("the copy keeps a log of its own ({mode})")).into());
    }
    Ok(())
}
