//! What is too old. None of these searches is cheap with years of data, so they are made here and
//! not by the writer; what they touch is then in memory when the writer deletes it.

use rusqlite::{Connection, Params, Row, params};

use crate::domain::{KeyId, SessionId};
use crate::store::StoreError;
use crate::store::retention::{Ages, Stale};

/// At most `limit` of each kind.
pub(super) fn stale(connection: &Connection, ages: &Ages, limit: u32) -> Result<Vec<Stale>, StoreError> {
    let mut found = Vec::new();
    let mut look =
        |sql: &str, parameters: &[&dyn rusqlite::ToSql], read: fn(&Row<'_>) -> rusqlite::Result<Stale>| {
            each(connection, sql, parameters, read, &mut found)
        };
    look(
        "SELECT seq FROM job WHERE ended_at IS NOT NULL AND ended_at < ?1 ORDER BY ended_at LIMIT ?2",
        params![ages.requests, limit],
        |row| Ok(Stale::Request(row.get(0)?)),
    )?;
    look(
        "SELECT seq FROM webhook_delivery WHERE ended_at IS NOT NULL AND ended_at < ?1 ORDER BY ended_at LIMIT ?2",
        params![ages.messages, limit],
        |row| Ok(Stale::Message(row.get(0)?)),
    )?;
    look(
        "SELECT user_id, key FROM idempotency WHERE created_at <= ?1 LIMIT ?2",
        params![ages.idempotency, limit],
        |row| Ok(Stale::Idempotency(row.get(0)?, row.get(1)?)),
    )?;
    // User by user, the windows are found by their key.
    look(
        "SELECT user_id, kind, start FROM user CROSS JOIN (SELECT 0 AS k UNION ALL SELECT 1)
         CROSS JOIN request_window ON user_id = user.id AND kind = k AND start < ?1 LIMIT ?2",
        params![ages.units, limit],
        |row| Ok(Stale::Units(row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    look(
        "SELECT user_id, kind, start FROM user CROSS JOIN (SELECT 0 AS k, ?1 AS age UNION ALL SELECT 1, ?2)
         CROSS JOIN usage_window ON user_id = user.id AND kind = k AND start < age LIMIT ?3",
        params![ages.hours, ages.days, limit],
        |row| Ok(Stale::Usage(row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    look("SELECT hash FROM session WHERE expires_at <= ?1 LIMIT ?2", params![ages.sessions, limit], |row| {
        Ok(Stale::Session(SessionId(row.get(0)?)))
    })?;
    look(
        "SELECT id FROM api_key WHERE coalesce(min(revoked_at, expires_at), revoked_at, expires_at) < ?1 LIMIT ?2",
        params![ages.dead_keys, limit],
        |row| Ok(Stale::ApiKey(KeyId(row.get(0)?))),
    )?;
    Ok(found)
}

fn each(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    read: fn(&Row<'_>) -> rusqlite::Result<Stale>,
    found: &mut Vec<Stale>,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    for row in statement.query_map(parameters, read)? {
        found.push(row?);
    }
    Ok(())
}
