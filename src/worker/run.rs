//! One run: ask, read the answer, settle.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::diagram::{check, extract, prompt};
use crate::domain::failure::FailureCode;
use crate::domain::job::Outcome;
use crate::domain::lane::CallEnd;
use crate::domain::{Claimed, Event, Failure, JobEvent, Timestamp, TokenUsage};
use crate::provider::{Answer, Call, CallError, Stop};
use crate::queue::{CallResult, Conclusion, Running};

use super::Worker;
use super::progress::Progress;

/// Why a call is over.
enum Over {
    Answered(Answer),
    Error(CallError),
    TimedOut,
    DeadlinePassed,
    Abandoned,
    GivenUp,
}

impl Worker {
    pub(super) async fn run(&self, running: Running, give_up: CancellationToken) {
        let Running { job, ended } = running;
        let Some(provider) = self.providers.get(&job.lane) else {
            tracing::error!(job = %job.id, lane = %job.lane, "a request was claimed for an upstream that is not there");
            self.settle_panicked(&job).await;
            return;
        };
        self.troubles.call_begins();
        self.checker.expect(job.diagram_type);
        let call = self.call(&job);
        let mut progress = Progress::new(&self.queue, &self.bus, self.clock, &job);
        let over = tokio::select! {
            biased;
            () = ended.cancelled() => Over::Abandoned,
            answered = provider.call(&call, &mut progress) => match answered {
                Ok(answer) => Over::Answered(answer),
                Err(error) => Over::Error(error),
            },
            () = give_up.cancelled() => Over::GivenUp,
            () = tokio::time::sleep(self.timeout) => Over::TimedOut,
            () = self.deadline(&job) => Over::DeadlinePassed,
        };
        let (sent_at, known) = (progress.sent_at(), progress.known_usage());
        let result = self.conclude(&job, over, sent_at, known).await;
        self.settle(&job, result).await;
    }

    fn call(&self, job: &Claimed) -> Call {
        let prompt = prompt::build(job.diagram_type, &job.brief);
        Call {
            model: job.model.clone(),
            system: prompt.system,
            user: prompt.user,
            prompt: job.brief.prompt.clone(),
            diagram_type: job.diagram_type,
            max_tokens: job.max_tokens,
            user_tag: self.tags.tag(job.user),
        }
    }

    async fn deadline(&self, job: &Claimed) {
        match job.deadline_at {
            Some(at) => tokio::time::sleep(at.since((self.clock)())).await,
            None => std::future::pending().await,
        }
    }

    async fn conclude(
        &self,
        job: &Claimed,
        over: Over,
        sent_at: Option<Timestamp>,
        known: TokenUsage,
    ) -> CallResult {
        let unanswered = |end, conclusion| CallResult {
            end,
            usage: known,
            estimated: sent_at.is_some(),
            sent_at,
            conclusion,
        };
        match over {
            Over::Answered(answer) => {
                self.troubles.call_answered(&job.lane, sent_at);
                CallResult {
                    end: CallEnd::Answered,
                    usage: answer.usage,
                    estimated: answer.estimated,
                    sent_at,
                    conclusion: self.read(job, &answer).await,
                }
            }
            Over::Error(error) => {
                self.tell(job, &error, sent_at);
                let result = unanswered(error.end, Conclusion::NoAnswer);
                match error.usage {
                    Some(usage) => CallResult { usage, estimated: false, ..result },
                    // Nobody counted to the end: no tokens, exactly, or those that were heard of.
                    None => CallResult { estimated: known != TokenUsage::default(), ..result },
                }
            }
            Over::TimedOut => unanswered(timed_out(self.timeout), Conclusion::NoAnswer),
            Over::DeadlinePassed => unanswered(CallEnd::Abandoned, Conclusion::Expired),
            Over::Abandoned => unanswered(CallEnd::Abandoned, Conclusion::Abandoned),
            Over::GivenUp => unanswered(CallEnd::Abandoned, Conclusion::NoAnswer),
        }
    }

    /// To the operator: a paused upstream once, every other failed call by itself.
    fn tell(&self, job: &Claimed, error: &CallError, sent_at: Option<Timestamp>) {
        if matches!(error.end, CallEnd::Rejected(_)) {
            self.troubles.call_answered(&job.lane, sent_at);
        }
        if !self.troubles.call_failed(&job.lane, error, (self.clock)()) {
            tracing::warn!(job = %job.id, lane = %job.lane, run = job.run, detail = error.detail, "an upstream call failed");
        }
    }

    /// From a whole answer to what the job ends with: the one seam for validation and repair.
    async fn read(&self, job: &Claimed, answer: &Answer) -> Conclusion {
        let Some(draft) = extract::extract(&answer.text, job.diagram_type) else {
            return Conclusion::Failed(Failure {
                code: FailureCode::NoDiagram,
                message: "The model answered without a diagram. Say more plainly what to draw, or try again."
                    .to_owned(),
                retryable: true,
            });
        };
        self.bus.publish(Event { job: job.id, user: job.user, what: JobEvent::Validating });
        let cut_off = (answer.stop == Stop::CutOff).then_some(job.max_tokens);
        let validation = check::verdict(self.checker.as_ref(), job.diagram_type, &draft, cut_off).await;
        Conclusion::Completed(Outcome {
            source: Some(draft.source),
            title: draft.title,
            validation: Some(validation),
            failure: None,
        })
    }

    async fn settle(&self, job: &Claimed, result: CallResult) {
        // Only a closed store leaves a run open; the next start recovers it.
        if let Err(reason) = self.queue.settle(job, result).await {
            tracing::warn!(job = %job.id, %reason, "a run could not be settled; the next start recovers it");
        }
    }

    pub(super) async fn settle_panicked(&self, job: &Claimed) {
        let failure = Failure {
            code: FailureCode::Internal,
            message: "The server made a mistake with this request. Try again.".to_owned(),
            retryable: true,
        };
        let result = CallResult {
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
