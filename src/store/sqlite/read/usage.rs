//! A user's units, tokens and money.

use rusqlite::{Connection, OptionalExtension, params};

use crate::domain::limits::UserCounts;
use crate::domain::{Money, Timestamp, TokenUsage, UserId};
use crate::store::StoreError;
use crate::store::reads::Spending;
use crate::store::sqlite::write::quota::{DAY, HOUR, MONTH};

pub(super) fn counts(
    connection: &Connection,
    user: UserId,
    now: Timestamp,
) -> Result<UserCounts, StoreError> {
    let units = |kind: i64, start: Timestamp| -> Result<u32, StoreError> {
        let mut statement = connection.prepare_cached(
            "SELECT used FROM request_window WHERE user_id = ?1 AND kind = ?2 AND start = ?3",
        )?;
        Ok(statement.query_row(params![user, kind, start], |row| row.get(0)).optional()?.unwrap_or(0))
    };
    let mut live = connection.prepare_cached(
        "SELECT coalesce(sum(state = 0), 0), coalesce(sum(state = 1), 0) FROM job
         WHERE user_id = ?1 AND state IN (0, 1)",
    )?;
    let (queued, running) = live.query_row(params![user], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut held = connection.prepare_cached("SELECT amount FROM held WHERE user_id = ?1")?;
    let month_reserved = held.query_row(params![user], |row| row.get(0)).optional()?;
    Ok(UserCounts {
        hour: units(HOUR, now.hour())?,
        day: units(DAY, now.day())?,
        running,
        queued,
        month_cost: window(connection, user, MONTH, now.month())?.1,
        month_reserved: month_reserved.unwrap_or_default(),
    })
}

pub(super) fn spending(
    connection: &Connection,
    user: UserId,
    now: Timestamp,
) -> Result<Spending, StoreError> {
    let (today, cost_today) = window(connection, user, DAY, now.day())?;
    let (month, cost_month) = window(connection, user, MONTH, now.month())?;
    let (cache_hits, cache_saved) = saved(connection, user, now.month())?;
    Ok(Spending { today, month, cost_today, cost_month, cache_hits, cache_saved })
}

fn window(
    connection: &Connection,
    user: UserId,
    kind: i64,
    start: Timestamp,
) -> Result<(TokenUsage, Money), StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT input, output, cache_read, cache_write, cost FROM usage_window
         WHERE user_id = ?1 AND kind = ?2 AND start = ?3",
    )?;
    let found = statement.query_row(params![user, kind, start], |row| {
        let tokens = |index| row.get::<_, i64>(index).map(|count| u64::try_from(count).unwrap_or(0));
        let usage = TokenUsage {
            input: tokens(0)?,
            output: tokens(1)?,
            cache_read: tokens(2)?,
            cache_write: tokens(3)?,
        };
        Ok((usage, row.get(4)?))
    });
    Ok(found.optional()?.unwrap_or_default())
}

/// Answers from the cache in a month, and what they would have cost.
fn saved(connection: &Connection, user: UserId, month: Timestamp) -> Result<(u64, Money), StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT hits, saved FROM usage_window WHERE user_id = ?1 AND kind = ?2 AND start = ?3",
    )?;
    let found = statement.query_row(params![user, MONTH, month], |row| {
        Ok((u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0), row.get(1)?))
    });
    Ok(found.optional()?.unwrap_or_default())
}
