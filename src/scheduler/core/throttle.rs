//! What 429s leave of a lane's limits while somebody else uses the same quota.
//!
//! Each overrun takes a tenth of the effective limit, at most 1 % of the limit comes back a
//! second, and the level at which 429s began is remembered: below it the limit comes back
//! quickly, from there on slowly at first and faster the longer no 429 comes. So a steady
//! second consumer costs about one 429 in a minute or two, and one that leaves is noticed
//! within minutes. (The growth is that of TCP's BIC and CUBIC, RFC 9438.)
//!
//! For a while after a sign of somebody else, a 429 or the upstream's own word, calls are also
//! paced, so that a lane that reopens meets no herd.

use std::time::Duration;

use crate::domain::Timestamp;

/// What a 429 leaves of the effective limit, and the least that many of them leave.
const SHARE_AFTER_429: f64 = 0.9;
const SHARE_MIN: f64 = 0.1;
/// Share of the limit given back a second, at most.
const BACK_A_SECOND: f64 = 0.01;
/// The part of the remembered level up to which the limit comes back at full speed.
const NEAR: f64 = 0.98;
/// What is remembered of a level that lies below the one before.
const LEVEL_FALLS_TO: f64 = 0.95;
/// Seconds without a 429 after which the limit comes back at full speed again.
const QUIET_SECONDS: f64 = 150.0;
/// How long after the last sign of somebody else the quota is taken to be shared.
const CONTENDED_FOR: Duration = Duration::from_secs(600);
/// Calls of a contended lane go at most this much faster than its limit for long.
const PACE: f64 = 1.5;

/// The terms on which a budget lets calls go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// Part of the limit in force, in `0.1..=1.0`.
    pub share: f64,
    /// Somebody else seems to use the same quota.
    pub contended: bool,
}

impl Terms {
    /// The whole limit, used by nobody else.
    pub const WHOLE: Self = Self { share: 1.0, contended: false };
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Throttle {
    share: f64,
    /// The share at which 429s began.
    level: f64,
    advanced_at: Timestamp,
    limited_at: Option<Timestamp>,
    /// When somebody else was last noticed on the same quota.
    shared_at: Option<Timestamp>,
    next_call: Timestamp,
}

impl Throttle {
    pub(super) const fn new() -> Self {
        Self {
            share: 1.0,
            level: 1.0,
            advanced_at: Timestamp(0),
            limited_at: None,
            shared_at: None,
            next_call: Timestamp(i64::MIN),
        }
    }

    /// Gives back what the time since the last look gives back.
    pub(super) fn advance(&mut self, now: Timestamp) {
        let seconds = now.since(self.advanced_at).as_secs_f64();
        self.advanced_at = now;
        let Some(limited_at) = self.limited_at else { return };
        let fast = ((self.level * NEAR - self.share) / BACK_A_SECOND).clamp(0.0, seconds);
        let quiet = now.since(limited_at).as_secs_f64();
        let slow = climb(quiet) - climb((quiet - (seconds - fast)).max(0.0));
        self.share = (self.share + fast * BACK_A_SECOND + slow).min(1.0);
        if self.share >= 1.0 && !self.is_contended(now) {
            *self = Self { advanced_at: now, ..Self::new() };
        }
    }

    /// The terms now in force.
    pub(super) fn terms(&self, now: Timestamp) -> Terms {
        Terms { share: self.share, contended: self.is_contended(now) }
    }

    /// A 429 that is a new overrun.
    pub(super) fn limited(&mut self, now: Timestamp) {
        self.advance(now);
        self.level = if self.share < self.level { self.share * LEVEL_FALLS_TO } else { self.share };
        self.share = (self.share * SHARE_AFTER_429).max(SHARE_MIN);
        self.limited_at = Some(now);
        self.shared_at = Some(now);
    }

    /// The upstream's own word shows that somebody else uses the quota too.
    pub(super) fn shared(&mut self, now: Timestamp) {
        self.shared_at = Some(now);
    }

