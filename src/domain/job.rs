//! A job: the thing in the queue. Clients call its id `requestId`.

use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::id::JobSeq;
use super::repair::Repair;
use super::{
    DiagramType, Failure, JobId, LaneName, Money, Origin, Tier, Timestamp, TokenUsage, UserId, Validation,
};

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Accepted and waiting (also between attempts).
    Queued,
    /// Claimed; an upstream call runs or is about to.
    Processing,
    /// Ended with a source.
    Completed,
    /// Ended without.
    Failed,
    /// Ended by its user.
    Cancelled,
    /// Ended by its deadline.
    Expired,
}

impl JobState {
    /// Every state; `ALL[state.code()] == state`.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Processing, Self::Completed, Self::Failed, Self::Cancelled, Self::Expired];

    /// The number stored in the database.
    pub const fn code(self) -> i64 {
        self as i64
    }

    /// The name used in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// Whether nothing more will happen to the job by itself.
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Queued | Self::Processing)
    }

    /// The one table of legal moves. A failed job is queued again only by an operator's retry.
    pub const fn may_become(self, next: Self) -> bool {
        use JobState::{Cancelled, Completed, Expired, Failed, Processing, Queued};
        match (self, next) {
            (Queued, Processing | Completed | Failed | Cancelled | Expired)
            | (Processing, Queued | Completed | Failed | Cancelled | Expired)
            | (Failed, Queued) => true,
            (Queued | Processing | Completed | Failed | Cancelled | Expired, _) => false,
        }
    }
}

/// The text names no job state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown status {0:?}; expected queued, processing, completed, failed, cancelled or expired")]
pub struct UnknownState(pub String);

impl FromStr for JobState {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|state| state.name() == text).ok_or_else(|| UnknownState(text.to_owned()))
    }
}

/// Bytes of a diagram that is to be changed: what the validator reads at most.
pub const BASE_SOURCE_BYTES_MAX: usize = 50_000;

/// What the model is asked, stored as JSON apart from the narrow job row.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Brief {
    /// The user's text, trimmed.
    pub prompt: String,
    /// The template to follow, filled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<FilledTemplate>,
    /// Source of the diagram to change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_source: Option<String>,
    /// The caller's own data, a JSON object as text, returned as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Box<serde_json::value::RawValue>>,
}

impl Brief {
    /// Bytes of its texts, for bounds of what is held in memory at once.
    pub fn bytes(&self) -> usize {
        let filled = self.template.as_ref().map_or(0, |filled| {
            filled.prompt.len() + filled.values.iter().map(|value| value.text.len()).sum::<usize>()
        });
        let metadata = self.metadata.as_ref().map_or(0, |metadata| metadata.get().len());
        self.prompt.len() + filled + self.base_source.as_ref().map_or(0, String::len) + metadata
    }
}

/// A template with a request's variables in it, as it was when the request was accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FilledTemplate {
    /// The template's name.
    pub name: String,
    /// The kind of Mermaid diagram it makes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The instruction, `{{name}}` in a variable's place.
    pub prompt: String,
    /// The variables that have a value, in the template's order.
    pub values: Vec<TemplateValue>,
}

/// The value of a template's variable.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TemplateValue {
    /// The variable's name.
    pub name: String,
    /// The value as text.
    pub text: String,
    /// Whether it is a user's text, which must never read as an instruction.
    pub is_data: bool,
}

/// A job about to be stored.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Random id.
    pub id: JobId,
    /// Owner.
    pub user: UserId,
    /// Owner's tier at submission.
    pub tier: Tier,
    /// Asked language.
    pub diagram_type: DiagramType,
    /// Output bound.
    pub max_tokens: u32,
    /// Asked model; `None`: the upstream's.
    pub model: Option<String>,
    /// Input tokens held from claim to settlement.
    pub estimated_input: u32,
    /// The most the call can cost, held against the monthly budget.
    pub reserved: Money,
    /// Deadline, if any.
    pub deadline_at: Option<Timestamp>,
    /// What to ask.
    pub brief: Brief,
    /// Where its end is told; `None`: where its user's ends are.
    pub webhook_url: Option<String>,
    /// SHA-256 of all that makes two requests equal; `None`: it neither asks the cache nor fills it.
    pub cache_key: Option<[u8; 32]>,
    /// Acceptance time.
    pub created_at: Timestamp,
    /// The call that it comes from.
    pub origin: Origin,
}

