//! One upstream budget over a sliding minute.
//!
//! A charge is reserved at the claim and does not expire until it is resolved; resolved, it is
//! used until its expiry. Whatever the upstream's window (sliding, fixed, bucket), what lives
//! here at any instant is at least what counts there, so `used + reserved <= limit` here means
//! no more than the limit there.

use std::collections::BTreeMap;

use crate::domain::Timestamp;
use crate::domain::lane::{Gauge, LimitSeen};

/// The upstream's minute.
const WINDOW_MS: u64 = 60_000;

/// A budget; a configured limit of 0 is "not limited".
#[derive(Clone, Debug, Default)]
pub struct Budget {
    configured: u64,
    used: u64,
    reserved: u64,
    /// Amounts by expiry: charges of the same millisecond share an entry.
    expiries: BTreeMap<i64, u64>,
    seen: Option<Seen>,
}

/// The upstream's own word on what is left.
#[derive(Clone, Copy, Debug)]
struct Seen {
    limit: u64,
    remaining: u64,
    at: Timestamp,
    /// Charged here since then.
    charged_since: u64,
}

impl Budget {
    /// A budget with this limit.
    pub fn new(configured: u64) -> Self {
        Self { configured, ..Self::default() }
    }

    /// Whether there is a limit at all.
    pub fn is_limited(&self) -> bool {
        self.configured > 0
    }

    /// Changes the configured limit; what is used stays used.
    pub fn set_limit(&mut self, configured: u64) {
        self.configured = configured;
    }

    /// The configured limit, or the upstream's own when that is lower, times `share`; at least 1.
    pub fn limit(&self, share: f64) -> u64 {
        let known = self.seen.map_or(self.configured, |seen| seen.limit.min(self.configured));
        // Shares are in 0.1..=1, limits far below 2^52: the product is exact enough.
        ((known as f64 * share).floor() as u64).max(1)
    }

    /// What one call is charged at most: an estimate above the limit could never be met, and
    /// such a call goes when the window is empty.
    pub fn clamp(&self, estimate: u64) -> u64 {
        if self.is_limited() { estimate.min(self.limit(1.0)) } else { estimate }
    }

    /// Forgets charges whose life has ended.
    pub fn advance(&mut self, now: Timestamp) {
        while let Some(entry) = self.expiries.first_entry() {
            if *entry.key() >= now.0 {
                break;
            }
            self.used = self.used.saturating_sub(entry.remove());
        }
    }

    /// What a new call may take now. Call [`Budget::advance`] first.
    pub fn available(&self, share: f64, now: Timestamp) -> u64 {
        if !self.is_limited() {
            return u64::MAX;
        }
        let own = self.limit(share).saturating_sub(self.used + self.reserved);
        match self.seen {
            Some(seen) => own.min(seen.room(now)),
            None => own,
        }
    }

    /// Whether `amount` fits now. An empty window takes any one call.
    pub fn fits(&self, amount: u64, share: f64, now: Timestamp) -> bool {
        !self.is_limited()
            || amount <= self.available(share, now)
            || (self.used + self.reserved == 0 && self.seen.is_none_or(|seen| amount <= seen.room(now)))
    }

    /// When `amount` may fit by expiry or refill alone; `None` when it waits for running calls.
    pub fn fits_at(&self, amount: u64, share: f64, now: Timestamp) -> Option<Timestamp> {
        let refilled = self.seen.map_or(now, |seen| seen.room_at(amount, now));
        let mut free = self.limit(share).saturating_sub(self.used + self.reserved);
        let mut at = now;
        for (expiry, charged) in &self.expiries {
            if free >= amount {
                break;
            }
            free += charged;
            // Expiry is exclusive: the charge still counts in its last millisecond.
            at = Timestamp(expiry + 1);
        }
        let empty = self.reserved == 0;
        (free >= amount || empty).then(|| at.max(refilled))
    }

    /// Holds `amount` for a call that is about to be made.
    pub fn reserve(&mut self, amount: u64) {
        self.reserved += amount;
        if let Some(seen) = &mut self.seen {
            seen.charged_since += amount;
        }
    }

    /// Lets go of a reservation; nothing was sent.
    pub fn release(&mut self, amount: u64) {
        self.reserved = self.reserved.saturating_sub(amount);
        if let Some(seen) = &mut self.seen {
            seen.charged_since = seen.charged_since.saturating_sub(amount);
        }
    }

