//! The end of a run: its call is recorded whatever happened to the job meanwhile.

use rusqlite::{OptionalExtension, params};

use crate::domain::{Change, JobSeq, JobState, QueuedJob, Timestamp};
use crate::store::StoreError;
use crate::store::commands::{CallRecord, JobEnd, Settled, Settlement};
use crate::store::sqlite::rows::{self, QUEUED_COLUMNS, signed};

use super::Batch;
use super::end::{End, Live};

impl Batch<'_> {
    pub(super) fn settle_run(&mut self, settlement: &Settlement) -> Result<Settled, StoreError> {
        let Settlement { seq, run, call, end, cache_bytes_max } = settlement;
        let Some(job) = self.live_job(*seq)? else { return Ok(Settled::Superseded) };
        if let Some(model) = self.record_call(settlement, &job)? {
            self.add_usage(job.user, model, &call.bill, call.ended_at)?;
        }
        if job.state != JobState::Processing || job.run != *run {
            return Ok(Settled::Superseded);
        }
        let at = call.ended_at;
        match end {
            JobEnd::Completed(outcome) => {
                let end = End {
                    state: JobState::Completed,
                    outcome: Some(outcome),
                    return_unit: outcome.returns_unit(),
                    at,
                };
                self.end(&job, &end)?;
                if let Some(bytes_max) = cache_bytes_max {
                    self.keep(&job, &end, *bytes_max)?;
                }
            }
            JobEnd::Failed { outcome, return_unit } => self.end(
                &job,
                &End { state: JobState::Failed, outcome: Some(outcome), return_unit: *return_unit, at },
            )?,
            JobEnd::Expired => {
                // A deadline is the user's own. Once a call was sent, or an earlier one has
                // written, the user may have read nearly all of a diagram.
                let return_unit = call.sent_at.is_none() && job.output == 0;
                self.end(&job, &End { state: JobState::Expired, outcome: None, return_unit, at })?;
            }
            JobEnd::Requeued { retry_at, strike, failed, reason } => {
                self.requeue(&job, *retry_at, u32::from(*strike), *failed, reason)?;
            }
            JobEnd::Repair { repair, estimated_input, reserved } => {
                self.await_repair(&job, repair, *estimated_input, *reserved)?;
            }
        }
        Ok(Settled::Moved)
    }

    /// Completes the intent, and returns the model that was asked; `None` when it was completed before
    /// (or marked lost): a call is billed once.
    fn record_call(&self, settlement: &Settlement, job: &Live) -> Result<Option<String>, StoreError> {
        let CallRecord { sent_at, ended_at, bill, counts } = &settlement.call;
        let tokens = &bill.tokens;
        let mut statement = self.transaction.prepare_cached(
            "UPDATE attempt SET sent_at = ?3, ended_at = ?4, input = ?5, output = ?6, cache_read = ?7,
                                cache_write = ?8, cost = ?9, estimated = ?10
             WHERE job_seq = ?1 AND run = ?2 AND ended_at IS NULL RETURNING repair, model",
        )?;
        let (input, output) = (signed(tokens.input), signed(tokens.output));
        let (cache_read, cache_write) = (signed(tokens.cache_read), signed(tokens.cache_write));
        let completed = statement.query_row(
            params![
                settlement.seq,
                settlement.run,
                sent_at,
                ended_at,
                input,
                output,
                cache_read,
                cache_write,
                bill.cost,
                bill.estimated
            ],
            |row| Ok((row.get::<_, u32>(0)?, row.get(1)?)),
        );
        let Some((repair, model)) = completed.optional()? else { return Ok(None) };
        drop(statement);
        if repair > 0 {
            self.count_repairs(job.seq)?;
        }
        let mut statement = self.transaction.prepare_cached(
            "UPDATE job SET attempts = attempts + ?2, calls = calls + ?3, input = input + ?4,
                            output = output + ?5, cache_read = cache_read + ?6, cache_write = cache_write + ?7,
                            cost = cost + ?8, estimated = max(estimated, ?9)
             WHERE seq = ?1",
        )?;
        statement.execute(params![
            job.seq,
            counts,
            sent_at.is_some(),
            input,
            output,
            cache_read,
            cache_write,
            bill.cost,
            bill.estimated
        ])?;
        Ok(Some(model))
    }

    fn requeue(
        &mut self,
        job: &Live,
        retry_at: Option<Timestamp>,
        strikes: u32,
        failed: bool,
        reason: &'static str,
    ) -> Result<(), StoreError> {
        let mut statement = self.transaction.prepare_cached(
            "UPDATE job SET state = 0, retry_at = ?2, strikes = strikes + ?3 WHERE seq = ?1 AND state = 1",
        )?;
        statement.execute(params![job.seq, retry_at, strikes])?;
        self.moved(job.user, Some(JobState::Processing), JobState::Queued);
        let (queued, attempts) = self.queued_again(job.seq)?;
        self.changes.push(Change::Requeued { job: queued, attempts, reason, failed, repairing: None });
        Ok(())
    }

    /// A job as it waits again, and its attempts so far.
    pub(super) fn queued_again(&self, seq: JobSeq) -> Result<(QueuedJob, u32), StoreError> {
        let mut statement = self
            .transaction
            .prepare_cached(&format!("SELECT {QUEUED_COLUMNS}, attempts FROM job WHERE seq = ?1"))?;
        Ok(statement.query_row(params![seq], |row| Ok((rows::queued_job(row)?, row.get("attempts")?)))?)
    }
}
