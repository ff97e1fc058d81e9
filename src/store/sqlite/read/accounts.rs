//! Users, keys and settings.

use rusqlite::{Connection, OptionalExtension, params};

use crate::domain::user::{ApiKey, User};
use crate::domain::{KeyId, Tier, UserId};
use crate::store::StoreError;
use crate::store::reads::KeyOwner;
use crate::store::sqlite::rows::{self, KEY_COLUMN_COUNT, KEY_COLUMNS, USER_COLUMNS};

pub(super) fn key_by_hash(connection: &Connection, hash: &[u8; 32]) -> Result<Option<KeyOwner>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {KEY_COLUMNS}, {USER_COLUMNS} FROM api_key JOIN user ON user.id = api_key.user_id WHERE hash = ?1"
    ))?;
    let owner = statement.query_row(params![hash.as_slice()], |row| {
        Ok(KeyOwner { key: rows::api_key(row)?, user: rows::user_from(row, KEY_COLUMN_COUNT)? })
    });
    Ok(owner.optional()?)
}

pub(super) fn key(connection: &Connection, id: &KeyId) -> Result<Option<ApiKey>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {KEY_COLUMNS} FROM api_key JOIN user ON user.id = api_key.user_id WHERE api_key.id = ?1"
    ))?;
    Ok(statement.query_row(params![id.0], rows::api_key).optional()?)
}

pub(super) fn keys(connection: &Connection) -> Result<Vec<ApiKey>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {KEY_COLUMNS} FROM api_key JOIN user ON user.id = api_key.user_id
         ORDER BY api_key.created_at DESC, api_key.rowid DESC"
    ))?;
    Ok(statement.query_map([], rows::api_key)?.collect::<Result<_, _>>()?)
}

pub(super) fn user(connection: &Connection, name: &str) -> Result<Option<User>, StoreError> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {USER_COLUMNS} FROM user WHERE name = ?1"))?;
    Ok(statement.query_row(params![name], rows::user).optional()?)
}

pub(super) fn user_by_id(connection: &Connection, id: UserId) -> Result<Option<User>, StoreError> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {USER_COLUMNS} FROM user WHERE id = ?1"))?;
    Ok(statement.query_row(params![id], rows::user).optional()?)
}

pub(super) fn users(connection: &Connection) -> Result<Vec<User>, StoreError> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {USER_COLUMNS} FROM user ORDER BY name"))?;
    Ok(statement.query_map([], rows::user)?.collect::<Result<_, _>>()?)
}

pub(super) fn password(connection: &Connection, name: &str) -> Result<Option<String>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT password FROM user WHERE name = ?1 AND disabled_at IS NULL")?;
    Ok(statement.query_row(params![name], |row| row.get(0)).optional()?.flatten())
}

pub(super) fn setting(connection: &Connection, name: &str) -> Result<i64, StoreError> {
    let mut statement = connection.prepare_cached("SELECT value FROM setting WHERE name = ?1")?;
    Ok(statement.query_row(params![name], |row| row.get(0))?)
}

pub(super) fn tiers_changed_since(
    connection: &Connection,
    epoch: i64,
) -> Result<Vec<(UserId, Tier)>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT id, tier FROM user WHERE tier_epoch > ?1")?;
    let changed = statement.query_map(params![epoch], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(changed.collect::<Result<_, _>>()?)
}
