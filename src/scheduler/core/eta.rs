//! How long a place will take: the slowest of request rate, token rate, the user's own cap and
//! what keeps the lanes shut.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::{Timestamp, TokenUsage};

use super::Core;
use super::health::Mode;
use super::jobs::Waiting;
use super::lane::Lane;
use super::throttle::Terms;

/// Weight of the newest sample in the moving averages.
const NEWEST: f64 = 0.1;
/// Before the first answer: a typical call.
const SERVICE_MS_GUESS: f64 = 5000.0;
/// The sliding minute of throughput.
const MINUTE_MS: i64 = 60_000;
/// Seconds that are told at most: a year.
const SECONDS_MAX: f64 = 31_536_000.0;

/// What calls have taken lately.
#[derive(Debug)]
pub(super) struct Pace {
    service_ms: f64,
    tokens: Option<f64>,
    /// Jobs ended, by second, over the last minute.
    ended: VecDeque<(i64, u64)>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { service_ms: SERVICE_MS_GUESS, tokens: None, ended: VecDeque::new() }
    }
}

impl Pace {
    pub(super) fn answered(&mut self, sent: Timestamp, now: Timestamp, usage: &TokenUsage) {
        let took = now.since(sent).as_millis() as f64;
        self.service_ms += (took - self.service_ms) * NEWEST;
        let tokens = usage.limited_input().saturating_add(usage.output) as f64;
        let average = self.tokens.unwrap_or(tokens);
        self.tokens = Some(average + (tokens - average) * NEWEST);
    }

    pub(super) fn ended(&mut self, now: Timestamp) {
        let second = now.0.div_euclid(1000);
        match self.ended.back_mut() {
            Some((last, count)) if *last == second => *count += 1,
            _ => self.ended.push_back((second, 1)),
        }
        self.forget(now);
    }

    /// The clock was set back: what ended by the old one is not told.
    pub(super) fn forget_ended(&mut self) {
        self.ended.clear();
    }

    fn forget(&mut self, now: Timestamp) {
        let oldest = (now.0 - MINUTE_MS).div_euclid(1000);
        while self.ended.front().is_some_and(|(second, _)| *second <= oldest) {
            self.ended.pop_front();
        }
    }

    pub(super) fn a_minute(&self, now: Timestamp) -> u64 {
        let oldest = (now.0 - MINUTE_MS).div_euclid(1000);
        self.ended.iter().filter(|(second, _)| *second > oldest).map(|(_, count)| count).sum()
    }
}

impl Core {
    /// Seconds until the job at `position` goes, rounded up.
    pub(super) fn estimated_wait(&self, job: &Waiting, position: u64, now: Timestamp) -> u64 {
        let lanes = self.pools[usize::from(job.pool)].lanes.iter().map(|index| &self.lanes[*index]);
        let by_lanes = lanes.map(|lane| self.lane_wait(lane, position, now)).fold(SECONDS_MAX, f64::min);
        let wait = by_lanes.max(self.cap_wait(job)).max(self.back_off_wait(job, now));
        // Nobody knows when the operator resumes, but at once it is not.
        let least = if self.paused { 1.0 } else { 0.0 };
        wait.clamp(least, SECONDS_MAX).ceil() as u64
    }

    /// Whether nothing takes the job until somebody, or something, lets go on what is paused.
    pub(super) fn is_paused_for(&self, job: &Waiting) -> bool {
        let lanes = &self.pools[usize::from(job.pool)].lanes;
        let is_paused = |index: &usize| matches!(self.lanes[*index].health.mode(), Mode::Paused { .. });
        self.paused || (!lanes.is_empty() && lanes.iter().all(is_paused))
    }

