//! Simulated upstreams: what they count of the calls that reach them, and what they refuse.

use std::collections::VecDeque;
use std::time::Duration;

use diagramd::domain::Timestamp;
use diagramd::domain::lane::LimitSeen;

const MINUTE_MS: i64 = 60_000;

/// How an upstream counts a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// Whatever came within the last 60 s.
    Sliding,
    /// Whatever came since the minute began.
    Fixed,
    /// A bucket that holds a minute's limit and refills continuously.
    Bucket,
}

impl Window {
    pub const ALL: [Self; 3] = [Self::Sliding, Self::Fixed, Self::Bucket];
}

/// What one minute holds, whoever used it. A limit of 0 is none.
pub struct Minute {
    window: Window,
    limit: u64,
    entries: VecDeque<(i64, u64)>,
    sum: u64,
    /// What is left of a bucket; below 0 when output overran it.
    level: f64,
    level_at: i64,
    pub total: u64,
}

impl Minute {
    pub fn new(window: Window, limit: u64) -> Self {
        Self { window, limit, entries: VecDeque::new(), sum: 0, level: limit as f64, level_at: 0, total: 0 }
    }

    /// Counts what has been used. Returns whether the limit holds.
    pub fn add(&mut self, amount: u64, now: Timestamp) -> bool {
        self.advance(now);
        self.total += amount;
        self.sum += amount;
        self.level -= amount as f64;
        if self.window != Window::Bucket {
            self.entries.push_back((now.0, amount));
        }
        self.limit == 0 || self.left() >= 0.0
    }

    /// Whether so much would be accepted; otherwise how long it has to wait.
    pub fn wait_for(&mut self, amount: u64, now: Timestamp) -> Option<Duration> {
        self.advance(now);
        let missing = amount as f64 - self.left();
        if self.limit == 0 || missing <= 0.0 {
            return None;
        }
        let ms = match self.window {
            Window::Sliding => {
                let mut freed = 0.0;
                let enough = self.entries.iter().find(|(_, amount)| {
                    freed += *amount as f64;
                    freed >= missing
                });
                enough.map_or(MINUTE_MS, |(at, _)| at + MINUTE_MS - now.0)
            }
            Window::Fixed => MINUTE_MS - now.0.rem_euclid(MINUTE_MS),
            Window::Bucket => (missing * MINUTE_MS as f64 / self.limit as f64).ceil() as i64,
        };
        // Whole seconds, as in the header.
        Some(Duration::from_secs(ms.max(1).unsigned_abs().div_ceil(1000)))
    }

    /// The upstream's own word.
    pub fn told(&mut self, now: Timestamp) -> Option<LimitSeen> {
        self.advance(now);
        (self.limit > 0).then(|| LimitSeen { limit: self.limit, remaining: self.left().max(0.0) as u64 })
    }

    fn left(&self) -> f64 {
        match self.window {
            Window::Bucket => self.level,
            Window::Sliding | Window::Fixed => self.limit as f64 - self.sum as f64,
        }
    }

    fn advance(&mut self, now: Timestamp) {
        let oldest = match self.window {
            Window::Sliding => now.0 - MINUTE_MS + 1,
            Window::Fixed => now.0 - now.0.rem_euclid(MINUTE_MS),
            Window::Bucket => i64::MIN,
        };
        while let Some((_, amount)) = self.entries.front().filter(|(at, _)| *at < oldest) {
            self.sum -= amount;
            self.entries.pop_front();
        }
        let elapsed = (now.0 - self.level_at).max(0) as f64;
        let refilled = self.level + elapsed * self.limit as f64 / MINUTE_MS as f64;
        self.level = refilled.min(self.limit as f64);
        self.level_at = now.0;
    }
}

/// Requests and tokens together that reach one upstream.
pub struct Meter {
    pub requests: Minute,
    pub tokens: Minute,
}

impl Meter {
    pub fn new(window: Window, requests_limit: u64, tokens_limit: u64) -> Self {
        Self { requests: Minute::new(window, requests_limit), tokens: Minute::new(window, tokens_limit) }
    }

    /// A request arrives, with its input. Returns how long to wait when it is refused; what is
    /// refused is not counted.
    pub fn arrive(&mut self, input: u64, now: Timestamp) -> Option<Duration> {
        let wait = self.requests.wait_for(1, now).max(self.tokens.wait_for(input, now));
        if wait.is_none() {
            self.requests.add(1, now);
            self.tokens.add(input, now);
        }
        wait
    }
}
