//! An upstream as the core keeps it: budgets, calls in flight, and whether it takes calls.

use std::time::Duration;

use crate::domain::lane::{LaneSpec, LaneState, LaneStatus, LimitsSeen};
use crate::domain::{JobSeq, Timestamp, TokenUsage};

use super::budget::Budget;

/// The upstream's minute.
const MINUTE: Duration = Duration::from_secs(60);
/// Between two probes of a lane that is down.
pub(super) const PROBE_EVERY: Duration = Duration::from_secs(5);
/// Consecutive failures that take a lane down.
const FAILURES_DOWN: usize = 3;
/// What a 429 leaves of the effective limit, and the least that many of them leave.
const SHARE_AFTER_429: f64 = 0.9;
const SHARE_MIN: f64 = 0.1;
/// Share of the limit given back a second.
const SHARE_BACK_A_SECOND: f64 = 0.01;
/// First and longest guess when a 429 names no time.
const LIMITED_FIRST: Duration = Duration::from_secs(1);
const LIMITED_LAST: Duration = Duration::from_secs(60);
/// Retries kept in hand, what a first dispatch adds, and the time that adds one.
const RETRIES_MAX: f64 = 10.0;
const RETRIES_A_DISPATCH: f64 = 0.1;
const RETRY_EVERY_MS: f64 = 5000.0;

/// What one call holds of the four budgets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hold {
    pub(super) input: u64,
    pub(super) output: u64,
    pub(super) tokens: u64,
}

