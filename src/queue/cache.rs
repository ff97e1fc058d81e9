//! Keeping the cache within its age and size. What it answers is decided as a request is accepted,
//! what it keeps as one ends: both inside the store's own transactions.

use std::time::Duration;

use crate::domain::Timestamp;
use crate::store::{Priority, StoreError};

use super::Queue;

/// Answers forgotten in one transaction: a submit never waits long behind one.
const TRIM_AT_ONCE: u32 = 200;

/// The cache's rules; absent when it is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheRules {
    /// How long an answer may serve.
    pub ttl: Duration,
    /// Bytes of all answers together.
    pub bytes_max: u64,
    /// Whether it may serve other users than the one it was made for.
    pub shared: bool,
}

impl CacheRules {
    /// Answers kept at or before this instant are too old at `now`.
    pub(super) fn kept_since(&self, now: Timestamp) -> Timestamp {
        Timestamp(now.0.saturating_sub(i64::try_from(self.ttl.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Queue {
    /// Forgets answers that are too old or too many by the rules in force, in small steps; all of
    /// them when the cache is off. Returns how many went.
    ///
    /// # Errors
    /// What the store reports; what was forgotten before stays forgotten.
    pub async fn trim_cache(&self) -> Result<u64, StoreError> {
        let mut forgotten = 0;
        loop {
            let now = self.now();
            let (before, bytes_max) = match self.rules().cache {
                Some(cache) => (cache.kept_since(now), cache.bytes_max),
                None => (Timestamp(i64::MAX), 0),
            };
            let some = self
                .inner
                .writer
                .write(Priority::Control, 0, move |commands| {
                    commands.trim_cache(before, bytes_max, TRIM_AT_ONCE)
                })
                .await?;
            forgotten += u64::from(some);
            if some < TRIM_AT_ONCE || self.is_draining() {
                return Ok(forgotten);
            }
            tokio::task::yield_now().await;
        }
    }
}
