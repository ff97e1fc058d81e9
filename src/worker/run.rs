//! One run: ask, read the answer, settle.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::diagram::{prompt, repair};
use crate::domain::failure::FailureCode;
use crate::domain::lane::CallEnd;
use crate::domain::trace::Purpose;
use crate::domain::{Claimed, Failure, Timestamp, TokenUsage};
use crate::provider::{Call, CallError, TemplateHint};
use crate::queue::{CallResult, Conclusion, Running};

use super::Worker;
use super::progress::Progress;

/// Why a call is over without an answer.
enum Unanswered {
    Error(CallError),
    TimedOut,
    DeadlinePassed,
    Abandoned,
    GivenUp,
}

/// What ends a run before its time.
pub(super) struct Bounds {
    /// The job has ended otherwise.
    ended: CancellationToken,
    /// The server stops and waits no longer.
    give_up: CancellationToken,
}

impl Bounds {
    /// The job has ended otherwise.
    pub(super) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// The job has ended otherwise, or the server waits no longer.
    pub(super) async fn any(&self) {
        tokio::select! {
            () = self.ended.cancelled() => {}
            () = self.give_up.cancelled() => {}
        }
    }
}

impl Worker {
    pub(super) async fn run(&self, running: Running, give_up: CancellationToken) {
        let Running { job, ended } = running;
        let bounds = Bounds { ended, give_up };
        let Some(provider) = self.providers.get(&job.lane) else {
            tracing::error!(
                job = %job.id,
                lane = %job.lane,
                trace_id = %job.origin.trace(),
                request_id = %job.origin.request_id(),
                "a request was claimed for an upstream that is not there"
            );
            self.settle_panicked(&job).await;
            return;
        };
        tracing::debug!(
            job = %job.id,
            lane = %job.lane,
            model = job.model,
            run = job.run,
            repairs = job.repair.is_some(),
            trace_id = %job.origin.trace(),
            request_id = %job.origin.request_id(),
            "a claimed request's call begins"
        );
        self.troubles.call_begins();
        self.checker.expect(job.diagram_type);
        let call = self.call(&job);
        let mut progress = Progress::new(&self.queue, &self.bus, self.clock, &job);
        let answered = tokio::select! {
            biased;
            () = bounds.ended() => Err(Unanswered::Abandoned),
            answered = provider.call(&call, &mut progress) => answered.map_err(Unanswered::Error),
            () = bounds.give_up.cancelled() => Err(Unanswered::GivenUp),
            () = tokio::time::sleep(self.timeout) => Err(Unanswered::TimedOut),
            () = self.deadline(&job) => Err(Unanswered::DeadlinePassed),
        };
        let (sent_at, known) = (progress.sent_at(), progress.known_usage());
        let result = match answered {
            Ok(answer) => {
                self.troubles.call_answered(&job.lane, sent_at);
                let answered_at = (self.clock)();
                CallResult {
                    answered_at,
                    end: CallEnd::Answered,
                    usage: answer.usage,
                    estimated: answer.estimated,
                    sent_at,
                    conclusion: self.judge(&job, &answer, provider.corrects(), &bounds).await,
                }
            }
            Err(why) => self.unanswered(&job, why, sent_at, known),
        };
        self.settle(&job, result).await;
    }

    fn call(&self, job: &Claimed) -> Call {
        let prompt = match &job.repair {
            None => prompt::build(job.diagram_type, &job.brief),
            Some(broken) => repair::build(job.diagram_type, &job.brief, &broken.source, &broken.errors),
        };
        Call {
            model: job.model.clone(),
            system: prompt.system,
            user: prompt.user,
            prompt: job.brief.prompt.clone(),
            changes: job.brief.base_source.is_some(),
            template: job.brief.template.as_ref().map(|filled| TemplateHint { kind: filled.kind.clone() }),
            diagram_type: job.diagram_type,
            max_tokens: job.max_tokens,
            user_tag: self.tags.tag(job.user),
            trace: job.origin.headers(Purpose::Call(job.run)),
        }
    }

    pub(super) fn is_past_deadline(&self, job: &Claimed) -> bool {
        job.deadline_at.is_some_and(|at| at <= (self.clock)())
    }

    pub(super) async fn deadline(&self, job: &Claimed) {
        match job.deadline_at {
            Some(at) => tokio::time::sleep(at.since((self.clock)())).await,
            None => std::future::pending().await,
        }
    }

    fn unanswered(
        &self,
        job: &Claimed,
        why: Unanswered,
        sent_at: Option<Timestamp>,
        known: TokenUsage,
    ) -> CallResult {
        let answered_at = (self.clock)();
        let unanswered = |end, conclusion| CallResult {
            answered_at,
            end,
            usage: known,
            estimated: sent_at.is_some(),
            sent_at,
            conclusion,
        };
        match why {
            Unanswered::Error(error) => {
                self.tell(job, &error, sent_at);
                let result = unanswered(error.end, Conclusion::NoAnswer);
                match error.usage {
                    Some(usage) => CallResult { usage, estimated: false, ..result },
                    // Nobody counted to the end: no tokens, exactly, or those that were heard of.
                    None => CallResult { estimated: known != TokenUsage::default(), ..result },
                }
            }
            Unanswered::TimedOut => unanswered(timed_out(self.timeout), Conclusion::NoAnswer),
            Unanswered::DeadlinePassed => unanswered(CallEnd::Abandoned, Conclusion::Expired),
            Unanswered::Abandoned => unanswered(CallEnd::Abandoned, Conclusion::Abandoned),
            Unanswered::GivenUp => unanswered(CallEnd::Abandoned, Conclusion::NoAnswer),
        }
    }

    /// To the operator: a paused upstream once, every other failed call by itself.
    fn tell(&self, job: &Claimed, error: &CallError, sent_at: Option<Timestamp>) {
        if matches!(error.end, CallEnd::Rejected(_)) {
            self.troubles.call_answered(&job.lane, sent_at);
        }
        if !self.troubles.call_failed(&job.lane, error, (self.clock)()) {
            tracing::warn!(
                job = %job.id,
                lane = %job.lane,
                run = job.run,
                detail = error.detail,
                trace_id = %job.origin.trace(),
                request_id = %job.origin.request_id(),
                "an upstream call failed"
            );
        }
    }

    async fn settle(&self, job: &Claimed, result: CallResult) {
        // Only a closed store leaves a run open; the next start recovers it.
        if let Err(reason) = self.queue.settle(job, result).await {
            tracing::warn!(
                job = %job.id,
                %reason,
                trace_id = %job.origin.trace(),
                request_id = %job.origin.request_id(),
                "a run could not be settled; the next start recovers it"
            );
        }
    }

    pub(super) async fn settle_panicked(&self, job: &Claimed) {
        let failure = Failure {
            code: FailureCode::Internal,
            message: "The server made a mistake with this request. Try again.".to_owned(),
            retryable: true,
        };
        let result = CallResult {
            answered_at: (self.clock)(),
            end: CallEnd::Abandoned,
            usage: TokenUsage::default(),
            estimated: true,
            // Whether anything was sent is not known; to be safe the upstream is charged.
            sent_at: Some((self.clock)()),
            conclusion: Conclusion::Failed(failure),
        };
        self.settle(job, result).await;
    }
}

fn timed_out(limit: Duration) -> CallEnd {
    CallEnd::Failed {
        failure: Failure {
            code: FailureCode::UpstreamTimeout,
            message: format!("The upstream took longer than {} seconds.", limit.as_secs()),
            retryable: true,
        },
        retry_after: None,
        unreachable: false,
    }
}