    /// Seconds until everything that waits has gone, by the rules of a place's wait; `None` while
    /// the operator has paused the queue: nobody knows when it goes on.
    pub(super) fn drain_seconds(&self, now: Timestamp) -> Option<u64> {
        if self.waiting() == 0 {
            return Some(0);
        }
        if self.paused {
            return None;
        }
        // Who is in back-off comes back to some pool: each may have to take them all.
        let aside = self.back_offs.len() as u64;
        let by_pools = self.pools.iter().map(|pool| {
            let waiting = aside + pool.tiers.iter().map(|tier| tier.order.len() as u64).sum::<u64>();
            let lanes = pool.lanes.iter().map(|index| &self.lanes[*index]).filter(|_| waiting > 0);
            lanes.map(|lane| self.lane_wait(lane, waiting, now)).reduce(f64::min).unwrap_or(0.0)
        });
        let by_users = self.users.values().filter(|user| user.jobs > user.running).map(|user| {
            let cap = self.tiers.of(user.tier).max_concurrent;
            self.rounds_wait(u64::from(user.jobs) - 1, cap)
        });
        let back = self.back_offs.last().map_or(0.0, |at| at.since(now).as_secs_f64());
        let wait = by_pools.chain(by_users).fold(back, f64::max);
        // Upstreams that somebody has to open again: nobody knows either.
        (wait < SECONDS_MAX).then(|| wait.ceil() as u64)
    }

    /// How long a user with `ahead` jobs going or waiting before one waits for it.
    fn rounds_wait(&self, ahead: u64, cap: u32) -> f64 {
        match ahead.checked_div(u64::from(cap)) {
            Some(rounds) => rounds as f64 * self.pace.service_ms / 1000.0,
            None => SECONDS_MAX,
        }
    }

    /// Seconds until the lane has taken `position` calls.
    fn lane_wait(&self, lane: &Lane, position: u64, now: Timestamp) -> f64 {
        let shut = match lane.health.mode() {
            Mode::Open => 0.0,
            Mode::Limited { until } => until.since(now).as_secs_f64(),
            Mode::Paused { until: Some(until), .. } => until.since(now).as_secs_f64(),
            Mode::Paused { until: None, .. } => return SECONDS_MAX,
            Mode::Down { next, .. } => next.since(now).as_secs_f64(),
        };
        let slots = u64::from(lane.spec.max_concurrent);
        let free = slots.saturating_sub(lane.in_flight.into());
        let behind = position.saturating_sub(free) as f64;
        let by_slots = behind / slots as f64 * self.pace.service_ms / 1000.0;
        shut.max(by_slots).max(requests_wait(lane, position, now)).max(self.tokens_wait(lane, position, now))
    }

    fn tokens_wait(&self, lane: &Lane, position: u64, now: Timestamp) -> f64 {
        let gauge = lane.tokens.gauge(Terms::WHOLE, now);
        let (Some(tokens), Some(limit), Some(available)) = (self.pace.tokens, gauge.limit, gauge.available)
        else {
            return 0.0;
        };
        (position as f64 * tokens - available as f64).max(0.0) / limit as f64 * 60.0
    }

    /// A user at its cap waits for its own calls, however short the queue.
    fn cap_wait(&self, job: &Waiting) -> f64 {
        let Some(user) = self.users.get(&job.user) else { return 0.0 };
        let cap = self.tiers.of(user.tier).max_concurrent;
        let queue = &self.pools[usize::from(job.pool)].tiers[job.tier.index()];
        let before = queue.before_in_flow(job.user, job.key.seq, &self.jobs);
        self.rounds_wait(before + u64::from(user.running), cap)
    }

    fn back_off_wait(&self, job: &Waiting, now: Timestamp) -> f64 {
        self.back_offs.until(job.key.seq).map_or(0.0, |at| at.since(now).as_secs_f64())
    }
}

/// Exact for the coming minute, from the charges that expire in it; a minute a round beyond.
fn requests_wait(lane: &Lane, position: u64, now: Timestamp) -> f64 {
    let gauge = lane.requests.gauge(Terms::WHOLE, now);
    let (Some(limit), Some(available)) = (gauge.limit, gauge.available) else { return 0.0 };
    let missing = position.saturating_sub(available);
    if missing == 0 {
        return 0.0;
    }
    let round = 60.0 + lane.spec.network_margin.as_secs_f64();
    let (rounds, nth) = ((missing - 1) / limit, (missing - 1) % limit + 1);
    let first = lane.requests.nth_expiry(nth).map_or(round, |at| at.since(now).as_secs_f64());
    rounds as f64 * round + first.max(Duration::from_millis(1).as_secs_f64())
}