    /// A call goes that takes `part` of what the dominant budget allows in a minute.
    pub(super) fn went(&mut self, part: f64, now: Timestamp) {
        if self.is_contended(now) {
            let pause = Duration::from_secs(60).mul_f64(part.clamp(0.0, 1.0) / self.share / PACE);
            self.next_call = now.after(pause);
        }
    }

    /// When the next call may go, as far as pace is concerned.
    pub(super) fn next_call(&self) -> Timestamp {
        self.next_call
    }

    /// The clock was set.
    pub(super) fn shift(&mut self, by_ms: i64) {
        self.advanced_at = self.advanced_at.moved(by_ms);
        self.limited_at = self.limited_at.map(|at| at.moved(by_ms));
        self.shared_at = self.shared_at.map(|at| at.moved(by_ms));
        self.next_call = self.next_call.moved(by_ms);
    }

    fn is_contended(&self, now: Timestamp) -> bool {
        self.shared_at.is_some_and(|at| now.since(at) < CONTENDED_FOR)
    }
}

/// What comes back within the first `seconds` without a 429, near the remembered level: the
/// integral of a speed that grows with the square of time up to the full one.
fn climb(seconds: f64) -> f64 {
    let growing = seconds.min(QUIET_SECONDS);
    let steady = (seconds - QUIET_SECONDS).max(0.0);
    BACK_A_SECOND * (growing.powi(3) / (3.0 * QUIET_SECONDS * QUIET_SECONDS) + steady)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(throttle: &mut Throttle, seconds: i64) -> f64 {
        let now = Timestamp(throttle.advanced_at.0 + seconds * 1000);
        throttle.advance(now);
        throttle.terms(now).share
    }

    #[test]
    fn a_limit_comes_back_quickly_up_to_where_429s_began_and_slowly_from_there() {
        let mut throttle = Throttle::new();
        throttle.advance(Timestamp(1_000_000));
        throttle.limited(Timestamp(1_000_000));
        throttle.limited(Timestamp(1_000_000));
        let lowered = throttle.terms(Timestamp(1_000_000)).share;
        assert!((lowered - 0.81).abs() < 1e-9, "a tenth for each: {lowered}");
        let begins = throttle.level;
        assert!((begins - 0.855).abs() < 1e-9, "{begins}");
        assert!((after(&mut throttle, 2) - 0.83).abs() < 1e-9, "1 % a second");
        let near = after(&mut throttle, 30);
        assert!((begins * NEAR..begins).contains(&near), "{near}");
        assert!(after(&mut throttle, 20) < begins + 0.03);
        assert!((after(&mut throttle, 300) - 1.0).abs() < 1e-9, "who left is noticed");
        assert_eq!(after(&mut throttle, 600).to_bits(), 1.0_f64.to_bits());
        assert!(!throttle.is_contended(throttle.advanced_at));
    }

    #[test]
    fn many_small_steps_give_back_what_one_large_step_does() {
        let begin = Timestamp(1_000_000);
        let mut large = Throttle::new();
        large.limited(begin);
        let mut small = large.clone();
        (1..=150).for_each(|_| {
            after(&mut small, 1);
        });
        let (one, many) = (after(&mut large, 150), small.share);
        assert!((one - many).abs() < 1e-6, "{one} {many}");
    }

    #[test]
    fn calls_of_a_contended_lane_are_paced() {
        let mut throttle = Throttle::new();
        throttle.went(0.1, Timestamp(0));
        assert!(throttle.next_call() <= Timestamp(0), "nobody else is there");
        throttle.limited(Timestamp(0));
        throttle.went(0.1, Timestamp(0));
        let pause = throttle.next_call().since(Timestamp(0));
        assert!((Duration::from_secs(4)..Duration::from_secs(5)).contains(&pause), "{pause:?}");
    }
}
