//! One upstream budget over a sliding minute.
//!
//! A charge is reserved at the claim and does not expire until it is resolved; resolved, it is
//! used until its expiry. Whatever the upstream's window (sliding, fixed, bucket), what lives
//! here at any instant is at least what counts there, so `used + reserved <= limit` here means
//! no more than the limit there.

use std::collections::BTreeMap;

use crate::domain::Timestamp;
use crate::domain::lane::{Gauge, LimitSeen};

use super::seen::Seen;
use super::throttle::Terms;

/// No one charge and no limit is larger: sums of as many as memory holds cannot overflow.
const AMOUNT_MAX: u64 = 1 << 40;
/// So many charges expire to the millisecond; with more of them alive, expiries are rounded up
/// to [`GRAIN_MS`], so that a minute of any rate stays within some 700 entries.
const EXACT_MAX: usize = 256;
const GRAIN_MS: i64 = 128;
/// What the upstream's word may be off by: a part of the limit, and the thousands to which it
/// rounds tokens.
const UNCLEAR_PART: u64 = 50;
const ROUNDED_ABOVE: u64 = 10_000;
const ROUNDING: u64 = 1000;

/// A budget; a configured limit of 0 is "not limited".
#[derive(Clone, Debug, Default)]
pub struct Budget {
    configured: u64,
    used: u64,
    reserved: u64,
    /// Amounts by expiry: charges of the same instant share an entry.
    expiries: BTreeMap<i64, u64>,
    seen: Option<Seen>,
}

impl Budget {
    /// A budget with this limit.
    pub fn new(configured: u64) -> Self {
        Self { configured: configured.min(AMOUNT_MAX), ..Self::default() }
    }

    /// Whether there is a limit at all.
    pub fn is_limited(&self) -> bool {
        self.configured > 0
    }

    /// Changes the configured limit; what is used stays used.
    pub fn set_limit(&mut self, configured: u64) {
        self.configured = configured.min(AMOUNT_MAX);
    }

    /// The configured limit, or the upstream's own when that is lower, as far as it is in force;
    /// at least 1.
    pub fn limit(&self, terms: Terms) -> u64 {
        let known = self.seen.map_or(self.configured, |seen| seen.limit().min(self.configured));
        // Shares are in 0.1..=1, limits below 2^41: the product is exact enough.
        ((known as f64 * terms.share).floor() as u64).max(1)
    }

