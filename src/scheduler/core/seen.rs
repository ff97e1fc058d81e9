//! The upstream's own word on what is left of one budget, carried forward between two answers.
//!
//! What is in flight when an answer comes may not be counted in it: it is taken off again until
//! it is resolved. Once somebody else was noticed on the same quota, a small part is left over
//! for what they take between two answers.

use std::time::Duration;

use crate::domain::Timestamp;
use crate::domain::lane::LimitSeen;

use super::throttle::Terms;

/// The upstream's minute.
const WINDOW_MS: u64 = 60_000;
/// A word this old says nothing any more.
const STALE: Duration = Duration::from_secs(120);
/// Of a contended budget this part is left over.
const SPARED: u64 = 40;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    limit: u64,
    remaining: u64,
    at: Timestamp,
    /// Charged since then, or in flight at that time.
    charged: u64,
}

impl Seen {
    /// The word that came at `now`, with `in_flight` held for calls under way.
    pub(super) fn new(word: LimitSeen, in_flight: u64, now: Timestamp) -> Self {
        let LimitSeen { limit, remaining } = word;
        Self { limit: limit.max(1), remaining, at: now, charged: in_flight }
    }

    /// The limit it named; at least 1.
    pub(super) const fn limit(&self) -> u64 {
        self.limit
    }

    /// What new calls may take by that word and continuous refill.
    pub(super) fn room(&self, terms: Terms, now: Timestamp) -> u64 {
        self.left(terms, now).saturating_sub(self.spared(terms))
    }

    /// Whether one call of `amount` may go; one above the limit may when all is left.
    pub(super) fn takes(&self, amount: u64, terms: Terms, now: Timestamp) -> bool {
        amount.min(self.limit - self.spared(terms)) <= self.room(terms, now)
    }

    /// When that is so, if nothing else happens.
    pub(super) fn takes_at(&self, amount: u64, terms: Terms, now: Timestamp) -> Timestamp {
        let spared = self.spared(terms);
        let wanted = amount.min(self.limit - spared) + spared;
        let missing = wanted.saturating_sub(self.left(terms, now));
        let ms = missing as f64 / self.refill_a_ms(terms);
        // A wait is at most the minute that fills the whole budget, over the least share.
        now.after(Duration::from_millis(ms.ceil() as u64).min(STALE))
    }

    /// Counts charges and what is let go of.
    pub(super) fn count(&mut self, more: u64, less: u64) {
        self.charged = self.charged.saturating_add(more).saturating_sub(less);
    }

    /// The clock was set.
    pub(super) fn shift(&mut self, by_ms: i64) {
        self.at = self.at.moved(by_ms);
    }

    fn left(&self, terms: Terms, now: Timestamp) -> u64 {
        let age = now.since(self.at);
        if age >= STALE {
            return self.limit;
        }
        let ms = age.as_millis() as f64;
        let refilled = (ms * self.refill_a_ms(terms)) as u64;
        let left = self.remaining.saturating_add(refilled).saturating_sub(self.charged);
        left.min(self.limit)
    }

    fn refill_a_ms(&self, terms: Terms) -> f64 {
        // What is not ours is what somebody else takes as it comes.
        self.limit as f64 * terms.share / WINDOW_MS as f64
    }

    /// What is left over of a contended budget.
    fn spared(&self, terms: Terms) -> u64 {
        if terms.contended { self.limit / SPARED } else { 0 }
    }
}
