//! A simulated upstream: counts what reaches it in a sliding minute, and fails as scripted.

use std::collections::VecDeque;

use diagramd::domain::Timestamp;

const MINUTE_MS: i64 = 60_000;

/// Requests and tokens that reached one upstream within the last minute.
pub struct Meter {
    requests_limit: u64,
    tokens_limit: u64,
    requests: VecDeque<i64>,
    tokens: VecDeque<(i64, u64)>,
    /// The most that any minute held.
    pub requests_most: u64,
    pub tokens_most: u64,
    pub requests_total: u64,
    pub tokens_total: u64,
}

impl Meter {
    pub fn new(requests_limit: u64, tokens_limit: u64) -> Self {
        Self {
            requests_limit,
            tokens_limit,
            requests: VecDeque::new(),
            tokens: VecDeque::new(),
            requests_most: 0,
            tokens_most: 0,
            requests_total: 0,
            tokens_total: 0,
        }
    }

    /// A request arrives. Returns whether the limit holds.
    pub fn request(&mut self, now: Timestamp) -> bool {
        while self.requests.front().is_some_and(|at| *at <= now.0 - MINUTE_MS) {
            self.requests.pop_front();
        }
        self.requests.push_back(now.0);
        self.requests_total += 1;
        self.requests_most = self.requests_most.max(self.requests.len() as u64);
        self.requests_limit == 0 || self.requests.len() as u64 <= self.requests_limit
    }

    /// Tokens are counted. Returns whether the limit holds.
    pub fn tokens(&mut self, amount: u64, now: Timestamp) -> bool {
        while self.tokens.front().is_some_and(|(at, _)| *at <= now.0 - MINUTE_MS) {
            self.tokens.pop_front();
        }
        self.tokens.push_back((now.0, amount));
        self.tokens_total += amount;
        let sum: u64 = self.tokens.iter().map(|(_, amount)| amount).sum();
        self.tokens_most = self.tokens_most.max(sum);
        self.tokens_limit == 0 || sum <= self.tokens_limit
    }
}
