//! An upstream as the scheduler sees it: its limits, its state, and how one call on it ended.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::{Failure, Timestamp, TokenUsage};

/// An upstream's configured name; unique, cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct LaneName(pub Arc<str>);

impl fmt::Display for LaneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for LaneName {
    fn from(name: &str) -> Self {
        Self(Arc::from(name))
    }
}

/// What the scheduler must know of an upstream. A limit of 0 is "not limited".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneSpec {
    /// Configured name.
    pub name: LaneName,
    /// The model it serves unless a job asks for another.
    pub model: String,
    /// Calls in flight at once; at least 1.
    pub max_concurrent: u32,
    /// Requests in any 60 s.
    pub requests_per_minute: u64,
    /// Input and output tokens together in any 60 s.
    pub tokens_per_minute: u64,
    /// Input tokens in any 60 s.
    pub input_tokens_per_minute: u64,
    /// Output tokens in any 60 s.
    pub output_tokens_per_minute: u64,
    /// How long a charge outlives its minute.
    pub network_margin: Duration,
}

/// How retries are spaced and when they end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Calls that may fail through the upstream's fault before the request fails.
    pub max_attempts: u32,
    /// The first back-off's upper bound.
    pub base: Duration,
    /// Every back-off's upper bound.
    pub cap: Duration,
}

/// The upstream's own word on its limits, from `anthropic-ratelimit-*`. It can only lower our room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitsSeen {
    /// Requests a minute.
    pub requests: Option<LimitSeen>,
    /// Input tokens a minute.
    pub input_tokens: Option<LimitSeen>,
    /// Output tokens a minute.
    pub output_tokens: Option<LimitSeen>,
    /// Tokens of both kinds a minute.
    pub tokens: Option<LimitSeen>,
}

/// One budget as the upstream reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitSeen {
    /// The limit a minute.
    pub limit: u64,
    /// What is left now; tokens are rounded to thousands by the upstream.
    pub remaining: u64,
}

/// How one upstream call ended, as far as lane and job are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallEnd {
    /// An answer arrived whole.
    Answered,
    /// The caller gave the call up (cancelled, deadline): nothing is wrong with the lane.
    Abandoned,
    /// 429: the whole lane waits; the job keeps its place and no attempt is spent.
    Limited {
        /// `retry-after`, when the upstream sent one.
        retry_after: Option<Duration>,
    },
    /// 401, 402, 403, spend limits, unknown model: the lane stops until `until`, or until the
    /// operator resumes it; the job keeps its place and no attempt is spent.
    LanePaused {
        /// For the operator; no secrets.
        reason: String,
        /// When the lane may be tried again by itself; `None`: by the operator only.
        until: Option<Timestamp>,
    },
    /// 408, 409, 5xx, timeouts, cut streams: try again later.
    Failed {
        /// What to tell the user should attempts be used up; `retryable` is true in it.
        failure: Failure,
        /// `retry-after`, when the upstream sent one.
        retry_after: Option<Duration>,
        /// The connection itself could not be made: the lane's trouble, never the job's.
        unreachable: bool,
    },
    /// The upstream will never accept this request, or the model declined it.
    Rejected(Failure),
}

/// What the scheduler needs to settle a call.
#[derive(Clone, Debug)]
pub struct CallReport {
    /// The job.
    pub seq: super::id::JobSeq,
    /// The run of the job this call belongs to.
    pub run: u32,
    /// How it ended.
    pub end: CallEnd,
    /// Tokens known to have been used.
    pub usage: TokenUsage,
    /// Whether any byte of the call was sent.
    pub sent: bool,
}

/// What becomes of the job after a call, decided by the scheduler and persisted by the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The job ends (with the answer, or with the failure that was reported).
    Finish,
    /// The job fails with this, attempts used up.
    GiveUp(Failure),
    /// Back into the queue at its old place.
    Retry {
        /// Not before this instant; `None`: as soon as there is room.
        at: Option<Timestamp>,
        /// Whether this call counts towards `max_attempts`.
        strike: bool,
        /// A failed call (counted in `attempts`) or only a full lane (not counted).
        failed: bool,
        /// For the user, in plain words.
        reason: &'static str,
    },
}

/// A lane's state as the operator sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LaneState {
    /// Taking calls.
    Open,
    /// Waiting after a 429 of the upstream.
    Limited,
    /// Stopped: credentials, billing, spend limit, unknown model.
    Paused,
    /// Down; one call at a time is let through to see whether it is back.
    Probing,
}

/// Use of one upstream budget over the sliding minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Gauge {
    /// The limit now in force; `None`, and `null` in answers: not limited.
    pub limit: Option<u64>,
    /// Settled charges still alive.
    pub used: u64,
    /// Estimates of calls in flight.
    pub reserved: u64,
    /// What a new call may take now; `None`, and `null` in answers: not limited.
    pub available: Option<u64>,
}

/// A lane's live figures.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LaneStatus {
    /// Configured name.
    pub name: LaneName,
    /// The model it serves.
    pub model: String,
    /// The state.
    pub state: LaneState,
    /// Why it is not open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it may be tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Requests a minute.
    pub requests_per_minute: Gauge,
    /// Input and output tokens a minute.
    pub tokens_per_minute: Gauge,
    /// Input tokens a minute.
    pub input_tokens_per_minute: Gauge,
    /// Output tokens a minute.
    pub output_tokens_per_minute: Gauge,
    /// Calls in flight.
    pub in_flight: u32,
    /// Calls allowed in flight.
    pub max_concurrent: u32,
}
