//! Usage for the operator's books, page by page: no page keeps a snapshot open for the next one, so
//! that a reader who takes its time holds nothing up.

use rusqlite::{Connection, Row, params};

use crate::domain::{Timestamp, TokenUsage, UserId};
use crate::store::StoreError;
use crate::store::ledger::{Billed, BilledQuery, Used, UsedBy, UsedQuery};
use crate::store::sqlite::rows::unsigned;
use crate::store::sqlite::write::quota::{DAY, MONTH};

pub(super) fn used(connection: &Connection, query: &UsedQuery) -> Result<Vec<Used>, StoreError> {
    let kind = match query.by {
        UsedBy::Day | UsedBy::UserOfDays => DAY,
        UsedBy::Month | UsedBy::UserOfMonths => MONTH,
    };
    let group = match query.by {
        UsedBy::Day | UsedBy::Month => "user.id, used.start",
        UsedBy::UserOfDays | UsedBy::UserOfMonths => "user.id",
    };
    // User by user, the windows are found by their key. A user's sum has the last row's place, so
    // that the next page begins with the next user.
    let (user, start) = query.after.unwrap_or((UserId(i64::MIN), Timestamp(i64::MIN)));
    let start = match query.by {
        UsedBy::Day | UsedBy::Month => start,
        UsedBy::UserOfDays | UsedBy::UserOfMonths => Timestamp(i64::MAX),
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT user.id AS id, user.name AS name, user.tier AS tier, min(used.start) AS start,
                sum(used.input) AS input, sum(used.output) AS output, sum(used.cache_read) AS cache_read,
                sum(used.cache_write) AS cache_write, sum(used.cost) AS cost, sum(used.hits) AS hits,
                sum(used.saved) AS saved
         FROM user CROSS JOIN usage_window AS used
              ON used.user_id = user.id AND used.kind = ?1 AND used.start >= ?2 AND used.start < ?3
         WHERE user.id >= ?4 AND (user.id > ?4 OR used.start > ?5)
         GROUP BY {group} ORDER BY {group} LIMIT ?6"
    ))?;
    let rows = statement.query_map(params![kind, query.from, query.to, user, start, query.limit], |row| {
        Ok(Used {
            user: row.get("id")?,
            name: row.get("name")?,
            tier: row.get("tier")?,
            start: row.get("start")?,
            tokens: tokens(row)?,
            cost: row.get("cost")?,
            hits: unsigned(row, "hits")?,
            saved: row.get("saved")?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn billed(connection: &Connection, query: &BilledQuery) -> Result<Vec<Billed>, StoreError> {
    let (created, seq) = query.after.map_or((query.from, i64::MIN), |(created, seq)| (created, seq.0));
    let mut statement = connection.prepare_cached(
        "SELECT job.*, user.name AS name FROM job JOIN user ON user.id = job.user_id
         WHERE job.created_at >= ?1 AND job.created_at < ?2 AND (job.created_at, job.seq) > (?1, ?3)
         ORDER BY job.created_at, job.seq LIMIT ?4",
    )?;
    let rows = statement.query_map(params![created, query.to, seq, query.limit], |row| {
        Ok(Billed {
            seq: row.get("seq")?,
            id: row.get("id")?,
            user: row.get("name")?,
            tier: row.get("tier")?,
            state: row.get("state")?,
            diagram_type: row.get("diagram_type")?,
            provider: row.get("provider")?,
            model: row.get("model")?,
            created_at: row.get("created_at")?,
            started_at: row.get("started_at")?,
            ended_at: row.get("ended_at")?,
            calls: unsigned(row, "calls")?,
            cached: row.get("cached")?,
            coalesced: row.get("coalesced")?,
            tokens: tokens(row)?,
            cost: row.get("cost")?,
            saved: row.get("saved")?,
            estimated: row.get("estimated")?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn tokens(row: &Row<'_>) -> rusqlite::Result<TokenUsage> {
    Ok(TokenUsage {
        input: unsigned(row, "input")?,
        output: unsigned(row, "output")?,
        cache_read: unsigned(row, "cache_read")?,
        cache_write: unsigned(row, "cache_write")?,
    })
}
