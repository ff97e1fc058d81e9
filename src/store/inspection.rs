//! What the operator looks at: everybody's requests, the calls made for one, figures over time.

use crate::domain::failure::FailureCode;
use crate::domain::job::Bill;
use crate::domain::{DiagramType, JobId, JobSeq, JobState, Money, Tier, Timestamp, TokenUsage, UserId};

/// Which requests to list, newest first. Nothing is said of what is `None`.
#[derive(Clone, Debug, Default)]
pub struct Sought {
    /// In this state.
    pub state: Option<JobState>,
    /// Of one of these users.
    pub users: Option<Vec<UserId>>,
    /// Accepted under this tier.
    pub tier: Option<Tier>,
    /// Last called this model.
    pub model: Option<String>,
    /// In this language.
    pub diagram_type: Option<DiagramType>,
    /// Accepted from then on.
    pub from: Option<Timestamp>,
    /// Accepted before then.
    pub to: Option<Timestamp>,
    /// Ids between these two, both included.
    pub ids: Option<(JobId, JobId)>,
    /// Accepted before this one (the cursor).
    pub before: Option<JobSeq>,
    /// At most so many.
    pub limit: u32,
}

/// A page of requests.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    /// The requests.
    pub jobs: Vec<ListedJob>,
    /// Where the search goes on, if it does. Then there may be fewer on the page than the limit,
    /// and even none: only so many rows are looked at for one page.
    pub next: Option<JobSeq>,
}

/// A request in a list: nothing of what was asked, nor the source.
#[derive(Clone, Debug)]
pub struct ListedJob {
    /// Place of acceptance.
    pub seq: JobSeq,
    /// Public id.
    pub id: JobId,
    /// Owner's name.
    pub user: String,
    /// Tier at submission.
    pub tier: Tier,
    /// State.
    pub state: JobState,
    /// Asked language.
    pub diagram_type: DiagramType,
    /// Model of the last call.
    pub model: Option<String>,
    /// Acceptance time.
    pub created_at: Timestamp,
    /// First claim.
    pub started_at: Option<Timestamp>,
    /// End.
    pub completed_at: Option<Timestamp>,
    /// Upstream calls that failed or ended it.
    pub attempts: u32,
    /// Whether the answer came from the cache.
    pub cached: bool,
    /// Tokens of all its calls.
    pub tokens: TokenUsage,
    /// Their cost.
    pub cost: Money,
    /// The answer's title.
    pub title: Option<String>,
    /// Why it failed.
    pub failure: Option<FailureCode>,
}

/// One upstream call made for a request.
#[derive(Clone, Debug)]
pub struct CallMade {
    /// Its number, from 1.
    pub run: u32,
    /// The upstream.
    pub lane: String,
    /// The model asked.
    pub model: String,
    /// Which correction it was for, from 1; 0: it asked for the diagram itself.
    pub repair: u32,
    /// The claim.
    pub claimed_at: Timestamp,
    /// First byte sent.
    pub sent_at: Option<Timestamp>,
    /// End; `None` while it runs.
    pub ended_at: Option<Timestamp>,
    /// Tokens and cost.
    pub bill: Bill,
    /// Whether the server ended before the call did.
    pub lost: bool,
}

/// How figures over time are split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitBy {
    /// User's name.
    User,
    /// Tier at submission.
    Tier,
    /// Model of the last call; empty before the first.
    Model,
    /// Diagram language.
    DiagramType,
}

/// Figures over time, each span of them under its first instant.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// By name: a user, a tier, a model, a language.
    pub series: Vec<(String, Vec<(Timestamp, Slot)>)>,
}

/// Figures of the requests accepted in one span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// Accepted.
    pub submitted: u64,
    /// Of these, completed by now.
    pub completed: u64,
    /// Failed.
    pub failed: u64,
    /// Answered from the cache.
    pub cache_hits: u64,
    /// All input tokens.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// Cost.
    pub cost: Money,
    /// What cache hits would have cost.
    pub saved: Money,
}
