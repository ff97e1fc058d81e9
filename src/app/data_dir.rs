//! The data directory: made private, holding the database, the lock and the server's secret.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use anyhow::{Context, bail};
use rand::Rng;

use crate::store::StoreError;

/// File that holds the secret of this server's own tokens.
const SECRET_FILE: &str = "secret";

const ROOT: u32 = 0;

/// Makes the data directory, readable by its owner only, if it is not there.
pub(super) fn make(path: &Path) -> anyhow::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if path.exists() {
        bail!("{} is not a directory; choose another with --data-dir or server.data_dir", path.display());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path).with_context(|| {
        format!(
            "the data directory {} cannot be made; choose another with --data-dir or server.data_dir",
            path.display()
        )
    })
}

/// Refuses to open somebody else's database as root: the files that SQLite makes beside it would be
/// root's, and the service could not open them any more.
///
/// # Errors
/// Whose it is, and how to run the verb as that user.
pub(super) fn check_owner(database: &Path) -> anyhow::Result<()> {
    refuse_root(database, "files that root makes beside it")
}

/// As [`check_owner`], before a database is put where there may be none yet: then its place belongs to
/// whoever will serve it.
///
/// # Errors
/// As [`check_owner`].
pub(super) fn check_place(database: &Path) -> anyhow::Result<()> {
    check_owner(database)?;
    match database.parent() {
        Some(place) if !database.exists() => refuse_root(place, "a database that root puts there"),
        _ => Ok(()),
    }
}

fn refuse_root(path: &Path, what: &str) -> anyhow::Result<()> {
    // Elsewhere than on Linux nobody tells who this is.
    let (Ok(own), Ok(there)) = (std::fs::metadata("/proc/self"), std::fs::metadata(path)) else {
        return Ok(());
    };
    if own.uid() != ROOT || there.uid() == ROOT {
        return Ok(());
    }
    let owner = name_of(there.uid()).unwrap_or_else(|| format!("#{}", there.uid()));
    bail!(
        "{} belongs to the user {owner}, and {what} would lock that user out; run this as {owner}: sudo -u '{owner}' \
         diagramd …",
        path.display()
    )
}

/// The name of a user of this machine.
fn name_of(uid: u32) -> Option<String> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let user = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let found = user.into_iter().find(|fields| fields.get(2).is_some_and(|id| *id == uid.to_string()))?;
    Some(found[0].to_owned())
}

/// What a store's failure to use the file or directory at `path` means to the operator; what the
/// store says in full already stays as it is.
pub(super) fn explained(path: &Path, reason: StoreError) -> anyhow::Error {
    match reason {
        StoreError::Failed(reason) => anyhow::anyhow!(
            "{} cannot be used: {reason}; give diagramd's user the right to read and write it and its directory, or \
             choose another with --data-dir",
            path.display()
        ),
        other => other.into(),
    }
}

/// The server's secret, made on first use.
pub(super) fn secret(data_dir: &Path) -> anyhow::Result<[u8; 32]> {
    let path = data_dir.join(SECRET_FILE);
    let mut fresh = [0; 32];
    rand::rng().fill_bytes(&mut fresh);
    if !path.exists() {
        // Whole or not at all, also when the power goes meanwhile.
        let draft = path.with_extension("new");
        let written = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft);
        written
            .and_then(|mut file| file.write_all(&fresh).and_then(|()| file.sync_all()))
            .and_then(|()| std::fs::rename(&draft, &path))
            .and_then(|()| File::open(data_dir)?.sync_all())
            .with_context(|| path.display().to_string())?;
        return Ok(fresh);
    }
    let mut bytes = Vec::new();
    OpenOptions::new()
        .read(true)
        .open(&path)
        .and_then(|file| file.take(33).read_to_end(&mut bytes))
        .with_context(|| path.display().to_string())?;
    let Ok(secret) = bytes.try_into() else {
        bail!(
            "{} is not a secret of 32 bytes; delete it to make a new one (tokens then end)",
            path.display()
        );
    };
    Ok(secret)
}
