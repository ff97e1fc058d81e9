//! What the scheduler must know at the start.

use rusqlite::{Connection, OptionalExtension, params};

use crate::domain::change::Follower;
use crate::domain::{JobSeq, LaneName, QueuedJob, Timestamp, TokenUsage};
use crate::store::StoreError;
use crate::store::reads::LiveCharge;
use crate::store::sqlite::rows::{self, QUEUED_COLUMNS};

pub(super) fn each_queued(
    connection: &Connection,
    hand_over: &mut dyn FnMut(QueuedJob),
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {QUEUED_COLUMNS} FROM job WHERE state = 0 AND follows IS NULL ORDER BY seq"
    ))?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        hand_over(rows::queued_job(row)?);
    }
    Ok(())
}

pub(super) fn queued(connection: &Connection, jobs: &[JobSeq]) -> Result<Vec<QueuedJob>, StoreError> {
    let mut statement = connection
        .prepare_cached(&format!("SELECT {QUEUED_COLUMNS} FROM job WHERE seq = ?1 AND state = 0"))?;
    let mut found = Vec::with_capacity(jobs.len());
    for seq in jobs {
        found.extend(statement.query_row(params![seq], rows::queued_job).optional()?);
    }
    Ok(found)
}

pub(super) fn followers(connection: &Connection) -> Result<Vec<Follower>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT job.seq, job.id, job.user_id, job.deadline_at, lead.seq, lead.id
         FROM job INDEXED BY job_follower JOIN job AS lead ON lead.seq = job.follows
         WHERE job.follows IS NOT NULL ORDER BY job.seq",
    )?;
    let found = statement.query_map([], |row| {
        Ok(Follower {
            seq: row.get(0)?,
            id: row.get(1)?,
            user: row.get(2)?,
            deadline_at: row.get(3)?,
            leader: row.get(4)?,
            leader_id: row.get(5)?,
        })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

pub(super) fn live_charges(connection: &Connection, since: Timestamp) -> Result<Vec<LiveCharge>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT lane, sent_at, ended_at, estimated OR output = 0, estimated_input, estimated_output, input, output, cache_read, cache_write
         FROM attempt WHERE ended_at >= ?1 AND sent_at IS NOT NULL",
    )?;
    let charges = statement.query_map(params![since], |row| {
        let tokens = |index| row.get::<_, i64>(index).map(|count| u64::try_from(count).unwrap_or(0));
        let mut usage = TokenUsage {
            input: tokens(6)?,
            output: tokens(7)?,
            cache_read: tokens(8)?,
            cache_write: tokens(9)?,
        };
        // A call that was cut, failed or lost may have used all that was held for it.
        if row.get(3)? {
            usage.input = usage.input.max(tokens(4)?);
            usage.output = usage.output.max(tokens(5)?);
        }
        Ok(LiveCharge {
            lane: LaneName::from(row.get_ref(0)?.as_str()?),
            sent_at: row.get(1)?,
            ended_at: row.get(2)?,
            usage,
        })
    })?;
    Ok(charges.collect::<Result<_, _>>()?)
}