    /// What one call is charged at most: an estimate above the limit could never be met, and
    /// such a call goes when the window is empty.
    pub fn clamp(&self, estimate: u64) -> u64 {
        if self.is_limited() { estimate.min(self.limit(Terms::WHOLE)) } else { estimate.min(AMOUNT_MAX) }
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
    pub fn available(&self, terms: Terms, now: Timestamp) -> u64 {
        if !self.is_limited() {
            return u64::MAX;
        }
        let own = self.limit(terms).saturating_sub(self.used + self.reserved);
        match self.seen {
            Some(seen) => own.min(seen.room(terms, now)),
            None => own,
        }
    }

    /// Whether `amount` fits now. An empty window takes any one call.
    pub fn fits(&self, amount: u64, terms: Terms, now: Timestamp) -> bool {
        !self.is_limited()
            || amount <= self.available(terms, now)
            || (self.used + self.reserved == 0 && self.seen.is_none_or(|seen| seen.takes(amount, terms, now)))
    }

    /// When `amount` may fit by expiry or refill alone; `None` when it waits for running calls.
    pub fn fits_at(&self, amount: u64, terms: Terms, now: Timestamp) -> Option<Timestamp> {
        if !self.is_limited() {
            return Some(now);
        }
        let refilled = self.seen.map_or(now, |seen| seen.takes_at(amount, terms, now));
        let mut free = self.limit(terms).saturating_sub(self.used + self.reserved);
        let mut at = now;
        for (expiry, charged) in &self.expiries {
            if free >= amount {
                break;
            }
            free += charged;
            // Expiry is exclusive: the charge still counts in its last millisecond.
            at = Timestamp(expiry.saturating_add(1));
        }
        let empty = self.reserved == 0;
        (free >= amount || empty).then(|| at.max(refilled))
    }

    /// Holds `amount` for a call that is about to be made.
    pub fn reserve(&mut self, amount: u64) {
        self.reserved += amount;
        self.count(amount, 0);
    }

    /// Lets go of a reservation; nothing was sent.
    pub fn release(&mut self, amount: u64) {
        self.reserved = self.reserved.saturating_sub(amount);
        self.count(0, amount);
    }

    /// Resolves a reservation: `actual` counts until `expires`.
    pub fn resolve(&mut self, reserved: u64, actual: u64, expires: Timestamp) {
        self.release(reserved);
        self.spend(actual, expires);
    }

    /// Counts `amount`, which reaches the upstream about now, until `expires`.
    pub fn spend(&mut self, amount: u64, expires: Timestamp) {
        self.count(amount, 0);
        self.charge(amount, expires);
    }

    /// Counts `amount` until `expires`, whether or not there is a limit: one may come with a reload.
    pub fn charge(&mut self, amount: u64, expires: Timestamp) {
        let amount = amount.min(AMOUNT_MAX);
        if amount == 0 {
            return;
        }
        let coarse = self.expiries.len() >= EXACT_MAX;
        let up = if coarse { GRAIN_MS - 1 - expires.0.wrapping_sub(1).rem_euclid(GRAIN_MS) } else { 0 };
        self.used += amount;
        *self.expiries.entry(expires.0.saturating_add(up)).or_default() += amount;
    }

    /// Notes what the upstream says. It can only lower our room. Returns whether it shows that
    /// somebody else uses the budget: more is gone there than can be ours.
    pub fn see(&mut self, word: LimitSeen, now: Timestamp) -> bool {
        self.seen = Some(Seen::new(word, self.reserved, now));
        let ours = self.used + self.reserved;
        let unclear = (word.limit / UNCLEAR_PART).max(if word.limit > ROUNDED_ABOVE { ROUNDING } else { 0 });
        self.is_limited() && word.limit.saturating_sub(word.remaining) > ours.saturating_add(unclear)
    }

    /// The clock was set: forward, or back when negative.
    pub fn shift(&mut self, by_ms: i64) {
        let moved = std::mem::take(&mut self.expiries).into_iter();
        self.expiries = moved.map(|(at, amount)| (Timestamp(at).moved(by_ms).0, amount)).collect();
        if let Some(seen) = &mut self.seen {
            seen.shift(by_ms);
        }
    }

    /// When the `nth` unit from now on (1-based) comes free, if it is to come by expiry.
    pub fn nth_expiry(&self, nth: u64) -> Option<Timestamp> {
        let mut freed = 0;
        self.expiries.iter().find_map(|(expiry, amount)| {
            freed += amount;
            (freed >= nth).then_some(Timestamp(expiry.saturating_add(1)))
        })
    }

    /// What is held for calls in flight.
    pub fn reserved(&self) -> u64 {
        self.reserved
    }

    /// The figures for the operator.
    pub fn gauge(&self, terms: Terms, now: Timestamp) -> Gauge {
        Gauge {
            limit: self.is_limited().then(|| self.limit(terms)),
            used: self.used,
            reserved: self.reserved,
            available: self.is_limited().then(|| self.available(terms, now)),
        }
    }

    fn count(&mut self, more: u64, less: u64) {
        if let Some(seen) = &mut self.seen {
            seen.count(more.min(AMOUNT_MAX), less);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOWERED: Terms = Terms { share: 0.1, contended: false };

    #[test]
    fn a_charge_counts_through_its_last_millisecond() {
        let mut budget = Budget::new(2);
        budget.reserve(1);
        budget.reserve(1);
        assert!(!budget.fits(1, Terms::WHOLE, Timestamp(0)));
        assert_eq!(budget.fits_at(1, Terms::WHOLE, Timestamp(0)), None, "unresolved charges do not expire");
        budget.resolve(1, 1, Timestamp(61_000));
        budget.advance(Timestamp(61_000));
        assert!(!budget.fits(1, Terms::WHOLE, Timestamp(61_000)));
        assert_eq!(budget.fits_at(1, Terms::WHOLE, Timestamp(61_000)), Some(Timestamp(61_001)));
        budget.advance(Timestamp(61_001));
        assert!(budget.fits(1, Terms::WHOLE, Timestamp(61_001)));
    }

    #[test]
    fn the_upstreams_word_only_lowers_room() {
        let mut budget = Budget::new(60);
        budget.see(LimitSeen { limit: 100, remaining: 90 }, Timestamp(0));
        assert_eq!(budget.available(Terms::WHOLE, Timestamp(0)), 60);
        budget.see(LimitSeen { limit: 60, remaining: 3 }, Timestamp(0));
        assert_eq!(budget.available(Terms::WHOLE, Timestamp(0)), 3);
        budget.reserve(3);
        assert_eq!(budget.available(Terms::WHOLE, Timestamp(0)), 0);
        assert_eq!(budget.available(Terms::WHOLE, Timestamp(2000)), 2, "one a second comes back");
        assert_eq!(budget.fits_at(1, Terms::WHOLE, Timestamp(0)), Some(Timestamp(1000)));
    }

    #[test]
    fn an_empty_window_takes_one_call_of_any_size() {
        let mut budget = Budget::new(100);
        assert_eq!(budget.clamp(5000), 100);
        assert!(budget.fits(100, LOWERED, Timestamp(0)), "also while the limit is lowered");
        budget.reserve(100);
        assert!(!budget.fits(1, Terms::WHOLE, Timestamp(0)));
    }

    #[test]
    fn a_minute_of_any_rate_stays_small_and_no_charge_expires_early() {
        let mut budget = Budget::new(1_000_000);
        for ms in 0..61_000 {
            budget.charge(1, Timestamp(61_000 + ms));
        }
        assert!(budget.expiries.len() < 1000, "{}", budget.expiries.len());
        for ms in (0..61_000).step_by(997) {
            budget.advance(Timestamp(61_000 + ms));
            assert!(budget.used as i64 >= 61_000 - ms, "at {ms}: {}", budget.used);
            assert!(budget.used as i64 <= 61_000 - ms + GRAIN_MS, "at {ms}: {}", budget.used);
        }
    }

    #[test]
    fn a_budget_without_limit_counts_what_is_used() {
        let mut budget = Budget::new(0);
        budget.charge(7, Timestamp(61_000));
        let gauge = budget.gauge(Terms::WHOLE, Timestamp(1000));
        assert_eq!(gauge, Gauge { limit: None, used: 7, reserved: 0, available: None });
        budget.set_limit(10);
        assert_eq!(budget.gauge(Terms::WHOLE, Timestamp(1000)).available, Some(3));
        budget.advance(Timestamp(61_001));
        assert_eq!(budget.gauge(Terms::WHOLE, Timestamp(61_001)).used, 0);
    }

    #[test]
    fn hostile_amounts_do_not_overflow() {
        for limit in [0, 1, u64::MAX] {
            let mut budget = Budget::new(limit);
            for amount in [0, 1, u64::MAX] {
                let held = budget.clamp(amount);
                budget.reserve(held);
                budget.see(LimitSeen { limit: amount, remaining: amount }, Timestamp(0));
                budget.resolve(held, amount, Timestamp(i64::MAX));
                budget.charge(amount, Timestamp(i64::MIN));
                budget.advance(Timestamp(1));
                for terms in [Terms::WHOLE, LOWERED] {
                    budget.available(terms, Timestamp(i64::MAX));
                    budget.fits(amount, terms, Timestamp(2));
                    budget.fits_at(amount, terms, Timestamp(2));
                    budget.gauge(terms, Timestamp(2));
                }
                budget.shift(i64::MIN);
                budget.shift(i64::MAX);
            }
            assert_eq!(budget.reserved(), 0);
        }
    }

    #[test]
    fn a_clock_that_is_set_back_neither_lengthens_nor_shortens_a_charge() {
        let mut budget = Budget::new(1);
        budget.charge(1, Timestamp(100_000));
        budget.shift(-90_000);
        budget.advance(Timestamp(10_000));
        assert!(!budget.fits(1, Terms::WHOLE, Timestamp(10_000)));
        assert_eq!(budget.fits_at(1, Terms::WHOLE, Timestamp(10_000)), Some(Timestamp(10_001)));
    }
}
