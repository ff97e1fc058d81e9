//! How many calls a minute, by caller and by address. In memory: these limits protect the server
//! from floods, the limits that users pay for are on disk.
//!
//! Each is a bucket that holds a minute's calls and fills steadily (GCRA): it is kept as one
//! number, the instant at which it would be full again.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use parking_lot::Mutex;

use crate::config;
use crate::domain::{Timestamp, UserId};

use super::api::ClientAddress;

const MINUTE_NS: i128 = 60_000_000_000;
/// Buckets of each kind.
const BUCKETS_MAX: usize = 100_000;
/// What one wrong credential costs in calls.
const WRONG_CREDENTIAL_COST: u32 = 10;
/// How long the answer to a wrong credential is held back when the bucket is nearly empty.
const WRONG_CREDENTIAL_DELAY_MAX: Duration = Duration::from_secs(1);

/// A call too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyCalls {
    /// Calls allowed a minute.
    pub limit: u32,
    /// From then on there is room for one call.
    pub free_at: Timestamp,
    /// Whole seconds until then.
    pub retry_after_seconds: u64,
}

/// The buckets of all callers and addresses.
pub struct CallLimits {
    callers: Buckets<UserId>,
    addresses: Buckets<IpAddr>,
}

impl CallLimits {
    /// Full buckets, as large as the configuration says.
    pub fn new(server: &config::Server) -> Self {
        Self {
            callers: Buckets::new(server.api_requests_per_minute),
            addresses: Buckets::new(server.anonymous_requests_per_minute),
        }
    }

    /// Other sizes from now on; calls already made still count.
    pub fn reload(&self, server: &config::Server) {
        self.callers.resize(server.api_requests_per_minute);
        self.addresses.resize(server.anonymous_requests_per_minute);
    }

    /// Takes one call of a caller.
    ///
    /// # Errors
    /// [`TooManyCalls`]; then nothing was taken.
    pub fn known(&self, user: UserId, now: Timestamp) -> Result<(), TooManyCalls> {
        self.callers.take(user, now)
    }

    /// Takes one call without credentials.
    ///
    /// # Errors
    /// [`TooManyCalls`]; then nothing was taken.
    pub fn anonymous(&self, address: ClientAddress, now: Timestamp) -> Result<(), TooManyCalls> {
        self.addresses.take(address.limited_as(), now)
    }

    /// Takes ten calls, or what is left, for a wrong credential. Returns how long the answer
    /// should be held back: the longer, the emptier the bucket.
    ///
    /// # Errors
    /// [`TooManyCalls`] when not even one call is left; then nothing was taken.
    pub fn wrong_credential(&self, address: ClientAddress, now: Timestamp) -> Result<Duration, TooManyCalls> {
        let address = address.limited_as();
        self.addresses.take(address, now)?;
        let used = self.addresses.drain(address, WRONG_CREDENTIAL_COST - 1, now);
        Ok(WRONG_CREDENTIAL_DELAY_MAX.mul_f64(used))
    }
}

/// Buckets of one size.
struct Buckets<K>(Mutex<Filled<K>>);

struct Filled<K> {
    /// Calls a minute; `None`: not limited.
    limit: Option<NonZeroU32>,
    /// When each is full again, in nanoseconds since the epoch. An absent one is full.
    full_at: HashMap<K, i128>,
    /// The last instant heard of.
    now_ns: i128,
}

impl<K: Eq + Hash + Copy> Buckets<K> {
    fn new(limit: Option<NonZeroU32>) -> Self {
        Self(Mutex::new(Filled { limit, full_at: HashMap::new(), now_ns: 0 }))
    }

    /// Another size; the calls taken stay taken, as many of them as the new size holds.
    fn resize(&self, limit: Option<NonZeroU32>) {
        let mut all = self.0.lock();
        let old = std::mem::replace(&mut all.limit, limit);
        if old == limit {
            return;
        }
        let (Some(old), Some(new)) = (old, limit) else {
            all.full_at.clear();
            return;
        };
        let (old_call_ns, new_call_ns, now_ns) = (call_ns(old), call_ns(new), all.now_ns);
        for full_at in all.full_at.values_mut() {
            let taken_ns = (*full_at - now_ns).max(0);
            *full_at = now_ns + (taken_ns * new_call_ns / old_call_ns).min(MINUTE_NS);
        }
    }

    fn take(&self, key: K, now: Timestamp) -> Result<(), TooManyCalls> {
        let now_ns = nanoseconds(now);
        let mut all = self.0.lock();
        let Some(limit) = all.limit else { return Ok(()) };
        all.now_ns = now_ns;
        let full_at = level(&all.full_at, key, now_ns) + call_ns(limit);
        let wait_ns = full_at - now_ns - MINUTE_NS;
        if wait_ns > 0 {
            let wait_ms = u64::try_from(wait_ns.unsigned_abs().div_ceil(1_000_000)).unwrap_or(u64::MAX);
            let free_at = now.after(Duration::from_millis(wait_ms));
            let retry_after_seconds = now.seconds_until(free_at);
            return Err(TooManyCalls { limit: limit.get(), free_at, retry_after_seconds });
        }
        set(&mut all.full_at, key, full_at, now_ns);
        Ok(())
    }

    /// Takes `calls`, or what is left. Returns which share of the bucket is now used.
    fn drain(&self, key: K, calls: u32, now: Timestamp) -> f64 {
        let now_ns = nanoseconds(now);
        let mut all = self.0.lock();
        let Some(limit) = all.limit else { return 0.0 };
        all.now_ns = now_ns;
        let full_at = level(&all.full_at, key, now_ns) + call_ns(limit) * i128::from(calls);
        let full_at = full_at.min(now_ns + MINUTE_NS);
        set(&mut all.full_at, key, full_at, now_ns);
        #[expect(clippy::cast_precision_loss, reason = "a share, for a delay")]
        let used = (full_at - now_ns) as f64 / MINUTE_NS as f64;
        used.clamp(0.0, 1.0)
    }
}

