//! Calls that are over, for asking what another plan would have made of them.

use rusqlite::{Connection, params};

use crate::domain::Timestamp;
use crate::domain::past::PastCall;
use crate::store::StoreError;
use crate::store::reads::PastCalls;
use crate::store::sqlite::rows;

pub(super) fn past_calls(
    connection: &Connection,
    after: (Timestamp, i64),
    to: Timestamp,
    limit: u32,
) -> Result<PastCalls, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT attempt.id, attempt.ended_at, job.user_id, job.tier,
                CASE attempt.run WHEN 1 THEN job.created_at ELSE attempt.claimed_at END AS ready_at,
                attempt.run = 1 AS is_first, attempt.sent_at, attempt.estimated_input, attempt.estimated_output,
                attempt.input, attempt.output, attempt.cache_read, attempt.cache_write
         FROM attempt JOIN job ON job.seq = attempt.job_seq
         WHERE (attempt.ended_at, attempt.id) > (?1, ?2) AND attempt.ended_at < ?3
             AND attempt.ended_at IS NOT NULL AND attempt.sent_at IS NOT NULL
             -- Of a call that a crash cut off nobody knows when it ended.
             AND attempt.lost = 0
         ORDER BY attempt.ended_at, attempt.id LIMIT ?4",
    )?;
    let mut found = PastCalls { calls: Vec::new(), last: None };
    let mut found_rows = statement.query(params![after.0, after.1, to, limit])?;
    while let Some(row) = found_rows.next()? {
        let (ended_at, sent_at): (Timestamp, Timestamp) = (row.get("ended_at")?, row.get("sent_at")?);
        found.last = Some((ended_at, row.get("id")?));
        found.calls.push(PastCall {
            user: row.get("user_id")?,
            tier: row.get("tier")?,
            ready_at: row.get("ready_at")?,
            is_first: row.get("is_first")?,
            sent_at,
            estimated_input: row.get("estimated_input")?,
            estimated_output: row.get("estimated_output")?,
            usage: rows::tokens(row)?,
            took: ended_at.since(sent_at),
        });
    }
    Ok(found)
}
