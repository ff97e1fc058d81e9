//! An upstream as the core keeps it: budgets, calls in flight, and whether it takes calls.

use std::time::Duration;

use crate::domain::lane::{LaneSpec, LaneState, LaneStatus, LimitsSeen};
use crate::domain::{JobSeq, Timestamp, TokenUsage};

use super::budget::Budget;
use super::health::{Health, Mode, RATE_LIMITED};
use super::retry::Allowance;
use super::throttle::{Terms, Throttle};

/// The upstream's minute.
const MINUTE: Duration = Duration::from_secs(60);
/// A lowered limit comes back by itself: look again this soon.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What one call holds of the four budgets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hold {
    pub(super) input: u64,
    pub(super) output: u64,
    pub(super) tokens: u64,
}

/// A lane.
#[derive(Clone, Debug)]
pub struct Lane {
    pub(super) spec: LaneSpec,
    pub(super) requests: Budget,
    pub(super) tokens: Budget,
    pub(super) input: Budget,
    pub(super) output: Budget,
    pub(super) in_flight: u32,
    pub(super) health: Health,
    pub(super) throttle: Throttle,
    pub(super) allowance: Allowance,
}

impl Lane {
    pub(super) fn new(spec: LaneSpec) -> Self {
        Self {
            requests: Budget::new(spec.requests_per_minute),
            tokens: Budget::new(spec.tokens_per_minute),
            input: Budget::new(spec.input_tokens_per_minute),
            output: Budget::new(spec.output_tokens_per_minute),
            spec,
            in_flight: 0,
            health: Health::new(),
            throttle: Throttle::new(),
            allowance: Allowance::new(),
        }
    }

    /// Takes over changed limits.
    pub(super) fn respec(&mut self, spec: LaneSpec) {
        self.requests.set_limit(spec.requests_per_minute);
        self.tokens.set_limit(spec.tokens_per_minute);
        self.input.set_limit(spec.input_tokens_per_minute);
        self.output.set_limit(spec.output_tokens_per_minute);
        self.spec = spec;
    }

    /// Forgets what has expired and reopens what has waited long enough.
    pub(super) fn advance(&mut self, now: Timestamp) {
        self.budgets().into_iter().for_each(|budget| budget.advance(now));
        self.throttle.advance(now);
        self.health.advance(now);
    }

    /// What a call with these estimates holds here.
    pub(super) fn hold(&self, input: u32, output: u32) -> Hold {
        let (input, output) = (u64::from(input), u64::from(output));
        Hold {
            input: self.input.clamp(input),
            output: self.output.clamp(output),
            tokens: self.tokens.clamp(input + output),
        }
    }

    /// Whether a call fits right now. Call [`Lane::advance`] first.
    pub(super) fn has_room(&self, hold: &Hold, now: Timestamp) -> bool {
        let terms = self.throttle.terms(now);
        self.in_flight < self.spec.max_concurrent
            && self.throttle.next_call() <= now
            && self.parts(hold).into_iter().all(|(budget, amount)| budget.fits(amount, terms, now))
    }

    /// When this call may go by the passing of time alone; `None` when it waits for an event.
    pub(super) fn room_at(&self, hold: &Hold, now: Timestamp) -> Option<Timestamp> {
        let mut at = self.health.opens_at(now)?.max(self.throttle.next_call());
        if self.in_flight >= self.spec.max_concurrent {
            return None;
        }
        let terms = self.throttle.terms(now);
        for (budget, amount) in self.parts(hold) {
            at = at.max(budget.fits_at(amount, terms, now)?);
        }
        Some(if at <= now { now.after(LOOK_AGAIN) } else { at })
    }

    /// Takes a call on.
    pub(super) fn take(&mut self, seq: JobSeq, hold: &Hold, is_retry: bool, now: Timestamp) {
        self.throttle.went(self.dominant_part(hold), now);
        self.in_flight += 1;
        self.requests.reserve(1);
        self.tokens.reserve(hold.tokens);
        self.input.reserve(hold.input);
        self.output.reserve(hold.output);
        self.health.went(seq, now);
        if !is_retry {
            self.allowance.earn();
        }
    }

