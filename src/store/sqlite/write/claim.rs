//! Claiming: the intent is on disk before the call is made.

use rusqlite::{OptionalExtension, params};

use crate::domain::{
    Brief, Change, Claimed, DiagramType, Failure, JobId, JobState, Origin, Tier, Timestamp, UserId,
    failure::FailureCode,
};
use crate::store::StoreError;
use crate::store::commands::{Claim, ClaimOutcome};
use crate::store::sqlite::rows::{self, Json};

use super::Batch;

/// What a claim reads of its job.
struct Waiting {
    id: JobId,
    user: UserId,
    tier: Tier,
    attempts: u32,
    diagram_type: DiagramType,
    max_tokens: u32,
    deadline_at: Option<Timestamp>,
    brief: Brief,
    created_at: Timestamp,
    waiting_since: Timestamp,
    origin: Origin,
}

impl Batch<'_> {
    pub(super) fn claim_job(&mut self, claim: &Claim) -> Result<ClaimOutcome, StoreError> {
        let Some(job) = self.waiting(claim)? else { return Ok(ClaimOutcome::Gone) };
        if self.over_budget(claim, &job)? {
            self.fail_waiting(claim.seq, &budget_failure(), claim.at)?;
            return Ok(ClaimOutcome::BudgetExceeded);
        }
        let run = claim.run + 1;
        let mut statement = self.transaction.prepare_cached(
            "UPDATE job SET state = 1, run = ?2, retry_at = NULL, started_at = coalesce(started_at, ?3),
                            lane = ?4, provider = ?5, model = ?6
             WHERE seq = ?1 AND state = 0 AND run = ?7",
        )?;
        statement.execute(params![
            claim.seq,
            run,
            claim.at,
            &*claim.lane.0,
            claim.provider,
            claim.model,
            claim.run
        ])?;
        let repair = self.repair_of(claim.seq)?;
        let mut statement = self.transaction.prepare_cached(
            "INSERT INTO attempt (job_seq, run, lane, model, claimed_at, estimated_input, estimated_output,
                                  repair)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        statement.execute(params![
            claim.seq,
            run,
            &*claim.lane.0,
            claim.model,
            claim.at,
            claim.estimated_input,
            claim.estimated_output,
            repair.as_ref().map_or(0, |repair| repair.number)
        ])?;
        drop(statement);
        self.moved(job.user, Some(JobState::Queued), JobState::Processing);
        let claimed = Box::new(Claimed {
            seq: claim.seq,
            id: job.id,
            user: job.user,
            tier: job.tier,
            run,
            attempts: job.attempts,
            lane: claim.lane.clone(),
            model: claim.model.clone(),
            diagram_type: job.diagram_type,
            max_tokens: job.max_tokens,
            deadline_at: job.deadline_at,
            brief: job.brief,
            repair,
            created_at: job.created_at,
            waiting_since: job.waiting_since,
            claimed_at: claim.at,
            origin: job.origin,
        });
        self.changes.push(Change::Claimed(claimed.clone()));
        Ok(ClaimOutcome::Claimed(claimed))
    }

    /// Failed calls cost money too: a retry may not start when they have used up what the budget
    /// left. The job's own reservation is part of what is held.
    fn over_budget(&mut self, claim: &Claim, job: &Waiting) -> Result<bool, StoreError> {
        let Some(budget) = claim.budgets[job.tier.index()] else { return Ok(false) };
        Ok(self.committed_money(job.user, claim.at)? > budget)
    }

    fn waiting(&self, claim: &Claim) -> Result<Option<Waiting>, StoreError> {
        let mut statement = self.transaction.prepare_cached(
            "SELECT id, user_id, tier, attempts, diagram_type, max_tokens, deadline_at, brief,
                    job.created_at, trace, request_id, trace_state,
                    (SELECT ended_at FROM attempt WHERE attempt.job_seq = seq AND attempt.run = job.run)
             FROM job JOIN job_body ON job_seq = seq WHERE seq = ?1 AND state = 0 AND run = ?2 AND follows IS NULL",
        )?;
        let waiting = statement.query_row(params![claim.seq, claim.run], |row| {
            let (id, created_at) = (row.get(0)?, row.get(8)?);
            Ok(Waiting {
                id,
                user: row.get(1)?,
                tier: row.get(2)?,
                attempts: row.get(3)?,
                diagram_type: row.get(4)?,
                max_tokens: row.get(5)?,
                deadline_at: row.get(6)?,
                brief: row.get::<_, Json<Brief>>(7)?.0,
                created_at,
                waiting_since: row.get::<_, Option<Timestamp>>(12)?.unwrap_or(created_at),
                origin: rows::origin(id, row.get(9)?, row.get(10)?, row.get(11)?),
            })
        });
        Ok(waiting.optional()?)
    }
}

fn budget_failure() -> Failure {
    Failure {
        code: FailureCode::BudgetExceeded,
        message: "Earlier calls have used up this month's budget; the request was not sent again.".to_owned(),
        retryable: true,
    }
}
