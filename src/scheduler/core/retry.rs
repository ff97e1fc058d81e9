//! How long a job waits after a failed call: full jitter, never sooner than the upstream asks,
//! and later when a lane has had its share of retries.

use std::time::Duration;

use crate::domain::Timestamp;
use crate::domain::lane::RetryPolicy;

/// Retries kept in hand, what a first dispatch adds, and the time that adds one.
const RETRIES_MAX: f64 = 10.0;
const RETRIES_A_DISPATCH: f64 = 0.1;
const RETRY_EVERY_MS: f64 = 5000.0;
/// Retries that are owed at most: the wait for the next one is bounded.
const OWED_MAX: f64 = 720.0;

/// `max(retry_after, rand(0, min(cap, base * 2^(n-1))))` for the n-th failure; `random` is in
/// `0.0..1.0`. (Full jitter: Brooker, "Exponential Backoff and Jitter".)
pub(super) fn back_off(
    policy: &RetryPolicy,
    nth: u32,
    retry_after: Option<Duration>,
    random: f64,
) -> Duration {
    let doubled = policy.base.saturating_mul(1u32.checked_shl(nth.saturating_sub(1)).unwrap_or(u32::MAX));
    let jittered = doubled.min(policy.cap).mul_f64(random.clamp(0.0, 1.0));
    jittered.max(retry_after.unwrap_or_default())
}

/// A lane's allowance of retries: a tenth of its dispatches, beyond a small stock and one every
/// five seconds.
#[derive(Clone, Debug)]
pub(super) struct Allowance {
    retries: f64,
    at: Timestamp,
}

impl Allowance {
    pub(super) const fn new() -> Self {
        Self { retries: RETRIES_MAX, at: Timestamp(0) }
    }

    /// A job goes for the first time.
    pub(super) fn earn(&mut self) {
        self.retries = (self.retries + RETRIES_A_DISPATCH).min(RETRIES_MAX);
    }

    /// Takes one retry and returns the earliest time for it.
    pub(super) fn spend(&mut self, now: Timestamp) -> Timestamp {
        let elapsed = now.since(self.at).as_millis() as f64;
        self.retries = (self.retries + elapsed / RETRY_EVERY_MS).min(RETRIES_MAX);
        self.at = now;
        self.retries = (self.retries - 1.0).max(-OWED_MAX);
        let owed_ms = (-self.retries).max(0.0) * RETRY_EVERY_MS;
        now.after(Duration::from_millis(owed_ms.round() as u64))
    }

    /// The clock was set.
    pub(super) fn shift(&mut self, by_ms: i64) {
        self.at = self.at.moved(by_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_off_doubles_up_to_its_cap_and_heeds_the_upstream() {
        let policy =
            RetryPolicy { max_attempts: 6, base: Duration::from_secs(1), cap: Duration::from_secs(300) };
        assert_eq!(back_off(&policy, 1, None, 1.0), Duration::from_secs(1));
        assert_eq!(back_off(&policy, 4, None, 0.5), Duration::from_secs(4));
        assert_eq!(back_off(&policy, 60, None, 1.0), Duration::from_secs(300));
        assert_eq!(back_off(&policy, 1, Some(Duration::from_secs(30)), 1.0), Duration::from_secs(30));
    }

    #[test]
    fn retries_are_spread_once_the_stock_is_used_up() {
        let mut allowance = Allowance::new();
        let now = Timestamp(1_000_000);
        (0..10).for_each(|_| assert_eq!(allowance.spend(now), now));
        assert_eq!(allowance.spend(now), now.after(Duration::from_secs(5)));
        assert_eq!(allowance.spend(now), now.after(Duration::from_secs(10)));
        (0..20).for_each(|_| allowance.earn());
        assert_eq!(allowance.spend(now), now.after(Duration::from_secs(5)), "20 dispatches earn two");
        (0..2000).for_each(|_| assert!(allowance.spend(now) <= now.after(Duration::from_secs(3600))));
    }
}
