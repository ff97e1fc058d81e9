//! What a committed transaction changed: the store tells the queue, which tells everybody else.

use super::id::JobSeq;
use super::job::{JobRecord, JobState};
use super::trace::SpanContext;
use super::webhook::PendingDelivery;
use super::{Claimed, Failure, JobId, Origin, QueuedJob, SourceError, Tier, Timestamp, UserId};

/// One committed change, in commit order.
#[derive(Clone, Debug)]
pub enum Change {
    /// A job was accepted, or an operator queued a failed one again.
    Queued(QueuedJob),
    /// A job was claimed by a lane.
    Claimed(Box<Claimed>),
    /// A running job went back to its place.
    Requeued {
        /// As it now waits.
        job: QueuedJob,
        /// Calls that failed so far.
        attempts: u32,
        /// In plain words; empty when nothing failed.
        reason: &'static str,
        /// Whether a call failed (a full lane is no failure).
        failed: bool,
        /// What is wrong with its source, when it waits for the call that corrects it: no retry,
        /// but a further step.
        repairing: Option<Vec<SourceError>>,
    },
    /// A job was accepted that shares the call of an equal one: it never waits by itself.
    Joined {
        /// The job.
        follower: Follower,
        /// The call that it shares, when that runs already.
        under_way: Option<UnderWay>,
    },
    /// A job ended that others followed, in a way that is its own: the oldest of them waits for a
    /// call of its own now, and the others follow that one.
    Released {
        /// The job that they followed.
        leader: JobId,
        /// The one that waits now.
        job: QueuedJob,
        /// Whether the call that they shared was running.
        was_running: bool,
    },
    /// A follower ended: with its leader, or by itself. Nothing of its leader's changes by it.
    Left(Ended),
    /// A job was over as it was accepted: the cache had its answer. It never waited.
    Answered(Box<JobRecord>),
    /// A job ended.
    Ended(Ended),
    /// A user's tier changed, or the user was disabled.
    UserChanged {
        /// Who.
        user: UserId,
        /// The tier now.
        tier: Tier,
    },
    /// A message waits to be delivered: of an end, or one that somebody asked for (again).
    Message(PendingDelivery),
    /// The operator paused or resumed the queue.
    Paused(bool),
}

/// A job that shares another one's call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follower {
    /// Place of acceptance.
    pub seq: JobSeq,
    /// Public id.
    pub id: JobId,
    /// Owner.
    pub user: UserId,
    /// Ends as expired then.
    pub deadline_at: Option<Timestamp>,
    /// The job whose call it shares.
    pub leader: JobSeq,
    /// That job's public id.
    pub leader_id: JobId,
}

/// A call that runs, as watchers are told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnderWay {
    /// Which call, from 1.
    pub attempt: u32,
    /// The model asked.
    pub model: String,
}

/// A job's end.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Place of acceptance.
    pub seq: JobSeq,
    /// Public id.
    pub id: JobId,
    /// Owner.
    pub user: UserId,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Whether it was running (else it was waiting).
    pub was_running: bool,
    /// How it ended.
    pub how: EndKind,
    /// The call of a client's that it comes from; without its `tracestate`.
    pub origin: Origin,
    /// The call that it shared to the end, which belongs to another request's trace.
    pub shared: Option<SpanContext>,
}

/// How a job ended.
#[derive(Clone, Debug)]
pub enum EndKind {
    /// With a source.
    Completed(Box<JobRecord>),
    /// Without.
    Failed(Failure),
    /// By its user.
    Cancelled,
    /// By its deadline.
    Expired,
}

impl EndKind {
    /// The name of the state that the job is in then.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Completed(_) => JobState::Completed.name(),
            Self::Failed(_) => JobState::Failed.name(),
            Self::Cancelled => JobState::Cancelled.name(),
            Self::Expired => JobState::Expired.name(),
        }
    }
}