/// Whether a lane takes calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Open,
    /// After a 429.
    Limited {
        until: Timestamp,
    },
    /// Credentials, billing, spend limit, unknown model.
    Paused {
        until: Option<Timestamp>,
        reason: String,
    },
    /// Down: one probe at a time, not before `next`.
    Down {
        next: Timestamp,
        reason: String,
    },
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
    pub(super) mode: Mode,
    /// The job whose call is the probe.
    probe: Option<JobSeq>,
    /// Jobs whose calls failed since the last success, and whether all were unreachable.
    failures: Vec<JobSeq>,
    all_unreachable: bool,
    share: f64,
    share_at: Timestamp,
    limited_in_a_row: u32,
    retries: f64,
    retries_at: Timestamp,
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
            mode: Mode::Open,
            probe: None,
            failures: Vec::new(),
            all_unreachable: true,
            share: 1.0,
            share_at: Timestamp(0),
            limited_in_a_row: 0,
            retries: RETRIES_MAX,
            retries_at: Timestamp(0),
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
        for budget in [&mut self.requests, &mut self.tokens, &mut self.input, &mut self.output] {
            budget.advance(now);
        }
        let seconds = now.since(self.share_at).as_secs_f64();
        self.share = (self.share + seconds * SHARE_BACK_A_SECOND).min(1.0);
        self.share_at = now;
        match &self.mode {
            Mode::Limited { until } if *until <= now => self.mode = Mode::Open,
            Mode::Paused { until: Some(until), reason } if *until <= now => {
                self.mode = Mode::Down { next: now, reason: reason.clone() };
            }
            Mode::Open | Mode::Limited { .. } | Mode::Paused { .. } | Mode::Down { .. } => {}
        }
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

    /// Whether the lane would take a call if it had room.
    pub(super) fn is_open(&self, now: Timestamp) -> bool {
        match &self.mode {
            Mode::Open => true,
            Mode::Limited { .. } | Mode::Paused { .. } => false,
            Mode::Down { next, .. } => self.probe.is_none() && *next <= now,
        }
    }

    /// Whether a call fits right now. Call [`Lane::advance`] first.
    pub(super) fn has_room(&self, hold: &Hold, now: Timestamp) -> bool {
        self.in_flight < self.spec.max_concurrent
            && self.requests.fits(1, self.share, now)
            && self.tokens.fits(hold.tokens, self.share, now)
            && self.input.fits(hold.input, self.share, now)
            && self.output.fits(hold.output, self.share, now)
    }

    /// When this call may go by the passing of time alone; `None` when it waits for an event.
    pub(super) fn room_at(&self, hold: &Hold, now: Timestamp) -> Option<Timestamp> {
        let opens = match &self.mode {
            Mode::Open => now,
            Mode::Limited { until } => *until,
            Mode::Paused { until, .. } => (*until)?,
            Mode::Down { next, .. } if self.probe.is_none() => *next,
            Mode::Down { .. } => return None,
        };
        if self.in_flight >= self.spec.max_concurrent {
            return None;
        }
        let at = self
            .requests
            .fits_at(1, self.share, now)?
            .max(self.tokens.fits_at(hold.tokens, self.share, now)?)
            .max(self.input.fits_at(hold.input, self.share, now)?)
            .max(self.output.fits_at(hold.output, self.share, now)?)
            .max(opens);
        // A lowered limit comes back by itself: look again soon.
        Some(if at <= now { now.after(Duration::from_millis(100)) } else { at })
    }

    /// Takes a call on.
    pub(super) fn take(&mut self, seq: JobSeq, hold: &Hold, is_retry: bool, now: Timestamp) {
        self.in_flight += 1;
        self.requests.reserve(1);
        self.tokens.reserve(hold.tokens);
        self.input.reserve(hold.input);
        self.output.reserve(hold.output);
        if let Mode::Down { next, .. } = &mut self.mode {
            *next = now.after(PROBE_EVERY);
            self.probe = Some(seq);
        }
        if !is_retry {
            self.retries = (self.retries + RETRIES_A_DISPATCH).min(RETRIES_MAX);
        }
    }

    /// The call was never made, or nothing of it was sent: nothing counts.
    pub(super) fn release(&mut self, seq: JobSeq, hold: &Hold, requests_resolved: bool) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if !requests_resolved {
            self.requests.release(1);
        }
        self.tokens.release(hold.tokens);
        self.input.release(hold.input);
        self.output.release(hold.output);
        self.end_probe(seq);
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
        self.tokens.charge(output, output_expires);
        self.end_probe(seq);
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

    fn expiry(&self, from: Timestamp) -> Timestamp {
        from.after(MINUTE).after(self.spec.network_margin)
    }

    fn end_probe(&mut self, seq: JobSeq) {
        if self.probe == Some(seq) {
            self.probe = None;
        }
    }

    /// An answer came: the lane is well.
    pub(super) fn succeeded(&mut self) {
        self.failures.clear();
        self.all_unreachable = true;
        self.limited_in_a_row = 0;
        if matches!(self.mode, Mode::Down { .. }) {
            self.mode = Mode::Open;
        }
    }

    /// A 429.
    pub(super) fn limited(&mut self, retry_after: Option<Duration>, now: Timestamp) {
        let guess = LIMITED_FIRST.saturating_mul(1 << self.limited_in_a_row.min(6)).min(LIMITED_LAST);
        self.limited_in_a_row += 1;
        let until = now.after(retry_after.unwrap_or(guess));
        // Calls that were on their way together are one overrun, however many are refused.
        if !matches!(self.mode, Mode::Limited { .. }) {
            self.share = (self.share * SHARE_AFTER_429).max(SHARE_MIN);
            self.share_at = now;
        }
        match &mut self.mode {
            Mode::Paused { .. } => {}
            Mode::Limited { until: before } => *before = until.max(*before),
            Mode::Open | Mode::Down { .. } => self.mode = Mode::Limited { until },
        }
    }

    /// Credentials, billing, spend limit, unknown model.
    pub(super) fn paused(&mut self, reason: String, until: Option<Timestamp>) {
        self.mode = Mode::Paused { until, reason };
    }

    /// A failed call. Returns whether the lane was down already: then it was a probe, and the
    /// job has no part in it.
    pub(super) fn failed(&mut self, seq: JobSeq, unreachable: bool, reason: &str, now: Timestamp) -> bool {
        let was_down = !matches!(self.mode, Mode::Open | Mode::Limited { .. });
        self.all_unreachable &= unreachable;
        self.failures.push(seq);
        if self.failures.len() > FAILURES_DOWN {
            self.failures.remove(0);
        }
        if let Mode::Down { next, .. } = &mut self.mode {
            *next = (*next).max(now.after(PROBE_EVERY));
        }
        let mut jobs = self.failures.clone();
        jobs.sort_unstable();
        jobs.dedup();
        let enough =
            self.failures.len() >= FAILURES_DOWN && (jobs.len() >= FAILURES_DOWN || self.all_unreachable);
        if enough && !was_down {
            self.mode = Mode::Down { next: now.after(PROBE_EVERY), reason: reason.to_owned() };
        }
        was_down
    }

    /// Takes one retry out of the lane's allowance and returns the earliest time for it: retries
    /// are at most a tenth of dispatches, beyond a small stock and one every five seconds.
    pub(super) fn spend_retry(&mut self, now: Timestamp) -> Timestamp {
        let elapsed = now.since(self.retries_at).as_millis() as f64;
        self.retries = (self.retries + elapsed / RETRY_EVERY_MS).min(RETRIES_MAX);
        self.retries_at = now;
        self.retries -= 1.0;
        let debt_ms = (-self.retries).max(0.0) * RETRY_EVERY_MS;
        now.after(Duration::from_millis(debt_ms as u64))
    }

    /// The operator resumes.
    pub(super) fn resume(&mut self, now: Timestamp) {
        if let Mode::Paused { reason, .. } = &self.mode {
            self.mode = Mode::Down { next: now, reason: reason.clone() };
        }
    }

    /// Nothing is held for calls in flight.
    pub(super) fn is_at_rest(&self) -> bool {
        let held = [&self.requests, &self.tokens, &self.input, &self.output];
        self.in_flight == 0 && held.iter().all(|budget| budget.reserved() == 0)
    }

    /// The figures for the operator.
    pub(super) fn status(&self, now: Timestamp) -> LaneStatus {
        let (state, reason, until) = match &self.mode {
            Mode::Open => (LaneState::Open, None, None),
            Mode::Limited { until } => {
                (LaneState::Limited, Some("the upstream's rate limit was reached".to_owned()), Some(*until))
            }
            Mode::Paused { until, reason } => (LaneState::Paused, Some(reason.clone()), *until),
            Mode::Down { next, reason } => (LaneState::Probing, Some(reason.clone()), Some(*next)),
        };
        LaneStatus {
            name: self.spec.name.clone(),
            model: self.spec.model.clone(),
            state,
            reason,
            until,
            requests_per_minute: self.requests.gauge(self.share, now),
            tokens_per_minute: self.tokens.gauge(self.share, now),
            input_tokens_per_minute: self.input.gauge(self.share, now),
            output_tokens_per_minute: self.output.gauge(self.share, now),
            in_flight: self.in_flight,
            max_concurrent: self.spec.max_concurrent,
        }
    }

    /// Notes the upstream's own word on its limits.
    pub(super) fn see(&mut self, seen: &LimitsSeen, now: Timestamp) {
        let pairs = [
            (&mut self.requests, seen.requests),
            (&mut self.tokens, seen.tokens),
            (&mut self.input, seen.input_tokens),
            (&mut self.output, seen.output_tokens),
        ];
        for (budget, seen) in pairs {
            if let Some(seen) = seen {
                budget.see(seen, now);
            }
        }
    }
}
