//! Alerts, messages on their way, and what of keys and budgets may raise one.

use rusqlite::types::Type;
use rusqlite::{Connection, Row, params};

use crate::domain::alert::{Alert, AlertChannel, AlertId, AlertKind, AlertLevel, AlertTurn};
use crate::domain::{KeyId, Money, Tier, Timestamp};
use crate::store::StoreError;
use crate::store::alerts::{AlertMessage, EndingKey, Spent};
use crate::store::sqlite::write::quota::MONTH;

const COLUMNS: &str =
    "alert.id, key, kind, level, subject, message, value, threshold, raised_at, resolved_at";
const COLUMN_COUNT: usize = 10;

/// Those that stand first, then the latest that are over.
pub(super) fn alerts(connection: &Connection, limit: u32) -> Result<Vec<Alert>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM alert ORDER BY resolved_at IS NOT NULL, raised_at DESC, id LIMIT ?1"
    ))?;
    Ok(statement.query_map(params![limit], alert)?.collect::<Result<_, _>>()?)
}

/// Those that stand, and those raised since.
pub(super) fn known(connection: &Connection, since: Timestamp) -> Result<Vec<Alert>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM alert WHERE resolved_at IS NULL OR raised_at >= ?1 ORDER BY raised_at"
    ))?;
    Ok(statement.query_map(params![since], alert)?.collect::<Result<_, _>>()?)
}

pub(super) fn due(
    connection: &Connection,
    channel: AlertChannel,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<AlertMessage>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS}, alert_message.id, turn, channel, tries, made_at
         FROM alert_message JOIN alert ON alert.id = alert_id WHERE due_at <= ?1 AND channel = ?2
         ORDER BY alert_message.id LIMIT ?3"
    ))?;
    let messages = statement.query_map(params![now, channel.name(), limit], |row| {
        Ok(AlertMessage {
            id: row.get(COLUMN_COUNT)?,
            alert: alert(row)?,
            turn: named(row, COLUMN_COUNT + 1, AlertTurn::from_name)?,
            channel: named(row, COLUMN_COUNT + 2, AlertChannel::from_name)?,
            tries: row.get(COLUMN_COUNT + 3)?,
            made_at: row.get(COLUMN_COUNT + 4)?,
        })
    })?;
    Ok(messages.collect::<Result<_, _>>()?)
}

pub(super) fn ending_keys(
    connection: &Connection,
    from: Timestamp,
    to: Timestamp,
    limit: u32,
) -> Result<Vec<EndingKey>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT api_key.id, user.name, api_key.created_at, expires_at
         FROM api_key JOIN user ON user.id = user_id
         WHERE expires_at BETWEEN ?1 AND ?2 AND revoked_at IS NULL AND disabled_at IS NULL
         ORDER BY expires_at LIMIT ?3",
    )?;
    let keys = statement.query_map(params![from, to, limit], |row| {
        Ok(EndingKey {
            id: KeyId(row.get(0)?),
            user: row.get(1)?,
            created_at: row.get(2)?,
            expires_at: row.get(3)?,
        })
    })?;
    Ok(keys.collect::<Result<_, _>>()?)
}

/// Of each tier that has a budget, the users who have spent at least this share of it.
pub(super) fn spent(
    connection: &Connection,
    budgets: &[(Tier, Money)],
    share: f64,
    month: Timestamp,
    limit: u32,
) -> Result<Vec<Spent>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT name, cost FROM user JOIN usage_window ON user_id = user.id AND kind = ?1 AND start = ?2
         WHERE tier = ?3 AND cost >= ?4 ORDER BY cost DESC LIMIT ?5",
    )?;
    let mut all = Vec::new();
    for (tier, budget) in budgets {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            reason = "a bound for the search"
        )]
        let least = (budget.0 as f64 * share) as i64;
        let rows = statement.query_map(params![MONTH, month, tier, least, limit], |row| {
            Ok(Spent { user: row.get(0)?, cost: row.get(1)?, budget: *budget })
        })?;
        for row in rows {
            all.push(row?);
        }
    }
    Ok(all)
}

fn alert(row: &Row<'_>) -> rusqlite::Result<Alert> {
    Ok(Alert {
        id: AlertId(row.get(0)?),
        key: row.get(1)?,
        kind: named(row, 2, AlertKind::from_name)?,
        level: named(row, 3, AlertLevel::from_name)?,
        subject: row.get(4)?,
        message: row.get(5)?,
        value: row.get(6)?,
        threshold: row.get(7)?,
        raised_at: row.get(8)?,
        resolved_at: row.get(9)?,
    })
}

fn named<T>(row: &Row<'_>, index: usize, read: impl Fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let name: String = row.get(index)?;
    let unknown =
        || rusqlite::Error::FromSqlConversionFailure(index, Type::Text, format!("unknown: {name}").into());
    read(&name).ok_or_else(unknown)
}
