//! The end of a run: what the call used, and what becomes of the job.

use std::time::Duration;

use crate::domain::job::{Bill, Outcome};
use crate::domain::lane::{CallEnd, CallReport, LaneName, LimitsSeen, Verdict};
use crate::domain::{Claimed, Failure, JobSeq, Money, Repair, Timestamp, TokenUsage, ValidationStatus};
use crate::store::commands::{CallRecord, JobEnd, Settled, Settlement};
use crate::store::{Priority, StoreError};

use super::{CallEnded, Queue};

/// What a worker made of a run.
#[derive(Clone, Debug)]
pub enum Conclusion {
    /// A source.
    Completed(Outcome),
    /// A source that does not parse, which a further call is to correct.
    Repair {
        /// The source and what is wrong with it.
        repair: Box<Repair>,
        /// Input tokens of that call.
        estimated_input: u32,
    },
    /// No source; the call itself may have been fine (no diagram in the answer, refused).
    Failed(Failure),
    /// The call brought no answer: the scheduler decides.
    NoAnswer,
    /// The job's deadline passed while it ran.
    Expired,
    /// The job had ended otherwise before the call did.
    Abandoned,
}

/// What a worker reports of a run.
#[derive(Clone, Debug)]
pub struct CallResult {
    /// When the answer was whole, or it was clear that there is none.
    pub answered_at: Timestamp,
    /// How the call ended.
    pub end: CallEnd,
    /// Tokens known to be used.
    pub usage: TokenUsage,
    /// Whether these are an estimate.
    pub estimated: bool,
    /// When the first byte left.
    pub sent_at: Option<Timestamp>,
    /// What it means for the job.
    pub conclusion: Conclusion,
}

/// Waits between tries to write a settlement that the store does not take.
const STORE_RETRY_FIRST: Duration = Duration::from_millis(100);
const STORE_RETRY_LAST: Duration = Duration::from_secs(5);

impl Queue {
    /// The call's first byte is about to leave.
    pub fn call_sent(&self, seq: JobSeq, run: u32) {
        if let Some(scheduler) = self.inner.scheduler.get() {
            scheduler.call_sent(seq, run);
        }
    }

    /// The upstream told its limits.
    pub fn limits_seen(&self, lane: &LaneName, seen: &LimitsSeen) {
        if let Some(scheduler) = self.inner.scheduler.get() {
            scheduler.limits_seen(lane, seen);
        }
    }

    /// Ends a run. Returns when it is on disk: a store that does not take it is tried again
    /// until it does or closes, for the answer is paid for.
    ///
    /// # Errors
    /// [`StoreError::Closed`]; the run is then recovered at the next start.
    pub async fn settle(&self, job: &Claimed, result: CallResult) -> Result<Settled, StoreError> {
        let report = CallReport {
            seq: job.seq,
            run: job.run,
            end: result.end.clone(),
            usage: result.usage,
            sent: result.sent_at.is_some(),
        };
        let Some(scheduler) = self.inner.scheduler.get() else { return Err(StoreError::Closed) };
        let verdict = scheduler.call_ended(&report);
        let answered_at = result.answered_at;
        let settlement = Settlement {
            seq: job.seq,
            run: job.run,
            call: self.call_record(job, &result),
            cache_bytes_max: self.cache_bytes_max(&job.lane),
            end: job_end(result.conclusion, verdict, result.end, |input| self.reserved(job, input)),
        };
        let (call, then, verdict) =
            (settlement.call.clone(), became(&settlement.end), verdict_of(&settlement.end));
        let settled = self.write_settlement(job, settlement).await?;
        let then = if settled == Settled::Moved { then } else { "superseded" };
        tracing::info!(
            job = %job.id,
            upstream = %job.lane,
            model = job.model,
            run = job.run,
            repairs = job.repair.is_some(),
            input = call.bill.tokens.total_input(),
            output = call.bill.tokens.output,
            cost_usd = %call.bill.cost,
            then,
            trace_id = %job.origin.trace(),
            request_id = %job.origin.request_id(),
            "a call ended"
        );
        let settled_at = self.now();
        let ended = CallEnded { job, call: &call, end: &report.end, answered_at, verdict, then, settled_at };
        self.inner.observers().for_each(|observer| observer.call_ended(&ended));
        Ok(settled)
    }

    /// Room for what this upstream answers. What the offline lane drafts costs nothing to draft
    /// again, and must not stand in for a model's answer once one is configured.
    fn cache_bytes_max(&self, lane: &LaneName) -> Option<u64> {
        let rules = self.rules();
        let cache = rules.cache.filter(|_| !rules.prices.is_offline(lane))?;
        Some(cache.bytes_max)
    }

