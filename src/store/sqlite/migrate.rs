//! The schema's versions: `PRAGMA user_version` counts the migrations applied.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rusqlite::{Connection, TransactionBehavior};

use crate::store::StoreError;

use super::Watch;
use super::copy::{self, Copying, SourceUse, Thoroughness, with_ending};

/// Every migration, in order; released ones never change.
const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/0001_jobs_users_usage.sql"),
    include_str!("../../../migrations/0002_repairs.sql"),
    include_str!("../../../migrations/0003_cache.sql"),
    include_str!("../../../migrations/0004_followers.sql"),
    include_str!("../../../migrations/0005_sessions.sql"),
    include_str!("../../../migrations/0006_webhooks.sql"),
    include_str!("../../../migrations/0007_alerts.sql"),
    include_str!("../../../migrations/0008_webhook_lists.sql"),
    include_str!("../../../migrations/0009_books.sql"),
    include_str!("../../../migrations/0010_alerts_told.sql"),
    include_str!("../../../migrations/0011_traces.sql"),
];
/// `PRAGMA application_id`: "dgrd".
const APPLICATION_ID: i32 = 0x6467_7264;

/// Virtual-machine steps between two looks at whether to go on.
const STEPS_BETWEEN_LOOKS: i32 = 100_000;

/// A copy made before a migration is named as the database, with this and its own version after it.
const COPY_ENDING: &str = ".schema-";
/// Copies of databases as they were before a migration that are kept beside one.
const COPIES_KEPT: usize = 2;

/// The version that this program writes.
pub(super) fn latest() -> usize {
    MIGRATIONS.len()
}

/// Brings the schema to this version. An older database is copied aside first, and stays as it is
/// when it cannot be, and when `watch` ends it.
pub(super) fn migrate(connection: &mut Connection, path: &Path, watch: &Watch) -> Result<(), StoreError> {
    if version(connection, path)? == latest() {
        return Ok(());
    }
    let heeded = watch.clone();
    connection.progress_handler(STEPS_BETWEEN_LOOKS, Some(move || !heeded.goes_on()))?;
    let migrated = migrate_alone(connection, path, watch);
    connection.progress_handler(0, None::<fn() -> bool>)?;
    match migrated {
        Err(_) if watch.is_stopped() => Err(StoreError::Closed),
        other => other,
    }
}

fn migrate_alone(connection: &mut Connection, path: &Path, watch: &Watch) -> Result<(), StoreError> {
    // Several programs may start on a new directory at once: the first one to get the write lock
    // migrates, and the others find it done.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = version(&transaction, path)?;
    let is_older = version > 0 && version < latest();
    if is_older {
        let copy = copy_aside(path, version, watch)?;
        tracing::info!(copy = %copy.display(), from = version, to = latest(), "migrating the database; a copy is kept");
    }
    apply(&transaction, version, latest())?;
    transaction.commit()?;
    if is_older {
        forget_old_copies(path);
    }
    Ok(())
}

/// Applies the migrations after the first `from`, up to the `to`th.
fn apply(connection: &Connection, from: usize, to: usize) -> Result<(), StoreError> {
    for (index, migration) in MIGRATIONS.iter().enumerate().take(to).skip(from) {
        connection.execute_batch(migration)?;
        connection.pragma_update(None, "user_version", u32::try_from(index + 1).unwrap_or(u32::MAX))?;
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    Ok(())
}

/// The migrations applied; an error when the database is not ours or of a newer version.
pub(super) fn version(connection: &Connection, path: &Path) -> Result<usize, StoreError> {
    let version = version_of_any(connection, path)?;
    if version > latest() {
        return Err(StoreError::Incompatible(format!(
            "{} was written by a newer diagramd (schema {version}; this one knows {}); install that version, or restore a copy made before the upgrade",
            path.display(),
            latest()
        )));
    }
    Ok(version)
}

/// As [`version`], of a newer version too.
pub(super) fn version_of_any(connection: &Connection, path: &Path) -> Result<usize, StoreError> {
    // One statement, and so one moment: another program may be migrating.
    let (version, application, tables) = connection.query_row(
        "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_schema)
         FROM pragma_user_version, pragma_application_id",
        [],
        |row| Ok((row.get::<_, u32>(0)?, row.get::<_, i32>(1)?, row.get::<_, i64>(2)?)),
    )?;
    let is_new = version == 0 && tables == 0;
    if !is_new && application != APPLICATION_ID {
        return Err(StoreError::Incompatible(format!("{} is not a diagramd database", path.display())));
    }
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

/// What a database of this version should have and does not: sentences, none when it has all.
pub(super) fn missing(connection: &Connection, version: usize) -> Result<Vec<String>, StoreError> {
    let model = Connection::open_in_memory()?;
    apply(&model, 0, version)?;
    let (should, has) = (parts(&model)?, parts(connection)?);
    Ok(should.difference(&has).map(|part| format!("it has no {part}")).collect())
}

/// Tables, columns, indexes and triggers, by kind and name.
fn parts(connection: &Connection) -> Result<BTreeSet<String>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT type || ' ' || name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'
         UNION ALL
         SELECT 'column ' || part.name || '.' || info.name
         FROM sqlite_schema AS part JOIN pragma_table_info(part.name) AS info
         WHERE part.type = 'table' AND part.name NOT LIKE 'sqlite_%'",
    )?;
    let parts = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(parts)
}

