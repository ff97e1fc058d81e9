//! Carrying out the scheduler's decisions on waiting jobs. Nothing here waits: what became of
//! a decision comes back to the scheduler as a committed change, or as a failed claim.

use crate::domain::lane::LaneName;
use crate::domain::{Failure, JobSeq, Tier, Timestamp};
use crate::store::Priority;
use crate::store::commands::{Claim, ClaimOutcome};

use super::Queue;

/// A claim as the scheduler asks for it.
#[derive(Clone, Debug)]
pub struct ClaimRequest {
    /// The job.
    pub seq: JobSeq,
    /// Its completed runs.
    pub run: u32,
    /// The upstream.
    pub lane: LaneName,
    /// The model to ask.
    pub model: String,
    /// Input tokens held.
    pub estimated_input: u32,
    /// Output tokens held.
    pub estimated_output: u32,
    /// Now.
    pub at: Timestamp,
}

impl Queue {
    /// Claims a waiting job for a call. The claim is on disk before a worker hears of it.
    pub fn claim(&self, request: ClaimRequest) {
        let ClaimRequest { seq, run, lane, model, estimated_input, estimated_output, at } = request;
        let rules = self.rules();
        let provider = rules.prices.provider(&lane);
        let budgets = Tier::ALL.map(|tier| rules.tiers.of(tier).monthly_budget);
        let claim = Claim { seq, run, lane, provider, model, estimated_input, estimated_output, budgets, at };
        let queue = self.clone();
        self.inner.writer.write_then(
            Priority::Control,
            256,
            move |commands| commands.claim(&claim),
            move |outcome| {
                let gone = match outcome {
                    Ok(ClaimOutcome::Claimed(_)) => return,
                    Ok(ClaimOutcome::Gone | ClaimOutcome::BudgetExceeded) => true,
                    Err(reason) => {
                        tracing::error!(%reason, "a claim could not be written");
                        false
                    }
                };
                if let Some(scheduler) = queue.inner.scheduler.get() {
                    scheduler.claim_failed(seq, gone);
                }
            },
        );
    }

    /// Ends a waiting job whose deadline has passed.
    pub fn expire(&self, seq: JobSeq) {
        let now = self.now();
        self.inner.writer.write_then(
            Priority::Control,
            0,
            move |commands| commands.expire(seq, now),
            move |outcome| log_failure("an expiry", outcome),
        );
    }

    /// Ends a waiting job that can never run.
    pub fn fail(&self, seq: JobSeq, failure: Failure) {
        let now = self.now();
        self.inner.writer.write_then(
            Priority::Control,
            0,
            move |commands| commands.fail_queued(seq, &failure, now),
            move |outcome| log_failure("a failure", outcome),
        );
    }
}

fn log_failure(what: &str, outcome: Result<bool, crate::store::StoreError>) {
    if let Err(reason) = outcome {
        tracing::error!(%reason, "{what} could not be written; it is tried again");
    }
}
