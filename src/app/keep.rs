//! Copies of the database: made beside a running server, looked at, put back.

use std::path::{Path, PathBuf};

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::domain::{JobState, Timestamp};
use crate::store::StoreError;
use crate::store::sqlite::{
    self, CopyError, Copying, DataLock, Inspected, Restoring, SourceUse, Stage, Thoroughness, Watch,
};

use super::data_dir;
use super::engine::{database_path, now};

/// How far a copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Parts copied so far, and all there are; a part is of no fixed size.
    Copying(u64, u64),
    /// What is copied is checked.
    Checking,
}

/// The copying was stopped on the caller's word; nothing is left of it.
#[derive(Debug, thiserror::Error)]
#[error("stopped; nothing was written")]
pub struct Stopped;

/// A copy that was made.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Backup {
    /// Where it is.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// The schema's version in it.
    pub schema: usize,
    /// Whatever was accepted before this instant is in it.
    pub as_of: Timestamp,
}

/// What a file that can be served holds.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Contents {
    /// Where it is.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// The schema's version in it.
    pub schema: usize,
    /// The version that it has once this program has opened it.
    pub schema_served: usize,
    /// Requests by state.
    pub requests: Requests,
    /// When the newest of them was accepted.
    pub newest_request: Option<Timestamp>,
    /// Users.
    pub users: u64,
    /// API keys that are not revoked.
    pub keys: u64,
    /// Whether its queue is paused.
    pub paused: bool,
}

/// How many requests there are in each state.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Requests {
    /// That wait.
    pub queued: u64,
    /// With a call under way.
    pub processing: u64,
    /// With a source.
    pub completed: u64,
    /// Without one.
    pub failed: u64,
    /// By their users.
    pub cancelled: u64,
    /// By their deadlines.
    pub expired: u64,
}

/// What was put back.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Restored {
    /// The database from now on, and what it holds.
    pub database: Contents,
    /// Where the one that made room is.
    pub kept: Option<PathBuf>,
}

/// Copies the database to `file` while a server may be at work on it.
///
/// # Errors
/// [`Stopped`]; and in a sentence why there is no copy: then `file` is what it was.
pub fn backup(
    config: &Config,
    file: &Path,
    replace: bool,
    stop: &CancellationToken,
    progress: &mut dyn FnMut(Progress),
) -> anyhow::Result<Backup> {
    let as_of = now();
    let copying = Copying {
        source: SourceUse::MayChange,
        replace,
        thoroughness: Thoroughness::Whole,
        watch: Watch::until(stop),
        progress: &mut |stage| progress(stage.into()),
    };
    let database = database_path(config);
    let copied = sqlite::copy(&database, file, copying).map_err(|reason| explained(&database, reason))?;
    Ok(Backup { file: file.to_owned(), bytes: copied.bytes, schema: copied.schema, as_of })
}

/// Looks at every page of `file`.
///
/// # Errors
/// [`Stopped`]; and in sentences why the file cannot be served.
pub fn check_backup(file: &Path, stop: &CancellationToken) -> anyhow::Result<Contents> {
    let inspected = sqlite::inspect(file, stop).map_err(|reason| match reason {
        StoreError::Closed => Stopped.into(),
        other => anyhow::anyhow!("{other}"),
    })?;
    if !inspected.faults.is_empty() {
        anyhow::bail!("{} cannot be served: {}", file.display(), inspected.faults.join("; "));
    }
    Ok(contents(file, &inspected))
}

/// Makes a copy of `file` the database of this configuration.
///
/// # Errors
/// [`Stopped`]; and in sentences: when a server runs on the data directory, a database is there and
/// `how` does not let it make room, `file` cannot be served, or the system refuses. Then nothing
/// was changed.
pub fn restore_backup(
    config: &Config,
    file: &Path,
    how: Restoring,
    stop: &CancellationToken,
    progress: &mut dyn FnMut(Progress),
) -> anyhow::Result<Restored> {
    data_dir::make(&config.server.data_dir)?;
    let database = database_path(config);
    data_dir::check_place(&database)?;
    let _lock = DataLock::take(&config.server.data_dir)
        .map_err(|reason| data_dir::explained(&config.server.data_dir, reason))?;
    let _beside = config.storage.path.as_deref().map(DataLock::take_beside).transpose()?;
    let restored = sqlite::restore(file, &database, how, stop, &mut |stage| progress(stage.into()))
        .map_err(|reason| explained(&database, reason))?;
    let mut inspected = restored.inspected;
    inspected.is_paused |= how.paused;
    Ok(Restored { database: contents(&database, &inspected), kept: restored.kept })
}

fn explained(database: &Path, reason: CopyError) -> anyhow::Error {
    match reason {
        CopyError::Stopped => Stopped.into(),
        CopyError::Store(reason @ StoreError::Failed(_)) => data_dir::explained(database, reason),
        other => other.into(),
    }
}

fn contents(file: &Path, inspected: &Inspected) -> Contents {
    let of = |state: JobState| {
        usize::try_from(state.code()).ok().and_then(|code| inspected.requests.get(code)).copied().unwrap_or(0)
    };
    Contents {
        file: file.to_owned(),
        bytes: inspected.bytes,
        schema: inspected.schema,
        schema_served: inspected.schema_served,
        requests: Requests {
            queued: of(JobState::Queued),
            processing: of(JobState::Processing),
            completed: of(JobState::Completed),
            failed: of(JobState::Failed),
            cancelled: of(JobState::Cancelled),
            expired: of(JobState::Expired),
        },
        newest_request: inspected.newest_request,
        users: inspected.users,
        keys: inspected.keys,
        paused: inspected.is_paused,
    }
}

impl From<Stage> for Progress {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::Copying { done, of } => Self::Copying(done, of),
            Stage::Checking => Self::Checking,
        }
    }
}
