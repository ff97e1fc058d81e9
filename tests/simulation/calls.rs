//! Calls under way, and how the simulated upstreams end them.

use std::time::Duration;

use diagramd::domain::failure::FailureCode;
use diagramd::domain::lane::{CallEnd, CallReport};
use diagramd::domain::{Failure, JobSeq, Timestamp, TokenUsage, UserId};
use rand::RngExt;

use crate::store::Write;
use crate::world::{Happening, World};

/// A call as the store and the upstream know it.
pub struct Call {
    pub lane: usize,
    pub user: UserId,
    pub input: u32,
    pub output: u32,
    /// By the server's clock.
    pub sent: Option<Timestamp>,
    pub reached: bool,
    pub cancelled: bool,
}

/// A call as the store keeps it for the budgets.
pub struct Past {
    pub lane: usize,
    pub usage: TokenUsage,
    pub sent: Timestamp,
    pub ended: Timestamp,
}

impl World {
    pub fn send(&mut self, seq: i64, run: u32) {
        let clock = self.clock();
        let Some(call) = self.calls.get_mut(&(seq, run)).filter(|call| !call.cancelled) else { return };
        call.sent = Some(clock);
        self.check_send(seq, run);
        self.core.call_sent(JobSeq(seq), run, clock);
        self.checks.sent(seq, run, self.now);
        let at = self.rng.random_range(0..200);
        self.after(at, Happening::Reach { seq, run });
    }

    /// The request reaches the upstream, which counts it and its input.
    pub fn reach(&mut self, seq: i64, run: u32) {
        let Some(call) = self.calls.get_mut(&(seq, run)).filter(|call| !call.cancelled) else { return };
        call.reached = true;
        let (lane, user, input) = (call.lane, call.user, call.input);
        self.told.calls += 1;
        assert!(self.meters[lane].requests.add(1, self.now), "more requests in 60 s than lane {lane} allows");
        assert!(
            self.meters[lane].tokens.add(input.into(), self.now),
            "more tokens in 60 s than lane {lane} allows"
        );
        let cap = self.cap(user);
        let open = self.open.entry(user).or_default();
        *open += 1;
        assert!(*open <= cap, "user {user:?} has {open} calls open; its cap is {cap}");
        let quick = self.is_poisoned(seq) || self.is_outage(lane);
        let took = self.rng.random_range(if quick { 20..500 } else { 200..15_000 });
        self.after(took, Happening::CallEnd { seq, run });
    }

    pub fn call_end(&mut self, seq: i64, run: u32) {
        let Some(call) = self.calls.remove(&(seq, run)) else { return };
        if call.reached {
            *self.open.get_mut(&call.user).unwrap() -= 1;
        }
        let (end, usage) = self.how(seq, &call);
        if call.reached {
            assert!(
                self.meters[call.lane].tokens.add(usage.output, self.now),
                "more tokens in 60 s than lane {} allows",
                call.lane
            );
        }
        let clock = self.clock();
        if let Some(sent) = call.sent {
            self.past.push(Past { lane: call.lane, usage, sent, ended: clock });
        }
        let completed = end == CallEnd::Answered;
        if matches!(end, CallEnd::Answered | CallEnd::Rejected(_)) {
            self.checks.answered(call.lane);
        }
        if completed && self.now.0 >= self.outage_end() && self.told.first_answer.is_none() {
            self.told.first_answer = Some(self.now.0 - self.outage_end());
        }
        let report = CallReport { seq: JobSeq(seq), run, end, usage, sent: call.sent.is_some() };
        self.trace(|_| format!("job {seq} run {run} ended: {:?}", report.end));
        let verdict = self.core.call_ended(&report, clock);
        self.checks.ended(seq, run, &usage, self.now);
        self.check_verdict(seq, &verdict);
        self.write(Write::Settle { seq, run, verdict, completed });
    }

    fn how(&mut self, seq: i64, call: &Call) -> (CallEnd, TokenUsage) {
        let input = TokenUsage { input: call.input.into(), ..TokenUsage::default() };
        if call.cancelled || !call.reached {
            return (CallEnd::Abandoned, if call.reached { input } else { TokenUsage::default() });
        }
        if self.is_outage(call.lane) {
            return (failed(self.plan.unreachable), input);
        }
        if self.is_poisoned(seq) {
            return (failed(false), input);
        }
        if self.rng.random_bool(self.plan.fault_rate) {
            return (self.fault(), input);
        }
        let output = u64::from(self.rng.random_range(1..=call.output));
        (CallEnd::Answered, TokenUsage { output, ..input })
    }

    fn fault(&mut self) -> CallEnd {
        match self.rng.random_range(0..4) {
            0 => CallEnd::Limited { retry_after: Some(Duration::from_secs(self.rng.random_range(1..20))) },
            1 => CallEnd::LanePaused {
                reason: "401".into(),
                until: Some(self.clock().after(Duration::from_secs(30))),
            },
            2 => CallEnd::Rejected(Failure {
                code: FailureCode::UpstreamRejected,
                message: "no".into(),
                retryable: false,
            }),
            _ => failed(false),
        }
    }
}

fn failed(unreachable: bool) -> CallEnd {
    let failure = Failure { code: FailureCode::UpstreamUnavailable, message: "down".into(), retryable: true };
    CallEnd::Failed { failure, retry_after: None, unreachable }
}