    fn call_record(&self, job: &Claimed, result: &CallResult) -> CallRecord {
        let quote = self.rules().prices.quote(&job.lane, &job.model);
        let counts = match result.end {
            CallEnd::Answered | CallEnd::Failed { .. } | CallEnd::Rejected(_) => true,
            CallEnd::Abandoned | CallEnd::Limited { .. } | CallEnd::LanePaused { .. } => false,
        };
        CallRecord {
            sent_at: result.sent_at,
            ended_at: self.now(),
            bill: Bill {
                tokens: result.usage,
                cost: quote.price.cost(&result.usage),
                estimated: result.estimated || !quote.known,
            },
            counts,
        }
    }

    /// The most that a further call can cost, on whichever upstream takes it.
    fn reserved(&self, job: &Claimed, input: u32) -> Money {
        let rules = self.rules();
        let of = |model| rules.reserve(model, input, job.max_tokens);
        of(None).max(of(Some(&job.model)))
    }

    async fn write_settlement(&self, job: &Claimed, settlement: Settlement) -> Result<Settled, StoreError> {
        let bytes = match &settlement.end {
            JobEnd::Completed(outcome) => outcome.source.as_ref().map_or(0, String::len),
            JobEnd::Repair { repair, .. } => repair.bytes(),
            JobEnd::Failed { .. } | JobEnd::Requeued { .. } | JobEnd::Expired => 0,
        };
        let mut pause = STORE_RETRY_FIRST;
        loop {
            let settlement = settlement.clone();
            let written = self
                .inner
                .writer
                .write(Priority::Control, bytes, move |commands| commands.settle(&settlement))
                .await;
            match written {
                Err(StoreError::Closed) => return Err(StoreError::Closed),
                Err(reason) if self.inner.giving_up.is_cancelled() => {
                    tracing::error!(
                        job = %job.id,
                        %reason,
                        trace_id = %job.origin.trace(),
                        request_id = %job.origin.request_id(),
                        "a finished request could not be written; the next start makes it again"
                    );
                    return Err(reason);
                }
                Err(reason) => {
                    tracing::error!(
                        job = %job.id,
                        %reason,
                        trace_id = %job.origin.trace(),
                        request_id = %job.origin.request_id(),
                        "a finished request could not be written; trying again"
                    );
                    // At the end of a stop it is tried once more, at once.
                    drop(tokio::time::timeout(pause, self.inner.giving_up.cancelled()).await);
                    pause = (pause * 2).min(STORE_RETRY_LAST);
                }
                Ok(settled) => return Ok(settled),
            }
        }
    }
}

fn job_end(
    conclusion: Conclusion,
    verdict: Verdict,
    end: CallEnd,
    reserved: impl Fn(u32) -> Money,
) -> JobEnd {
    match conclusion {
        Conclusion::Repair { repair, estimated_input } => {
            JobEnd::Repair { repair, estimated_input, reserved: reserved(estimated_input) }
        }
        Conclusion::Completed(outcome) => JobEnd::Completed(outcome),
        Conclusion::Failed(failure) => failed(failure),
        Conclusion::Expired => JobEnd::Expired,
        // The job is not in this run any more; the store will see that it has moved.
        Conclusion::Abandoned => requeued(None, false, false, ""),
        Conclusion::NoAnswer => match verdict {
            Verdict::GiveUp(failure) => failed(failure),
            Verdict::Retry { at, strike, failed, reason } => requeued(at, strike, failed, reason),
            Verdict::Finish => match end {
                CallEnd::Rejected(failure) | CallEnd::Failed { failure, .. } => failed(failure),
                CallEnd::Answered
                | CallEnd::Abandoned
                | CallEnd::Limited { .. }
                | CallEnd::LanePaused { .. } => requeued(None, false, false, ""),
            },
        },
    }
}

/// What becomes of a job by this end, in a word.
const fn became(end: &JobEnd) -> &'static str {
    match end {
        JobEnd::Completed(_) => "completed",
        JobEnd::Failed { .. } => "failed",
        JobEnd::Expired => "expired",
        JobEnd::Repair { .. } => "repair",
        JobEnd::Requeued { failed: true, .. } => "retry",
        JobEnd::Requeued { .. } => "waits again",
    }
}

fn verdict_of(end: &JobEnd) -> Option<ValidationStatus> {
    match end {
        JobEnd::Completed(outcome) => outcome.validation.as_ref().map(|validation| validation.status),
        JobEnd::Repair { .. } => Some(ValidationStatus::Invalid),
        JobEnd::Failed { .. } | JobEnd::Expired | JobEnd::Requeued { .. } => None,
    }
}

fn failed(failure: Failure) -> JobEnd {
    let return_unit = failure.code.returns_unit();
    JobEnd::Failed { outcome: Outcome { failure: Some(failure), ..Outcome::default() }, return_unit }
}

fn requeued(retry_at: Option<Timestamp>, strike: bool, failed: bool, reason: &'static str) -> JobEnd {
    JobEnd::Requeued { retry_at, strike, failed, reason }
}
