//! Answers of the API, as far as the command line reads them. Unknown fields are ignored, so an
//! older client works with a newer server.

use serde::Deserialize;

use crate::domain::{JobState, SourceError, ValidationStatus};

/// A request just accepted.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Accepted {
    /// The request's id.
    pub request_id: String,
    /// Where it stands: `completed` when it came from the cache.
    pub status: JobState,
}

/// A request's status.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The request's id.
    pub request_id: String,
    /// Where it stands.
    pub status: JobState,
    /// The language.
    #[serde(default)]
    pub diagram_type: String,
    /// 1-based, while queued.
    pub position: Option<u64>,
    /// While queued.
    pub estimated_wait_seconds: Option<u64>,
    /// Whether nothing is taken from the queue at the moment.
    #[serde(default)]
    pub paused: bool,
    /// Calls that failed or ended it.
    #[serde(default)]
    pub attempts: u32,
    /// Acceptance, RFC 3339.
    #[serde(default)]
    pub created_at: String,
    /// End, RFC 3339.
    pub completed_at: Option<String>,
    /// Not before this, after a failed call.
    pub retry_at: Option<String>,
    /// The model that answered.
    pub model: Option<String>,
    /// Whether the answer came from the cache.
    #[serde(default)]
    pub cached: bool,
    /// The diagram's text.
    pub result: Option<String>,
    /// The verdict on it.
    pub validation: Option<Verdict>,
    /// The diagram's title.
    pub title: Option<String>,
    /// The kind of upstream that answered.
    pub provider: Option<String>,
    /// Tokens and cost.
    pub usage: Option<Usage>,
    /// Why it failed.
    pub error: Option<Error>,
}

/// The verdict on a source.
#[derive(Clone, Debug, Deserialize)]
pub struct Verdict {
    /// The verdict.
    pub status: ValidationStatus,
    /// The faults.
    #[serde(default)]
    pub errors: Vec<SourceError>,
    /// What was done to a repaired source.
    #[serde(default)]
    pub mends: Vec<String>,
}

/// Tokens and cost of a request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Uncached input tokens.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// US dollars; absent or null when the price is unknown.
    pub cost_usd: Option<String>,
}

/// Why a request failed.
#[derive(Clone, Debug, Deserialize)]
pub struct Error {
    /// Stable, machine-readable.
    pub code: String,
    /// In plain words.
    pub message: String,
    /// Whether a later try could succeed.
    #[serde(default)]
    pub retryable: bool,
}

/// What happens to a request before it ends; for showing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It waits.
    Queued {
        /// 1-based.
        position: u64,
        /// Seconds until a worker takes it.
        estimated_wait_seconds: u64,
        /// Whether nothing is taken at the moment; the seconds mean little then.
        paused: bool,
    },
    /// A call runs.
    Processing {
        /// Which call, from 1.
        attempt: u32,
        /// The model asked; empty when not known.
        model: String,
    },
    /// Source text as the model writes it.
    Delta {
        /// The new piece.
        text: String,
    },
    /// The answer is being checked.
    Validating,
    /// The answer is being mended.
    Repairing,
    /// Back in the queue after a failed call.
    Retrying {
        /// Calls that failed so far.
        attempt: u32,
        /// In plain words.
        reason: String,
    },
}

impl Progress {
    /// What a status tells of the request's progress; `None` when it has ended.
    pub fn of_status(status: &Status) -> Option<Self> {
        match status.status {
            JobState::Queued => Some(Self::Queued {
                position: status.position.unwrap_or(1),
                estimated_wait_seconds: status.estimated_wait_seconds.unwrap_or(0),
                paused: status.paused,
            }),
            JobState::Processing => Some(Self::Processing {
                attempt: status.attempts + 1,
                model: status.model.clone().unwrap_or_default(),
            }),
            JobState::Completed | JobState::Failed | JobState::Cancelled | JobState::Expired => None,
        }
    }
}
