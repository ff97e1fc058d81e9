//! The source that a further call is to correct: kept from the answer that brought it until the
//! job ends.

use rusqlite::{OptionalExtension, params};

use crate::domain::job::Outcome;
use crate::domain::repair::Repair;
use crate::domain::{Change, JobSeq, JobState, Money};
use crate::store::StoreError;
use crate::store::sqlite::rows::Json;

use super::Batch;
use super::end::Live;

impl Batch<'_> {
    /// Back to its place, for a call that corrects the source: that call's tokens and money are
    /// held instead of those of the call that has ended.
    pub(super) fn await_repair(
        &mut self,
        job: &Live,
        repair: &Repair,
        estimated_input: u32,
        reserved: Money,
    ) -> Result<(), StoreError> {
        let mut statement = self
            .transaction
            .prepare_cached("INSERT OR REPLACE INTO job_repair (job_seq, repair) VALUES (?1, ?2)")?;
        statement.execute(params![job.seq, Json(repair)])?;
        let mut statement = self.transaction.prepare_cached(
            "UPDATE job SET state = 0, retry_at = NULL, estimated_input = ?2, reserved = ?3
             WHERE seq = ?1 AND state = 1",
        )?;
        statement.execute(params![job.seq, estimated_input, reserved])?;
        self.hold(job.user, Money(reserved.0.saturating_sub(job.reserved.0)))?;
        self.moved(job.user, Some(JobState::Processing), JobState::Queued);
        drop(statement);
        let (queued, attempts) = self.queued_again(job.seq)?;
        self.changes.push(Change::Requeued {
            job: queued,
            attempts,
            reason: "",
            failed: false,
            repairing: Some(repair.errors.clone()),
        });
        Ok(())
    }

    /// The repair that a job waits for or is in.
    pub(super) fn repair_of(&self, seq: JobSeq) -> Result<Option<Repair>, StoreError> {
        let mut statement =
            self.transaction.prepare_cached("SELECT repair FROM job_repair WHERE job_seq = ?1")?;
        let repair = statement.query_row(params![seq], |row| row.get::<_, Json<Repair>>(0)).optional()?;
        Ok(repair.map(|Json(repair)| repair))
    }

    /// Counts the repairs of a job for which a call was sent, from the calls.
    pub(super) fn count_repairs(&self, seq: JobSeq) -> Result<(), StoreError> {
        let mut statement = self.transaction.prepare_cached(
            "UPDATE job SET repairs = (SELECT count(DISTINCT repair) FROM attempt
                                       WHERE job_seq = ?1 AND repair > 0 AND sent_at IS NOT NULL)
             WHERE seq = ?1",
        )?;
        statement.execute(params![seq])?;
        Ok(())
    }

    /// Forgets the repair of a job that ends. Returns what the job ends with instead of failing or
    /// expiring: a source is there, though it does not parse.
    pub(super) fn end_repair(&mut self, seq: JobSeq, state: JobState) -> Result<Option<Outcome>, StoreError> {
        let Some(repair) = self.repair_of(seq)? else { return Ok(None) };
        let mut statement = self.transaction.prepare_cached("DELETE FROM job_repair WHERE job_seq = ?1")?;
        statement.execute(params![seq])?;
        Ok(matches!(state, JobState::Failed | JobState::Expired).then(|| repair.given_up()))
    }
}