    /// Resolves a reservation: `actual` counts until `expires`.
    pub fn resolve(&mut self, reserved: u64, actual: u64, expires: Timestamp) {
        self.reserved = self.reserved.saturating_sub(reserved);
        if let Some(seen) = &mut self.seen {
            seen.charged_since = (seen.charged_since + actual).saturating_sub(reserved);
        }
        self.charge(actual, expires);
    }

    /// Counts `amount` until `expires`.
    pub fn charge(&mut self, amount: u64, expires: Timestamp) {
        if amount > 0 && self.is_limited() {
            self.used += amount;
            *self.expiries.entry(expires.0).or_default() += amount;
        }
    }

    /// Notes what the upstream says. It can only lower our room.
    pub fn see(&mut self, seen: LimitSeen, now: Timestamp) {
        let LimitSeen { limit, remaining } = seen;
        self.seen = Some(Seen { limit: limit.max(1), remaining, at: now, charged_since: 0 });
    }

    /// When the `nth` unit from now on (1-based) comes free, if it is to come by expiry.
    pub fn nth_expiry(&self, nth: u64) -> Option<Timestamp> {
        let mut freed = 0;
        self.expiries.iter().find_map(|(expiry, amount)| {
            freed += amount;
            (freed >= nth).then_some(Timestamp(expiry + 1))
        })
    }

    /// What is held for calls in flight.
    pub fn reserved(&self) -> u64 {
        self.reserved
    }

    /// The figures for the operator.
    pub fn gauge(&self, share: f64, now: Timestamp) -> Gauge {
        if !self.is_limited() {
            return Gauge { limit: 0, used: self.used, reserved: self.reserved, available: 0 };
        }
        Gauge {
            limit: self.limit(share),
            used: self.used,
            reserved: self.reserved,
            available: self.available(share, now),
        }
    }
}

impl Seen {
    /// What the upstream has left by its own word and continuous refill.
    fn room(&self, now: Timestamp) -> u64 {
        let elapsed = u64::try_from(now.since(self.at).as_millis()).unwrap_or(u64::MAX);
        let refilled = self.limit.saturating_mul(elapsed) / WINDOW_MS;
        self.remaining.saturating_add(refilled).saturating_sub(self.charged_since)
    }

    fn room_at(&self, amount: u64, now: Timestamp) -> Timestamp {
        let missing = amount.saturating_sub(self.room(now));
        let ms = missing.saturating_mul(WINDOW_MS).div_ceil(self.limit);
        now.after(std::time::Duration::from_millis(ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charge_counts_through_its_last_millisecond() {
        let mut budget = Budget::new(2);
        budget.reserve(1);
        budget.reserve(1);
        assert!(!budget.fits(1, 1.0, Timestamp(0)));
        assert_eq!(budget.fits_at(1, 1.0, Timestamp(0)), None, "unresolved charges do not expire");
        budget.resolve(1, 1, Timestamp(61_000));
        budget.advance(Timestamp(61_000));
        assert!(!budget.fits(1, 1.0, Timestamp(61_000)));
        assert_eq!(budget.fits_at(1, 1.0, Timestamp(61_000)), Some(Timestamp(61_001)));
        budget.advance(Timestamp(61_001));
        assert!(budget.fits(1, 1.0, Timestamp(61_001)));
    }

    #[test]
    fn the_upstreams_word_only_lowers_room() {
        let mut budget = Budget::new(60);
        budget.see(LimitSeen { limit: 100, remaining: 90 }, Timestamp(0));
        assert_eq!(budget.available(1.0, Timestamp(0)), 60);
        budget.see(LimitSeen { limit: 60, remaining: 3 }, Timestamp(0));
        assert_eq!(budget.available(1.0, Timestamp(0)), 3);
        budget.reserve(3);
        assert_eq!(budget.available(1.0, Timestamp(0)), 0);
        assert_eq!(budget.available(1.0, Timestamp(2000)), 2, "one a second comes back");
        assert_eq!(budget.fits_at(1, 1.0, Timestamp(0)), Some(Timestamp(1000)));
    }

    #[test]
    fn an_empty_window_takes_one_call_of_any_size() {
        let mut budget = Budget::new(100);
        assert_eq!(budget.clamp(5000), 100);
        assert!(budget.fits(100, 0.1, Timestamp(0)), "also while the limit is lowered");
        budget.reserve(100);
        assert!(!budget.fits(1, 1.0, Timestamp(0)));
    }
}