/// Copies the database as it was before the migration that is about to begin: through a
/// connection of its own, for one that writes cannot be copied from.
fn copy_aside(path: &Path, version: usize, watch: &Watch) -> Result<PathBuf, StoreError> {
    let target = with_ending(path, &format!("{COPY_ENDING}{version}"));
    let how = Copying {
        source: SourceUse::MayChange,
        // One of the same version is of an earlier upgrade that was taken back.
        replace: true,
        thoroughness: Thoroughness::Pages,
        watch: watch.clone(),
        progress: &mut |_| {},
    };
    copy::copy(path, &target, how).map_err(|reason| match StoreError::from(reason) {
        StoreError::Full(reason) => StoreError::Full(format!(
            "before its schema changes the database is copied beside itself, and that did not work: {reason}"
        )),
        StoreError::Failed(reason) => StoreError::Failed(format!(
            "before its schema changes the database is copied beside itself, and that did not work: {reason}"
        )),
        other => other,
    })?;
    Ok(target)
}

/// Removes all copies of earlier migrations but the newest ones.
fn forget_old_copies(path: &Path) {
    let mut copies: Vec<(SystemTime, PathBuf)> = (0..latest())
        .map(|version| with_ending(path, &format!("{COPY_ENDING}{version}")))
        .filter_map(|copy| Some((copy.metadata().ok()?.modified().ok()?, copy)))
        .collect();
    copies.sort();
    let too_many = copies.len().saturating_sub(COPIES_KEPT);
    for (_, copy) in copies.drain(..too_many) {
        match std::fs::remove_file(&copy) {
            Ok(()) => tracing::info!(copy = %copy.display(), "an old copy of the database was removed"),
            Err(reason) => {
                tracing::warn!(%reason, copy = %copy.display(), "an old copy could not be removed")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_database_is_copied_aside_and_brought_up_to_date() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("old.db");
        let old = Connection::open(&path).unwrap();
        old.execute_batch(MIGRATIONS[0]).unwrap();
        old.execute_batch(
            "INSERT INTO user (id, name, tier, created_at) VALUES (1, 'ann', 'free', 0);
             INSERT INTO job (seq, id, user_id, tier, state, diagram_type, max_tokens, estimated_input, reserved,
                              created_at) VALUES (7, zeroblob(16), 1, 'free', 0, 'mermaid', 1, 1, 0, 0);
             INSERT INTO attempt (job_seq, run, lane, model, claimed_at, estimated_input, estimated_output)
             VALUES (7, 1, 'l', 'm', 0, 1, 1);",
        )
        .unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        old.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        drop(old);

        let mut connection = crate::store::sqlite::connection::open_writer(&path).unwrap();
        migrate(&mut connection, &path, &Watch::default()).unwrap();
        assert_eq!(version(&connection, &path).unwrap(), MIGRATIONS.len());
        let kept = "SELECT repairs, repair FROM job JOIN attempt ON job_seq = seq WHERE seq = 7";
        let kept = connection.query_row(kept, [], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, u32>(1)?)));
        assert_eq!(kept.unwrap(), (0, 0));
        let copy = Connection::open(dir.path().join("old.db.schema-1")).unwrap();
        assert_eq!(version(&copy, &path).unwrap(), 1);
        assert_eq!(copy.query_row("SELECT count(*) FROM job", [], |row| row.get::<_, u32>(0)).unwrap(), 1);
        migrate(&mut connection, &path, &Watch::default()).unwrap();
    }

    #[test]
    fn the_newest_two_copies_are_kept() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("old.db");
        let copy = |version: usize| with_ending(&path, &format!("{COPY_ENDING}{version}"));
        // The copy of version 1 was made last: that upgrade was taken back and made again.
        for (version, seconds) in [(1, 400), (2, 100), (3, 300), (4, 200)] {
            let file = std::fs::File::create(copy(version)).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds)).unwrap();
        }
        forget_old_copies(&path);
        assert_eq!([1, 2, 3, 4].map(|version| copy(version).exists()), [true, false, true, false]);
    }

    #[test]
    fn a_database_stays_as_it_is_when_it_cannot_be_copied_first() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("old.db");
        let old = Connection::open(&path).unwrap();
        apply(&old, 0, 1).unwrap();
        drop(old);
        // Something that is no file stands where the copy goes.
        std::fs::create_dir(with_ending(&path, ".schema-1")).unwrap();
        let mut connection = crate::store::sqlite::connection::open_writer(&path).unwrap();
        let refused = migrate(&mut connection, &path, &Watch::default()).unwrap_err().to_string();
        assert!(
            refused.contains("before its schema changes the database is copied beside itself"),
            "{refused}"
        );
        assert_eq!(version(&connection, &path).unwrap(), 1);
    }
}
