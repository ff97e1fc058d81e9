//! Submitting: idempotency, limits, charge and rows in one step.

use rusqlite::{OptionalExtension, params};

use crate::domain::limits::UserCounts;
use crate::domain::{Change, JobId, JobSeq, JobState, Money, NewJob, QueuedJob, UserId};
use crate::store::StoreError;
use crate::store::commands::{RefusedBy, Submission, SubmitLimits, Submitted};
use crate::store::retention::IDEMPOTENCY_KEY;
use crate::store::sqlite::rows::Json;

use super::Batch;

impl Batch<'_> {
    pub(super) fn submit_job(&mut self, submission: &Submission) -> Result<Submitted, StoreError> {
        let Submission { job, limits, idempotency, kept_since, followers_max } = submission;
        if let Some((key, hash)) = idempotency
            && let Some(known) = self.known_key(job, key, hash)?
        {
            return Ok(known);
        }
        let counts = self.counts(job.user, job.created_at)?;
        if let Some((kept, saved)) = self.cached(job, *kept_since)? {
            return self.answer(submission, kept, saved, counts);
        }
        if let Some(limit) = self.refused(job, limits, &counts) {
            let oldest = if limit == RefusedBy::UserBacklog { self.oldest_waiting(job.user)? } else { None };
            return Ok(Submitted::Refused { limit, counts, oldest });
        }
        let leader = self.leader_for(job, *followers_max)?;
        let seq = self.insert(job, JobState::Queued, leader.as_ref().map(|leader| leader.seq))?;
        if let Some((key, hash)) = idempotency {
            self.remember_key(job, key, hash)?;
        }
        self.charge_unit(job.user, job.created_at)?;
        self.hold(job.user, job.reserved)?;
        self.moved(job.user, None, JobState::Queued);
        self.changes.push(match leader {
            Some(leader) => leader.joined_by(seq, job),
            None => Change::Queued(queued(seq, job)),
        });
        let counts = UserCounts {
            hour: counts.hour + 1,
            day: counts.day + 1,
            queued: counts.queued + 1,
            month_reserved: counts.month_reserved + job.reserved,
            ..counts
        };
        Ok(Submitted::Accepted { seq, counts })
    }

    /// Accepts a job whose answer is kept: it takes a unit like any other, but no place in a queue
    /// and no money.
    fn answer(
        &mut self,
        submission: &Submission,
        kept: JobSeq,
        saved: Money,
        counts: UserCounts,
    ) -> Result<Submitted, StoreError> {
        let Submission { job, limits, idempotency, .. } = submission;
        if let Some(limit) = out_of_units(limits, &counts) {
            return Ok(Submitted::Refused { limit, counts, oldest: None });
        }
        let seq = self.insert_answered(job, kept, saved)?;
        if let Some((key, hash)) = idempotency {
            self.remember_key(job, key, hash)?;
        }
        self.charge_unit(job.user, job.created_at)?;
        let counts = UserCounts { hour: counts.hour + 1, day: counts.day + 1, ..counts };
        Ok(Submitted::Answered { seq, counts, saved })
    }

    /// The limit that stands against the job; the one that lasts longest first, so that its
    /// `Retry-After` is enough.
    fn refused(&self, job: &NewJob, limits: &SubmitLimits, counts: &UserCounts) -> Option<RefusedBy> {
        let spent = counts.month_cost + counts.month_reserved + job.reserved;
        if limits.monthly_budget.is_some_and(|budget| spent > budget) {
            Some(RefusedBy::Budget)
        } else if let Some(limit) = out_of_units(limits, counts) {
            Some(limit)
        } else if counts.queued >= limits.max_queued_user {
            Some(RefusedBy::UserBacklog)
        } else if self.queued_total() >= i64::from(limits.max_queued_server) {
            Some(RefusedBy::ServerBacklog)
        } else {
            None
        }
    }

    /// What a key stands for; a key whose job was purged stands for nothing any more.
    fn known_key(&self, job: &NewJob, key: &str, hash: &[u8; 32]) -> Result<Option<Submitted>, StoreError> {
        let mut statement = self.transaction.prepare_cached(
            "SELECT body_hash, job_id FROM idempotency JOIN job ON job.id = job_id
             WHERE idempotency.user_id = ?1 AND key = ?2 AND idempotency.created_at > ?3",
        )?;
        let since = job.created_at.before(IDEMPOTENCY_KEY);
        let known: Option<([u8; 32], JobId)> = statement
            .query_row(params![job.user, key, since], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        Ok(known.map(
            |(known_hash, id)| {
                if known_hash == *hash { Submitted::Replayed(id) } else { Submitted::KeyReused }
            },
        ))
    }

    fn remember_key(&self, job: &NewJob, key: &str, hash: &[u8; 32]) -> Result<(), StoreError> {
        // A row that does not count any more is still there until a purge takes it: it is replaced.
        let mut statement = self.transaction.prepare_cached(
            "INSERT OR REPLACE INTO idempotency (user_id, key, body_hash, job_id, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        statement.execute(params![job.user, key, hash.as_slice(), job.id, job.created_at])?;
        Ok(())
    }

    fn oldest_waiting(&self, user: UserId) -> Result<Option<JobSeq>, StoreError> {
        let mut statement = self.transaction.prepare_cached(
            "SELECT min(seq) FROM job WHERE user_id = ?1 AND state IN (0, 1) AND state = 0",
        )?;
        Ok(statement.query_row(params![user], |row| row.get(0))?)
    }

    /// Stores a job in its first state, with the job whose call it shares, if it does.
    pub(super) fn insert(
        &self,
        job: &NewJob,
        state: JobState,
        follows: Option<JobSeq>,
    ) -> Result<JobSeq, StoreError> {
        let mut statement = self.transaction.prepare_cached(
            "INSERT INTO job (id, user_id, tier, diagram_type, max_tokens, model_asked, estimated_input,
                              reserved, created_at, deadline_at, cache_key, state, follows, trace,
                              request_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        )?;
        let seq = statement.insert(params![
            job.id,
            job.user,
            job.tier,
            job.diagram_type,
            job.max_tokens,
            job.model,
            job.estimated_input,
            job.reserved,
            job.created_at,
            job.deadline_at,
            job.cache_key.as_ref().map(<[u8; 32]>::as_slice),
            state,
            follows,
            job.origin.context.bytes().as_slice(),
            job.origin.request_id
        ])?;
        let mut statement = self
            .transaction
            .prepare_cached("INSERT INTO job_body (job_seq, brief, trace_state) VALUES (?1, ?2, ?3)")?;
        statement.execute(params![seq, Json(&job.brief), job.origin.state])?;
        if let Some(url) = &job.webhook_url {
            let mut statement =
                self.transaction.prepare_cached("INSERT INTO job_webhook (job_seq, url) VALUES (?1, ?2)")?;
            statement.execute(params![seq, url])?;
        }
        Ok(JobSeq(seq))
    }
}

/// The window of units that is used up; the one that lasts longer first.
fn out_of_units(limits: &SubmitLimits, counts: &UserCounts) -> Option<RefusedBy> {
    if counts.day >= limits.per_day {
        Some(RefusedBy::Day)
    } else {
        (counts.hour >= limits.per_hour).then_some(RefusedBy::Hour)
    }
}

fn queued(seq: JobSeq, job: &NewJob) -> QueuedJob {
    QueuedJob {
        seq,
        id: job.id,
        user: job.user,
        tier: job.tier,
        estimated_input: job.estimated_input,
        max_tokens: job.max_tokens,
        model: job.model.as_deref().map(Into::into),
        run: 0,
        strikes: 0,
        created_at: job.created_at,
        retry_at: None,
        deadline_at: job.deadline_at,
    }
}
