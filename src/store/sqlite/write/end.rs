//! The one place where a job reaches a terminal state.

use rusqlite::{OptionalExtension, params};

use crate::domain::change::{EndKind, Ended};
use crate::domain::job::{JobRecord, Outcome};
use crate::domain::{
    Change, Failure, JobId, JobSeq, JobState, Money, Origin, Timestamp, UserId, ValidationStatus,
};
use crate::store::StoreError;
use crate::store::commands::{Cancellation, Owner};
use crate::store::sqlite::rows::{self, Json, RECORD_SELECT};

use super::Batch;

/// A live job, as its end needs it.
pub(super) struct Live {
    pub(super) seq: JobSeq,
    pub(super) id: JobId,
    pub(super) user: UserId,
    pub(super) state: JobState,
    pub(super) run: u32,
    pub(super) reserved: Money,
    /// Output tokens of its ended calls.
    pub(super) output: i64,
    pub(super) created_at: Timestamp,
    /// The job whose call it shares.
    pub(super) follows: Option<JobSeq>,
    /// The call of a client's that it comes from; without its `tracestate`.
    pub(super) origin: Origin,
}

/// How a job ends.
pub(super) struct End<'a> {
    pub(super) state: JobState,
    pub(super) outcome: Option<&'a Outcome>,
    pub(super) return_unit: bool,
    pub(super) at: Timestamp,
}

