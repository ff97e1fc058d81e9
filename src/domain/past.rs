//! Calls that are over, as far as one can ask what would have become of them on another plan.

use std::time::Duration;

use super::{Tier, Timestamp, TokenUsage, UserId};

/// One call of an upstream that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastCall {
    /// Whose.
    pub user: UserId,
    /// The tier it was queued under.
    pub tier: Tier,
    /// From then on it could have been made: its request's acceptance; of a further call of the same
    /// request, when that call was claimed.
    pub ready_at: Timestamp,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// Input tokens that were held for it.
    pub estimated_input: u32,
    /// Output tokens that were held for it.
    pub estimated_output: u32,
    /// Tokens that it used.
    pub usage: TokenUsage,
    /// Whether it was the first one of its request. When a further one could have been made nobody has
    /// written down, so that how long it waited is not known.
    pub is_first: bool,
    /// From its being sent to its end.
    pub took: Duration,
}

impl PastCall {
    /// How long it waited.
    pub fn waited(&self) -> Duration {
        self.sent_at.since(self.ready_at)
    }
}