/// How long a bucket takes to win one call back.
fn call_ns(limit: NonZeroU32) -> i128 {
    MINUTE_NS / i128::from(limit.get())
}

/// When a bucket is full again; never more than a minute ahead, also after the clock was set back.
fn level<K: Eq + Hash>(all: &HashMap<K, i128>, key: K, now_ns: i128) -> i128 {
    all.get(&key).map_or(now_ns, |full_at| (*full_at).clamp(now_ns, now_ns + MINUTE_NS))
}

fn set<K: Eq + Hash + Copy>(all: &mut HashMap<K, i128>, key: K, full_at: i128, now_ns: i128) {
    if all.len() >= BUCKETS_MAX && !all.contains_key(&key) {
        make_room(all, now_ns);
    }
    all.insert(key, full_at);
}

/// Drops full buckets; when there are none, an arbitrary sixteenth, so that a flood of addresses
/// does not pay for a search on every call.
fn make_room<K: Eq + Hash + Copy>(all: &mut HashMap<K, i128>, now_ns: i128) {
    all.retain(|_, full_at| *full_at > now_ns);
    if all.len() >= BUCKETS_MAX {
        let some: Vec<K> = all.keys().take(BUCKETS_MAX / 16).copied().collect();
        for key in &some {
            all.remove(key);
        }
    }
}

fn nanoseconds(at: Timestamp) -> i128 {
    i128::from(at.0) * 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp(1_700_000_000_000);

    fn buckets(limit: u32) -> Buckets<u32> {
        Buckets::new(NonZeroU32::new(limit))
    }

    #[test]
    fn a_minutes_calls_pass_and_the_next_waits_exactly_as_long_as_it_is_told() {
        let buckets = buckets(7);
        for _ in 0..7 {
            assert_eq!(buckets.take(1, START), Ok(()));
        }
        let refused = buckets.take(1, START).unwrap_err();
        assert_eq!((refused.limit, refused.retry_after_seconds), (7, 9));
        assert_eq!(buckets.take(2, START), Ok(()), "another caller has a bucket of its own");
        assert!(buckets.take(1, Timestamp(refused.free_at.0 - 2)).is_err(), "not before");
        assert_eq!(buckets.take(1, refused.free_at), Ok(()));
        assert!(buckets.take(1, refused.free_at).is_err(), "one call, not more");
        assert_eq!(buckets.take(1, START.after(Duration::from_secs(300))), Ok(()));
    }

    #[test]
    fn a_clock_set_back_locks_nobody_out() {
        let buckets = buckets(1);
        assert_eq!(buckets.take(1, START), Ok(()));
        let hours_before = Timestamp(START.0 - 10 * 3_600_000);
        assert!(buckets.take(1, hours_before).unwrap_err().retry_after_seconds <= 60);
    }

    #[test]
    fn wrong_credentials_cost_ten_calls_and_wait_longer_and_longer() {
        let address = ClientAddress("192.0.2.1".parse().unwrap());
        let limits = CallLimits { callers: Buckets::new(None), addresses: Buckets::new(NonZeroU32::new(25)) };
        let first = limits.wrong_credential(address, START).unwrap();
        let second = limits.wrong_credential(address, START).unwrap();
        assert!(first < second && second < WRONG_CREDENTIAL_DELAY_MAX, "{first:?} {second:?}");
        assert!(limits.wrong_credential(address, START).is_ok(), "takes what is left");
        let refused = limits.wrong_credential(address, START).unwrap_err();
        assert_eq!(refused.retry_after_seconds, 3, "one of 25 calls a minute is back after 2.4 s");
        assert!(limits.anonymous(address, START).is_err());
        assert!(limits.wrong_credential(address, START.after(Duration::from_secs(3))).is_ok());
        assert!(limits.known(UserId(1), START).is_ok());
    }

    #[test]
    fn a_bucket_of_another_size_keeps_the_calls_that_were_made() {
        let buckets = buckets(4);
        for _ in 0..4 {
            assert_eq!(buckets.take(1, START), Ok(()));
        }
        buckets.resize(NonZeroU32::new(10));
        for _ in 0..6 {
            assert_eq!(buckets.take(1, START), Ok(()), "10 less the 4 that were made");
        }
        assert_eq!(buckets.take(1, START).unwrap_err().limit, 10);
        buckets.resize(NonZeroU32::new(2));
        assert_eq!(buckets.take(1, START).unwrap_err().retry_after_seconds, 30, "no debt beyond a minute");
        buckets.resize(None);
        assert_eq!(buckets.take(1, START), Ok(()));
        buckets.resize(NonZeroU32::new(1));
        assert_eq!(buckets.take(1, START), Ok(()), "nothing was counted while there was no limit");
    }

    #[test]
    fn memory_is_bounded_and_idle_buckets_go_first() {
        let buckets = buckets(1);
        for key in 0..150_000 {
            assert!(buckets.take(key, START).is_ok());
        }
        assert!(buckets.0.lock().full_at.len() <= BUCKETS_MAX);
        let later = START.after(Duration::from_secs(61));
        for key in 200_000..300_000 {
            assert!(buckets.take(key, later).is_ok());
        }
        assert!(buckets.0.lock().full_at.len() <= BUCKETS_MAX);
    }
}