/// What the scheduler keeps in memory of a waiting job.
#[derive(Clone, Debug)]
pub struct QueuedJob {
    /// Place of acceptance.
    pub seq: JobSeq,
    /// Public id.
    pub id: JobId,
    /// Owner.
    pub user: UserId,
    /// Tier it is queued under.
    pub tier: Tier,
    /// Input tokens to hold.
    pub estimated_input: u32,
    /// Output tokens to hold.
    pub max_tokens: u32,
    /// Asked model; `None`: the upstream's.
    pub model: Option<Arc<str>>,
    /// Completed runs so far; the next claim makes this `run + 1`.
    pub run: u32,
    /// Failed calls that count towards `max_attempts`.
    pub strikes: u32,
    /// Acceptance time.
    pub created_at: Timestamp,
    /// In back-off until then.
    pub retry_at: Option<Timestamp>,
    /// Ends as expired then.
    pub deadline_at: Option<Timestamp>,
}

/// A claimed job on its way to a worker: the claim is committed.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// Place of acceptance.
    pub seq: JobSeq,
    /// Public id.
    pub id: JobId,
    /// Owner.
    pub user: UserId,
    /// Owner's tier at submission.
    pub tier: Tier,
    /// This run, from 1.
    pub run: u32,
    /// Failed calls before this one.
    pub attempts: u32,
    /// The upstream.
    pub lane: LaneName,
    /// The model to ask.
    pub model: String,
    /// Asked language.
    pub diagram_type: DiagramType,
    /// Output bound.
    pub max_tokens: u32,
    /// Deadline, if any.
    pub deadline_at: Option<Timestamp>,
    /// What to ask.
    pub brief: Brief,
    /// The source to correct, when this call is to repair one.
    pub repair: Option<Repair>,
    /// When the job was accepted.
    pub created_at: Timestamp,
    /// Since when it waited for this run: its acceptance, or the end of the run before.
    pub waiting_since: Timestamp,
    /// When the claim was made.
    pub claimed_at: Timestamp,
    /// The call of a client's that it comes from.
    pub origin: Origin,
}

/// What a finished job left behind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The diagram's source text.
    pub source: Option<String>,
    /// Title, when the answer had one.
    pub title: Option<String>,
    /// The verdict on the source.
    pub validation: Option<Validation>,
    /// Why there is none.
    pub failure: Option<Failure>,
    /// The answer was cut off at the tokens that the request allows. Not stored: it decides on the
    /// unit, and the validation's errors tell of it.
    pub cut_off: bool,
}

impl Outcome {
    /// Whether the user gets the hourly and daily unit back: for a source that is not valid, unless
    /// the request itself left no room for a whole one, and for what
    /// [`FailureCode::returns_unit`](super::failure::FailureCode::returns_unit) says.
    pub fn returns_unit(&self) -> bool {
        let invalid =
            self.validation.as_ref().is_some_and(|known| known.status == super::ValidationStatus::Invalid);
        (invalid && !self.cut_off) || self.failure.as_ref().is_some_and(|failure| failure.code.returns_unit())
    }
}

/// Tokens and cost of all calls of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bill {
    /// Tokens.
    pub tokens: TokenUsage,
    /// Cost.
    pub cost: Money,
    /// Whether any part is an estimate.
    pub estimated: bool,
}

/// Everything the status object shows, as one row read.
#[derive(Clone, Debug)]
pub struct JobRecord {
    /// Place of acceptance.
    pub seq: JobSeq,
    /// Public id.
    pub id: JobId,
    /// Owner.
    pub user: UserId,
    /// Tier at submission.
    pub tier: Tier,
    /// State.
    pub state: JobState,
    /// Asked language.
    pub diagram_type: DiagramType,
    /// Upstream calls that failed or ended it.
    pub attempts: u32,
    /// Acceptance time.
    pub created_at: Timestamp,
    /// First claim.
    pub started_at: Option<Timestamp>,
    /// End.
    pub completed_at: Option<Timestamp>,
    /// In back-off until then.
    pub retry_at: Option<Timestamp>,
    /// Source, title, verdict, failure.
    pub outcome: Outcome,
    /// Usage; `None` before the first call ended.
    pub bill: Option<Bill>,
    /// Model of the last call.
    pub model: Option<String>,
    /// Upstream of the last call.
    pub provider: Option<String>,
    /// Whether the answer came from the cache.
    pub cached: bool,
    /// The caller's own data.
    pub metadata: Option<Box<serde_json::value::RawValue>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ended_jobs_stay_ended_but_for_an_operators_retry() {
        for from in JobState::ALL {
            for to in JobState::ALL {
                let legal = from.may_become(to);
                if from.is_terminal() {
                    assert_eq!(
                        legal,
                        (from, to) == (JobState::Failed, JobState::Queued),
                        "{from:?} -> {to:?}"
                    );
                } else {
                    assert_eq!(legal, from != to, "{from:?} -> {to:?}");
                }
            }
        }
    }
}
