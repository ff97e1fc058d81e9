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
}

/// Counts them; at most 61 entries.
#[derive(Clone, Debug, Default)]
pub struct Recent {
    /// When each grain began, and what ended in it.
    grains: VecDeque<(i64, Rate)>,
}

impl Recent {
    /// A request ended.
    pub fn note(&mut self, failed: bool, now: Timestamp) {
        self.forget(now);
        let begin = now.0.div_euclid(GRAIN_MS) * GRAIN_MS;
        // A clock that was set back a little counts on in the latest grain.
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
        self.grains.iter().fold(Rate::default(), |sum, (_, rate)| Rate {
            ended: sum.ended + rate.ended,
            failed: sum.failed + rate.failed,
        })
    }

    fn forget(&mut self, now: Timestamp) {
        let span_ms = i64::try_from(SPAN.as_millis()).unwrap_or(i64::MAX);
        while self.grains.front().is_some_and(|(begin, _)| now.0 - begin >= span_ms + GRAIN_MS) {
            self.grains.pop_front();
        }
        // After a clock was set back they would count until it is there again.
        while self.grains.back().is_some_and(|(begin, _)| *begin > now.0 + GRAIN_MS) {
            self.grains.pop_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_clock_was_set_back_an_hour_ten_minutes_count_all_the_same() {
        let mut recent = Recent::default();
        (0..50).for_each(|second| recent.note(true, Timestamp(7_200_000 + second * 1000)));
        for second in 0..1800 {
            recent.note(false, Timestamp(3_600_000 + second * 1000));
        }
        let rate = recent.rate(Timestamp(5_400_000));
        assert!(rate.failed == 0 && (600..=610).contains(&rate.ended), "{rate:?}");
    }

    #[test]
    fn ten_minutes_count_and_memory_is_bounded() {
        let mut recent = Recent::default();
        for second in 0..3600 {
            recent.note(second % 4 == 0, Timestamp(second * 1000));
            assert!(recent.grains.len() <= 62);
        }
        let rate = recent.rate(Timestamp(3_600_000));
        assert!((600..=610).contains(&rate.ended), "{rate:?}");
        assert_eq!(rate.failed, rate.ended.div_ceil(4), "{rate:?}");
        assert_eq!(recent.rate(Timestamp(4_300_000)), Rate::default());
        recent.note(true, Timestamp(0));
        assert_eq!(recent.rate(Timestamp(0)), Rate { ended: 1, failed: 1 }, "the clock was set back");
    }
}
