//! How long a job waits after a failed call: full jitter, never sooner than the upstream asks.

use std::time::Duration;

use crate::domain::lane::RetryPolicy;

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
}
