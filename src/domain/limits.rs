//! Numbers about a user's limits and the queue's state, as answers show them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::lane::LaneStatus;
use super::{Money, Timestamp};

/// The state of one window of a user's limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Window {
    /// Units used in the window.
    pub used: u32,
    /// Units allowed.
    pub limit: u32,
    /// Units left; never negative, also after the limit was lowered.
    pub remaining: u32,
    /// Start of the next window.
    pub resets_at: Timestamp,
}

impl Window {
    /// The window's figures.
    pub fn new(used: u32, limit: u32, resets_at: Timestamp) -> Self {
        Self { used, limit, remaining: limit.saturating_sub(used), resets_at }
    }
}

/// A user's request counts, as the store holds them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserCounts {
    /// Units used this UTC hour.
    pub hour: u32,
    /// Units used this UTC day.
    pub day: u32,
    /// Jobs running.
    pub running: u32,
    /// Jobs waiting.
    pub queued: u32,
    /// Money spent this UTC month.
    pub month_cost: Money,
    /// Money held for jobs waiting or running.
    pub month_reserved: Money,
}

/// A waiting job's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// 1-based.
    pub position: u64,
    /// Seconds until a worker takes it, rounded up.
    pub estimated_wait_seconds: u64,
    /// Whether nothing is taken at the moment: the operator has paused the queue, or every upstream
    /// that could take it is paused. The seconds mean little then.
    pub paused: bool,
}

impl Place {
    /// The place of a request that still waits in the store and that the scheduler has let go:
    /// its claim is being written.
    pub const NEXT: Self = Self { position: 1, estimated_wait_seconds: 0, paused: false };
}

/// The whole queue at one instant, as an admin sees it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// Jobs waiting.
    pub depth: u64,
    /// Jobs running.
    pub processing: u64,
    /// Whether the operator paused the queue.
    pub paused: bool,
    /// By tier name.
    pub by_tier: BTreeMap<&'static str, TierOverview>,
    /// Upstreams, in order of preference.
    pub upstreams: Vec<LaneStatus>,
    /// Seconds until nothing waits any more if nothing more comes; at least what the last one in
    /// the queue is told. `None`, and `null` in answers, while a paused queue holds requests.
    pub estimated_drain_seconds: Option<u64>,
    /// Jobs ended in the last minute.
    pub throughput_per_minute: u64,
}

/// One tier's part of the queue.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TierOverview {
    /// Jobs waiting.
    pub queued: u64,
    /// Jobs running.
    pub processing: u64,
    /// Seconds the oldest has waited.
    pub oldest_wait_seconds: u64,
}
