//! The schema's versions: `PRAGMA user_version` counts the migrations applied.

use std::path::{Path, PathBuf};

use rusqlite::backup::Backup;
use rusqlite::{Connection, TransactionBehavior};

use crate::store::StoreError;

use super::connection;

/// Every migration, in order; released ones never change.
const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/0001_jobs_users_usage.sql"),
    include_str!("../../../migrations/0002_repairs.sql"),
    include_str!("../../../migrations/0003_cache.sql"),
    include_str!("../../../migrations/0004_followers.sql"),
    include_str!("../../../migrations/0005_sessions.sql"),
    include_str!("../../../migrations/0006_webhooks.sql"),
];
/// `PRAGMA application_id`: "dgrd".
const APPLICATION_ID: i32 = 0x6467_7264;

/// Brings the schema to this version. An older database is copied aside first.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    if version(connection, path)? == MIGRATIONS.len() {
        return Ok(());
    }
    // Several programs may start on a new directory at once: the first one to get the write lock
    // migrates, and the others find it done.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = version(&transaction, path)?;
    if version > 0 && version < MIGRATIONS.len() {
        let copy = copy_aside(path, version)?;
        tracing::info!(copy = %copy.display(), from = version, to = MIGRATIONS.len(), "migrating the database; a copy is kept");
    }
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(version) {
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", u32::try_from(index + 1).unwrap_or(u32::MAX))?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    Ok(transaction.commit()?)
}

/// The migrations applied; an error when the database is not ours or of a newer version.
fn version(connection: &Connection, path: &Path) -> Result<usize, StoreError> {
    // One statement, and so one moment: another program may be migrating.
    let (version, application, tables) = connection.query_row(
        "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_schema)
         FROM pragma_user_version, pragma_application_id",
        [],
        |row| Ok((row.get::<_, u32>(0)?, row.get::<_, i32>(1)?, row.get::<_, i64>(2)?)),
    )?;
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    let fresh = version == 0 && tables == 0;
    if !fresh && application != APPLICATION_ID {
        return Err(StoreError::Incompatible(format!("{} is not a diagramd database", path.display())));
    }
    if version > MIGRATIONS.len() {
        return Err(StoreError::Incompatible(format!(
            "{} was written by a newer diagramd (schema {version}; this one knows {}); install that version, or restore a copy made before the upgrade",
            path.display(),
            MIGRATIONS.len()
        )));
    }
    Ok(version)
}

/// Copies the database as it was before the migration that is about to begin: through a
/// connection of its own, for one that writes cannot be copied from.
fn copy_aside(path: &Path, version: usize) -> Result<PathBuf, StoreError> {
    let mut copy = path.as_os_str().to_owned();
    copy.push(format!(".before-{}", version + 1));
    let copy = PathBuf::from(copy);
    let mut target = Connection::open(&copy)?;
    let source = connection::open_reader(path)?;
    Backup::new(&source, &mut target)?.run_to_completion(1024, std::time::Duration::ZERO, None)?;
    Ok(copy)
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

        let mut connection = connection::open_writer(&path).unwrap();
        migrate(&mut connection, &path).unwrap();
        assert_eq!(version(&connection, &path).unwrap(), MIGRATIONS.len());
        let kept = "SELECT repairs, repair FROM job JOIN attempt ON job_seq = seq WHERE seq = 7";
        let kept = connection.query_row(kept, [], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, u32>(1)?)));
        assert_eq!(kept.unwrap(), (0, 0));
        let copy = Connection::open(dir.path().join("old.db.before-2")).unwrap();
        assert_eq!(version(&copy, &path).unwrap(), 1);
        assert_eq!(copy.query_row("SELECT count(*) FROM job", [], |row| row.get::<_, u32>(0)).unwrap(), 1);
        migrate(&mut connection, &path).unwrap();
    }
}