    /// The call was never made: nothing counts.
    pub(super) fn release(&mut self, seq: JobSeq, hold: &Hold) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.requests.release(1);
        self.tokens.release(hold.tokens);
        self.input.release(hold.input);
        self.output.release(hold.output);
        self.health.call_over(seq);
    }

    /// The call's first byte leaves: as a request it counts for its minute from now.
    pub(super) fn sent(&mut self, now: Timestamp) {
        self.requests.resolve(1, 1, self.expiry(now));
    }

    /// The call is over: estimates become actuals. Input counts from the send, output, which
    /// upstreams count as late as they produce it, from the end.
    pub(super) fn settle(
        &mut self,
        seq: JobSeq,
        hold: &Hold,
        usage: &TokenUsage,
        sent: Timestamp,
        now: Timestamp,
    ) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let (input, output) = (usage.limited_input(), usage.output);
        let (input_expires, output_expires) = (self.expiry(sent), self.expiry(now));
        self.input.resolve(hold.input, input, input_expires);
        self.output.resolve(hold.output, output, output_expires);
        self.tokens.resolve(hold.tokens, input, input_expires);
        self.tokens.spend(output, output_expires);
        self.health.call_over(seq);
    }

    /// A charge of before the start.
    pub(super) fn restore(&mut self, usage: &TokenUsage, sent: Timestamp, ended: Timestamp) {
        let (sent, ended) = (self.expiry(sent), self.expiry(ended));
        self.requests.charge(1, sent);
        self.input.charge(usage.limited_input(), sent);
        self.output.charge(usage.output, ended);
        self.tokens.charge(usage.limited_input(), sent);
        self.tokens.charge(usage.output, ended);
    }

    /// A 429.
    pub(super) fn limited(&mut self, retry_after: Option<Duration>, now: Timestamp) {
        if self.health.limited(retry_after, now) {
            self.throttle.limited(now);
        }
    }

    /// Notes the upstream's own word on its limits.
    pub(super) fn see(&mut self, seen: &LimitsSeen, now: Timestamp) {
        let words = [seen.requests, seen.tokens, seen.input_tokens, seen.output_tokens];
        let mut others = false;
        for (budget, word) in self.budgets().into_iter().zip(words) {
            others |= word.is_some_and(|word| budget.see(word, now));
        }
        if others {
            self.throttle.shared(now);
        }
    }

    /// The clock was set: spans that run keep their length.
    pub(super) fn shift(&mut self, by_ms: i64) {
        self.budgets().into_iter().for_each(|budget| budget.shift(by_ms));
        self.throttle.shift(by_ms);
        self.health.shift(by_ms);
        self.allowance.shift(by_ms);
    }

    /// Nothing is held for calls in flight.
    pub(super) fn is_at_rest(&self) -> bool {
        let held = [&self.requests, &self.tokens, &self.input, &self.output];
        self.in_flight == 0 && held.iter().all(|budget| budget.reserved() == 0)
    }

    /// The figures for the operator.
    pub(super) fn status(&self, now: Timestamp) -> LaneStatus {
        let (state, reason, until) = match self.health.mode() {
            Mode::Open => (LaneState::Open, None, None),
            Mode::Limited { until } => (LaneState::Limited, Some(RATE_LIMITED.to_owned()), Some(*until)),
            Mode::Paused { until, reason } => (LaneState::Paused, Some(reason.clone()), *until),
            Mode::Down { next, reason } => (LaneState::Probing, Some(reason.clone()), Some(*next)),
        };
        let terms = self.throttle.terms(now);
        LaneStatus {
            name: self.spec.name.clone(),
            model: self.spec.model.clone(),
            state,
            reason,
            until,
            requests_per_minute: self.requests.gauge(terms, now),
            tokens_per_minute: self.tokens.gauge(terms, now),
            input_tokens_per_minute: self.input.gauge(terms, now),
            output_tokens_per_minute: self.output.gauge(terms, now),
            in_flight: self.in_flight,
            max_concurrent: self.spec.max_concurrent,
        }
    }

    fn budgets(&mut self) -> [&mut Budget; 4] {
        [&mut self.requests, &mut self.tokens, &mut self.input, &mut self.output]
    }

    /// What a call takes of each budget.
    fn parts(&self, hold: &Hold) -> [(&Budget, u64); 4] {
        [
            (&self.requests, 1),
            (&self.tokens, hold.tokens),
            (&self.input, hold.input),
            (&self.output, hold.output),
        ]
    }

    /// The largest part of any budget's minute that a call takes.
    fn dominant_part(&self, hold: &Hold) -> f64 {
        let limited = self.parts(hold).into_iter().filter(|(budget, _)| budget.is_limited());
        let part = |(budget, amount): (&Budget, u64)| amount as f64 / budget.limit(Terms::WHOLE) as f64;
        limited.map(part).fold(0.0, f64::max)
    }

    fn expiry(&self, from: Timestamp) -> Timestamp {
        from.after(MINUTE).after(self.spec.network_margin)
    }
}
