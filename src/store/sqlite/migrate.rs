//! The schema's versions: `PRAGMA user_version` counts the migrations applied.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::Backup;

use crate::store::StoreError;

/// Every migration, in order; released ones never change.
const MIGRATIONS: &[&str] = &[include_str!("../../../migrations/0001_jobs_users_usage.sql")];
/// `PRAGMA application_id`: "dgrd".
const APPLICATION_ID: i32 = 0x6467_7264;

/// Brings the schema to this version. An older database is copied aside first.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
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
    if version == MIGRATIONS.len() {
        return Ok(());
    }
    if !fresh {
        let copy = copy_aside(connection, path, version)?;
        tracing::info!(copy = %copy.display(), from = version, to = MIGRATIONS.len(), "migrating the database; a copy is kept");
    }
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(version) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", u32::try_from(index + 1).unwrap_or(u32::MAX))?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.commit()?;
    }
    Ok(())
}

fn copy_aside(connection: &Connection, path: &Path, version: usize) -> Result<PathBuf, StoreError> {
    let mut copy = path.as_os_str().to_owned();
    copy.push(format!(".before-{}", version + 1));
    let copy = PathBuf::from(copy);
    let mut target = Connection::open(&copy)?;
    Backup::new(connection, &mut target)?.run_to_completion(1024, std::time::Duration::ZERO, None)?;
    Ok(copy)
}
