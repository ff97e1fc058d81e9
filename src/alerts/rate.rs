//! How many of the requests that ended lately failed.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::Timestamp;

/// How far back is looked.
pub const SPAN: Duration = Duration::from_secs(600);
/// The grain of the count.
const GRAIN_MS: i64 = 10_000;

/// Ends of the last ten minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// Requests that completed or failed.
    pub ended: u64,
    /// Of these, those that failed through no fault of their users.
    pub failed: u64,
    /// Whether all of the ten minutes were counted: not soon after a start.
    pub is_whole: bool,
}

/// Counts them; at most 62 entries.
#[derive(Clone, Debug)]
pub struct Recent {
    /// Since when ends are counted.
    since: Timestamp,
    /// When each grain began, and what ended in it.
    grains: VecDeque<(i64, Rate)>,
}

impl Recent {
    /// Counts from now on.
    pub fn new(now: Timestamp) -> Self {
        Self { since: now, grains: VecDeque::new() }
    }

    /// A request ended.
    pub fn note(&mut self, failed: bool, now: Timestamp) {
        self.forget(now);
        let begin = now.0.div_euclid(GRAIN_MS) * GRAIN_MS;
        if self.grains.back().is_none_or(|(last, _)| *last < begin) {
            self.grains.push_back((begin, Rate::default()));
        }
        if let Some((_, rate)) = self.grains.back_mut() {
            rate.ended += 1;
            rate.failed += u64::from(failed);
        }
    }

    /// What ended within [`SPAN`] of `now`.
    pub fn rate(&mut self, now: Timestamp) -> Rate {
        self.forget(now);
        let is_whole = now.since(self.since) >= SPAN;
        let none = Rate { ended: 0, failed: 0, is_whole };
        self.grains.iter().fold(none, |sum, (_, rate)| Rate {
            ended: sum.ended + rate.ended,
            failed: sum.failed + rate.failed,
            is_whole,
        })
    }

    fn forget(&mut self, now: Timestamp) {
        let span_ms = i64::try_from(SPAN.as_millis()).unwrap_or(i64::MAX);
        while self.grains.front().is_some_and(|(begin, _)| now.0 - begin >= span_ms + GRAIN_MS) {
            self.grains.pop_front();
        }
        // What a clock noted before it was set back is of no known time.
        while self.grains.back().is_some_and(|(begin, _)| *begin > now.0) {
            self.grains.pop_back();
        }
        self.since = self.since.min(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_minutes_count_and_memory_is_bounded() {
        let mut recent = Recent::new(Timestamp(0));
        assert!(!recent.rate(Timestamp(599_999)).is_whole && recent.rate(Timestamp(600_000)).is_whole);
        for second in 0..3600 {
            recent.note(second % 4 == 0, Timestamp(second * 1000));
            assert!(recent.grains.len() <= 62);
        }
        let rate = recent.rate(Timestamp(3_600_000));
        assert!((600..=610).contains(&rate.ended), "{rate:?}");
        assert_eq!(rate.failed, rate.ended.div_ceil(4), "{rate:?}");
        let none = Rate { ended: 0, failed: 0, is_whole: true };
        assert_eq!(recent.rate(Timestamp(4_300_000)), none);
    }

    #[test]
    fn a_clock_that_was_set_back_counts_anew() {
        let mut recent = Recent::new(Timestamp(0));
        recent.note(true, Timestamp(3_600_000));
        recent.note(false, Timestamp(1_000));
        recent.note(true, Timestamp(500_000));
        let rate = recent.rate(Timestamp(700_000));
        assert_eq!((rate.ended, rate.failed), (1, 1), "what was noted an hour ahead counts for nothing");
    }
}
