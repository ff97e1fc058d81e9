//! What is tried of a saturated lane, and what came of it.

use std::ops::Range;
use std::time::Duration;

use crate::upstream::Window;

/// What is to be tried.
#[derive(Clone, Debug)]
pub struct Trial {
    pub seed: u64,
    pub window: Window,
    pub requests_per_minute: u64,
    pub tokens_per_minute: u64,
    /// Whether answers tell what is left.
    pub headers: bool,
    /// Part of the request limit that somebody else takes.
    pub other: f64,
    /// When they leave.
    pub other_leaves_after_minutes: i64,
    pub crash_after_minutes: Option<i64>,
    pub minutes: i64,
    pub max_concurrent: u32,
    pub max_tokens: u32,
    pub output: Range<u64>,
    pub call_ms: Range<i64>,
}

impl Trial {
    /// Requests are what is short: the presets' limits with small answers.
    pub fn of_requests(window: Window, requests_per_minute: u64, tokens_per_minute: u64) -> Self {
        Self {
            seed: 1,
            window,
            requests_per_minute,
            tokens_per_minute,
            headers: false,
            other: 0.0,
            other_leaves_after_minutes: i64::MAX,
            crash_after_minutes: None,
            minutes: 65,
            max_concurrent: 50,
            max_tokens: 2048,
            output: 200..900,
            call_ms: 1000..4000,
        }
    }

    /// Tokens are what is short.
    pub fn of_tokens(window: Window, tokens_per_minute: u64) -> Self {
        Self { output: 1500..2048, call_ms: 1000..2000, ..Self::of_requests(window, 0, tokens_per_minute) }
    }
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Used of what the other consumer left, after the warm-up.
    pub requests_used: f64,
    pub tokens_used: f64,
    /// Refusals, and the most in one minute after the warm-up.
    pub refused: u64,
    pub refused_in_warm_up: u64,
    pub refused_most: u64,
    /// Times at which a strict 60 s window held more of our calls than the limit.
    pub over: u64,
    pub answered: u64,
    /// The longest that an answered job was here.
    pub longest: Duration,
}
