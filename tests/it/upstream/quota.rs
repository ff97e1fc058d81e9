//! Exact quotas, as an upstream enforces them: whole-number arithmetic, no rounding in anyone's
//! favour.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How "a minute" is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// Never more than the limit in any minute.
    Sliding,
    /// Never more than the limit from one fixed minute mark to the next.
    Fixed,
    /// A bucket of the limit's size that refills continuously.
    Bucket,
}

/// The four budgets of an upstream.
#[derive(Debug, Default)]
pub(super) struct Quota {
    pub(super) requests: Meter,
    pub(super) input: Meter,
    pub(super) output: Meter,
    pub(super) tokens: Meter,
}

impl Quota {
    pub(super) fn set_window(&mut self, window: Window) {
        self.each(|meter| meter.window = window);
    }

    pub(super) fn set_length(&mut self, length: Duration) {
        self.each(|meter| meter.length = length);
    }

    /// How long a call with this input must wait; `None`: it fits now. Output is charged as it
    /// is produced, so it only has to be above zero now.
    pub(super) fn wait(&mut self, now: Instant, input: u64) -> Option<Duration> {
        [
            self.requests.wait(now, 1),
            self.input.wait(now, input),
            self.output.wait(now, 1),
            self.tokens.wait(now, input + 1),
        ]
        .into_iter()
        .flatten()
        .max()
    }

    /// Charges, whether it fits or not.
    pub(super) fn charge(&mut self, now: Instant, requests: u64, input: u64, output: u64) {
        self.requests.charge(now, requests);
        self.input.charge(now, input);
        self.output.charge(now, output);
        self.tokens.charge(now, input + output);
    }

    fn each(&mut self, change: impl Fn(&mut Meter)) {
        for meter in [&mut self.requests, &mut self.input, &mut self.output, &mut self.tokens] {
            change(meter);
        }
    }
}

/// One budget. Without a limit it lets everything pass.
#[derive(Debug)]
pub(super) struct Meter {
    pub(super) limit: Option<u64>,
    window: Window,
    length: Duration,
    start: Instant,
    /// Sliding and fixed: what was charged and still counts.
    charges: VecDeque<(Instant, u64)>,
    used: u64,
    /// Bucket: what is missing from a full bucket, in units times nanoseconds of the minute.
    missing: u128,
    seen: Instant,
}

impl Default for Meter {
    fn default() -> Self {
        let start = Instant::now();
        Self {
            limit: None,
            window: Window::Sliding,
            length: Duration::from_secs(60),
            start,
            charges: VecDeque::new(),
            used: 0,
            missing: 0,
            seen: start,
        }
    }
}

impl Meter {
    pub(super) fn set_limit(&mut self, limit: u64) {
        self.limit = Some(limit);
    }

    /// What may still be taken.
    pub(super) fn remaining(&mut self, now: Instant) -> u64 {
        let Some(limit) = self.limit else { return u64::MAX };
        self.forget(now);
        match self.window {
            Window::Bucket => {
                let taken = self.missing.div_ceil(self.length.as_nanos());
                limit.saturating_sub(u64::try_from(taken).unwrap_or(u64::MAX))
            }
            Window::Sliding | Window::Fixed => limit.saturating_sub(self.used),
        }
    }

    /// How long until everything is back.
    pub(super) fn full_after(&mut self, now: Instant) -> Duration {
        match self.limit {
            None => Duration::ZERO,
            Some(limit) => self.wait(now, limit).unwrap_or_default(),
        }
    }

    fn wait(&mut self, now: Instant, amount: u64) -> Option<Duration> {
        let limit = self.limit?;
        // More than the whole budget never fits; it is let in by an untouched one, as upstreams do.
        let amount = amount.min(limit);
        if self.remaining(now) >= amount {
            return None;
        }
        let over = (self.used + amount).saturating_sub(limit);
        Some(match self.window {
            Window::Sliding => {
                let mut freed = 0;
                let last = self.charges.iter().find(|(_, charge)| {
                    freed += charge;
                    freed >= over
                });
                last.map_or(self.length, |(at, _)| (*at + self.length).saturating_duration_since(now))
            }
            Window::Fixed => (self.mark(now) + self.length).saturating_duration_since(now),
            Window::Bucket => {
                let room = u128::from(limit - amount) * self.length.as_nanos();
                let nanos = self.missing.saturating_sub(room).div_ceil(u128::from(limit.max(1)));
                Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
            }
        })
    }

    fn charge(&mut self, now: Instant, amount: u64) {
        if self.limit.is_none() || amount == 0 {
            return;
        }
        self.forget(now);
        if self.window == Window::Bucket {
            self.missing += u128::from(amount) * self.length.as_nanos();
        } else {
            self.used += amount;
            self.charges.push_back((now, amount));
        }
    }

    /// Lets go of what no longer counts at `now`.
    fn forget(&mut self, now: Instant) {
        if self.window == Window::Bucket {
            let passed = now.saturating_duration_since(self.seen).as_nanos();
            let limit = u128::from(self.limit.unwrap_or(0));
            self.missing = self.missing.saturating_sub(passed * limit);
            self.seen = self.seen.max(now);
            return;
        }
        let mark = self.mark(now);
        while let Some((at, amount)) = self.charges.front().copied() {
            let gone = match self.window {
                Window::Fixed => at < mark,
                _ => now.saturating_duration_since(at) >= self.length,
            };
            if !gone {
                break;
            }
            self.used -= amount;
            self.charges.pop_front();
        }
    }

    /// The last fixed minute mark.
    fn mark(&self, now: Instant) -> Instant {
        let passed = now.saturating_duration_since(self.start).as_nanos();
        let into = passed % self.length.as_nanos().max(1);
        now - Duration::from_nanos(u64::try_from(into).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(window: Window, limit: u64) -> Meter {
        Meter { limit: Some(limit), window, ..Meter::default() }
    }

    const fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn a_sliding_minute_frees_each_charge_after_its_own_minute() {
        let mut meter = meter(Window::Sliding, 10);
        let t0 = meter.start;
        let t30 = t0 + seconds(30);
        meter.charge(t0, 6);
        meter.charge(t30, 4);
        assert_eq!(meter.remaining(t30), 0);
        assert_eq!(meter.wait(t30, 7), Some(seconds(60)));
        assert_eq!(meter.wait(t30, 6), Some(seconds(30)));
        assert_eq!(meter.remaining(t0 + seconds(60)), 6);
    }

    #[test]
    fn a_fixed_minute_frees_everything_at_its_mark() {
        let mut meter = meter(Window::Fixed, 10);
        let t59 = meter.start + seconds(59);
        meter.charge(t59, 10);
        assert_eq!(meter.wait(t59, 1), Some(seconds(1)));
        assert_eq!(meter.remaining(t59 + seconds(1)), 10);
    }

    #[test]
    fn a_bucket_refills_continuously_and_may_owe() {
        let mut meter = meter(Window::Bucket, 60);
        let t0 = meter.start;
        meter.charge(t0, 70);
        assert_eq!(meter.remaining(t0), 0);
        assert_eq!(meter.wait(t0, 1), Some(seconds(11)));
        assert_eq!(meter.remaining(t0 + seconds(10)), 0);
        assert_eq!(meter.remaining(t0 + seconds(15)), 5);
    }
}
