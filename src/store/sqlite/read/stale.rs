//! What is too old. None of these searches is cheap with years of data, so they are made here and
//! not by the writer; what they touch is then in memory when the writer deletes it.

use rusqlite::{Connection, Params, Row, params};

use crate::domain::alert::AlertId;
use crate::domain::{KeyId, SessionId};
use crate::store::StoreError;
use crate::store::retention::{Ages, Stale, StaleKind};

/// At most `limit` of this kind.
pub(super) fn stale(
    connection: &Connection,
    kind: StaleKind,
    ages: &Ages,
    limit: u32,
) -> Result<Vec<Stale>, StoreError> {
    match kind {
        // A request whose call still counts against the upstream's limits stays for these.
        StaleKind::Requests => each(
            connection,
            "SELECT seq FROM job WHERE ended_at IS NOT NULL AND ended_at < ?1
                 AND NOT EXISTS (SELECT 1 FROM attempt
                                 WHERE job_seq = seq AND (attempt.ended_at IS NULL OR attempt.ended_at >= ?2))
             ORDER BY ended_at LIMIT ?3",
            params![ages.requests, ages.calls, limit],
            |row| Ok(Stale::Request(row.get(0)?)),
        ),
        StaleKind::Messages => each(
            connection,
            "SELECT seq FROM webhook_delivery WHERE ended_at IS NOT NULL AND ended_at < ?1
             ORDER BY ended_at LIMIT ?2",
            params![ages.messages, limit],
            |row| Ok(Stale::Message(row.get(0)?)),
        ),
        StaleKind::Idempotency => each(
            connection,
            "SELECT user_id, key FROM idempotency WHERE created_at <= ?1 LIMIT ?2",
            params![ages.idempotency, limit],
            |row| Ok(Stale::Idempotency(row.get(0)?, row.get(1)?)),
        ),
        // User by user, the windows are found by their key.
        StaleKind::Units => each(
            connection,
            "SELECT user_id, kind, start FROM user CROSS JOIN (SELECT 0 AS k UNION ALL SELECT 1)
             CROSS JOIN request_window ON user_id = user.id AND kind = k AND start < ?1 LIMIT ?2",
            params![ages.units, limit],
            |row| Ok(Stale::Units(row.get(0)?, row.get(1)?, row.get(2)?)),
        ),
        StaleKind::Usage => each(
            connection,
            "SELECT user_id, kind, start FROM user CROSS JOIN (SELECT 0 AS k, ?1 AS age UNION ALL SELECT 1, ?2)
             CROSS JOIN usage_window ON user_id = user.id AND kind = k AND start < age LIMIT ?3",
            params![ages.hours, ages.days, limit],
            |row| Ok(Stale::Usage(row.get(0)?, row.get(1)?, row.get(2)?)),
        ),
        StaleKind::Sessions => each(
            connection,
            "SELECT hash FROM session WHERE expires_at <= ?1 LIMIT ?2",
            params![ages.sessions, limit],
            |row| Ok(Stale::Session(SessionId(row.get(0)?))),
        ),
        StaleKind::ApiKeys => each(
            connection,
            "SELECT id FROM api_key
             WHERE coalesce(min(revoked_at, expires_at), revoked_at, expires_at) < ?1 LIMIT ?2",
            params![ages.dead_keys, limit],
            |row| Ok(Stale::ApiKey(KeyId(row.get(0)?))),
        ),
        StaleKind::Alerts => each(
            connection,
            "SELECT id FROM alert WHERE resolved_at < ?1 LIMIT ?2",
            params![ages.alerts, limit],
            |row| Ok(Stale::Alert(AlertId(row.get(0)?))),
        ),
    }
}

fn each(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    read: fn(&Row<'_>) -> rusqlite::Result<Stale>,
) -> Result<Vec<Stale>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_map(parameters, read)?.collect::<Result<_, _>>()?;
    Ok(found)
}