impl Batch<'_> {
    /// The job with this number, whatever its state.
    pub(super) fn live_job(&self, seq: JobSeq) -> Result<Option<Live>, StoreError> {
        let mut statement = self.transaction.prepare_cached(
            "SELECT seq, id, user_id, state, run, reserved, output, created_at, follows, trace, request_id
             FROM job WHERE seq = ?1",
        )?;
        let job = statement.query_row(params![seq], |row| {
            let id = row.get(1)?;
            Ok(Live {
                seq: row.get(0)?,
                id,
                user: row.get(2)?,
                state: row.get(3)?,
                run: row.get(4)?,
                reserved: row.get(5)?,
                output: row.get(6)?,
                created_at: row.get(7)?,
                follows: row.get(8)?,
                origin: rows::origin(id, row.get(9)?, row.get(10)?, None),
            })
        });
        Ok(job.optional()?)
    }

    /// Moves a live job to a terminal state, lets go of its money and returns its unit if asked.
    /// One whose source waits for its repair does not fail or expire: it completes with that. Those
    /// that follow it end with it, unless its end is its own.
    pub(super) fn end(&mut self, job: &Live, end: &End<'_>) -> Result<(), StoreError> {
        let given_up = self.end_repair(job.seq, end.state)?;
        let as_it_is = given_up.as_ref().map(|outcome| End {
            state: JobState::Completed,
            outcome: Some(outcome),
            return_unit: outcome.returns_unit(),
            at: end.at,
        });
        let ends_as = as_it_is.as_ref().unwrap_or(end);
        self.end_as(job, ends_as)?;
        if end.is_shared() { self.end_followers(job.seq, ends_as) } else { self.release_followers(job) }
    }

    /// As [`Batch::end`], whatever becomes of those that follow.
    pub(super) fn end_as(&mut self, job: &Live, end: &End<'_>) -> Result<(), StoreError> {
        debug_assert!(job.state.may_become(end.state), "{:?} -> {:?}", job.state, end.state);
        let shared = match job.follows {
            Some(leader) => self.leave_leader(job.seq, leader, end)?,
            None => None,
        };
        let validation = end.outcome.and_then(|outcome| outcome.validation.as_ref());
        let repaired = validation.is_some_and(|v| v.status == ValidationStatus::Repaired);
        let mut statement = self.transaction.prepare_cached(
            "UPDATE job SET state = ?2, ended_at = ?3, retry_at = NULL, repaired = ?4
             WHERE seq = ?1 AND state = ?5 AND run = ?6",
        )?;
        statement.execute(params![job.seq, end.state, end.at, repaired, job.state, job.run])?;
        if let Some(outcome) = end.outcome {
            let mut statement = self.transaction.prepare_cached(
                "INSERT OR REPLACE INTO job_result (job_seq, source, title, validation, failure)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            statement.execute(params![
                job.seq,
                outcome.source,
                outcome.title,
                outcome.validation.as_ref().map(Json),
                outcome.failure.as_ref().map(Json)
            ])?;
        }
        self.hold(job.user, Money(-job.reserved.0))?;
        if end.return_unit {
            self.return_unit_of(job, end.at)?;
        }
        self.moved(job.user, Some(job.state), end.state);
        let how = match end.state {
            JobState::Cancelled => EndKind::Cancelled,
            JobState::Expired => EndKind::Expired,
            JobState::Failed => EndKind::Failed(failure_of(end.outcome)),
            JobState::Queued | JobState::Processing | JobState::Completed => {
                EndKind::Completed(Box::new(self.record(job.id)?))
            }
        };
        self.tell_end(job, &how)?;
        let ended = Ended {
            seq: job.seq,
            id: job.id,
            user: job.user,
            created_at: job.created_at,
            ended_at: end.at,
            was_running: job.state == JobState::Processing,
            how,
            origin: job.origin.clone(),
            shared,
        };
        self.changes.push(if job.follows.is_some() { Change::Left(ended) } else { Change::Ended(ended) });
        Ok(())
    }

    /// Gives the job's unit back, unless it was given back before: an operator's retry of a failed
    /// job charges no other.
    fn return_unit_of(&mut self, job: &Live, at: Timestamp) -> Result<(), StoreError> {
        let mut statement =
            self.transaction.prepare_cached("UPDATE job SET charged = 0 WHERE seq = ?1 AND charged = 1")?;
        let is_charged = statement.execute(params![job.seq])? == 1;
        drop(statement);
        if is_charged {
            self.return_unit(job.user, job.created_at, at)?;
        }
        Ok(())
    }

    /// Ends a waiting job; `false` when it does not wait. Its unit goes back.
    pub(super) fn end_waiting(
        &mut self,
        seq: JobSeq,
        state: JobState,
        outcome: Option<&Outcome>,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some(job) = self.live_job(seq)?.filter(|job| job.state == JobState::Queued) else {
            return Ok(false);
        };
        self.end(&job, &End { state, outcome, return_unit: true, at })?;
        Ok(true)
    }

    pub(super) fn fail_waiting(
        &mut self,
        seq: JobSeq,
        failure: &Failure,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let outcome = Outcome { failure: Some(failure.clone()), ..Outcome::default() };
        self.end_waiting(seq, JobState::Failed, Some(&outcome), at)
    }

    pub(super) fn cancel_job(
        &mut self,
        id: JobId,
        owner: Owner,
        at: Timestamp,
    ) -> Result<Cancellation, StoreError> {
        let Some(seq) = self.seq_of(id)? else { return Ok(Cancellation::Unknown) };
        let Some(job) = self.live_job(seq)? else { return Ok(Cancellation::Unknown) };
        if matches!(owner, Owner::User(user) if user != job.user) {
            return Ok(Cancellation::Unknown);
        }
        match job.state {
            JobState::Queued | JobState::Processing => {
                let return_unit = !self.is_under_way(&job)?;
                let end = End { state: JobState::Cancelled, outcome: None, return_unit, at };
                self.end(&job, &end)?;
                Ok(Cancellation::Cancelled)
            }
            JobState::Cancelled => Ok(Cancellation::AlreadyCancelled),
            JobState::Completed | JobState::Failed | JobState::Expired => Ok(Cancellation::NotCancellable),
        }
    }

    pub(super) fn seq_of(&self, id: JobId) -> Result<Option<JobSeq>, StoreError> {
        let mut statement = self.transaction.prepare_cached("SELECT seq FROM job WHERE id = ?1")?;
        Ok(statement.query_row(params![id], |row| row.get(0)).optional()?)
    }

    /// The whole record of a job that exists.
    pub(super) fn record(&self, id: JobId) -> Result<JobRecord, StoreError> {
        let mut statement = self.transaction.prepare_cached(&format!("{RECORD_SELECT} WHERE job.id = ?1"))?;
        Ok(statement.query_row(params![id], rows::record)?)
    }
}

fn failure_of(outcome: Option<&Outcome>) -> Failure {
    outcome.and_then(|outcome| outcome.failure.clone()).unwrap_or_else(|| Failure {
        code: crate::domain::failure::FailureCode::Internal,
        message: "The request failed, and nobody said why.".to_owned(),
        retryable: true,
    })
}
