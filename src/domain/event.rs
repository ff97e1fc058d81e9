//! What watchers of a job are told, in order, after the fact is on disk.

use super::job::JobRecord;
use super::{Failure, JobId, SourceError, Timestamp, UserId};

/// One event of one job.
#[derive(Clone, Debug)]
pub struct Event {
    /// The job.
    pub job: JobId,
    /// Its owner.
    pub user: UserId,
    /// What happened.
    pub what: JobEvent,
}

/// What happened to a job.
#[derive(Clone, Debug)]
pub enum JobEvent {
    /// Its place in the queue.
    Position {
        /// 1-based.
        position: u64,
        /// Seconds until a worker takes it, as far as is known.
        estimated_wait_seconds: u64,
        /// Whether nothing is taken at the moment.
        paused: bool,
    },
    /// A call begins.
    Processing {
        /// Which call, from 1.
        attempt: u32,
        /// The model asked.
        model: String,
    },
    /// Source text as the model writes it.
    Delta {
        /// The new piece.
        text: String,
    },
    /// The answer is being checked.
    Validating,
    /// The answer does not parse: it was mended by rules, or waits for the call that corrects it.
    Repairing {
        /// What is wrong with it.
        errors: Vec<SourceError>,
    },
    /// Back in the queue after a failed call.
    Retrying {
        /// Calls that failed so far.
        attempt: u32,
        /// Not before this instant.
        retry_at: Option<Timestamp>,
        /// In plain words.
        reason: String,
    },
    /// Ended with a source; the whole record.
    Completed(Box<JobRecord>),
    /// Ended without.
    Failed(Failure),
    /// Ended by its user.
    Cancelled,
    /// Ended by its deadline.
    Expired,
}

impl JobEvent {
    /// Whether nothing follows.
    pub const fn is_terminal(&self) -> bool {
        matches!(self, Self::Completed(_) | Self::Failed(_) | Self::Cancelled | Self::Expired)
    }

    /// Whether it tells of the call itself, and so of every job that shares it. Places are told one
    /// by one, and an end is its job's own.
    pub const fn is_of_the_call(&self) -> bool {
        match self {
            Self::Processing { .. }
            | Self::Delta { .. }
            | Self::Validating
            | Self::Repairing { .. }
            | Self::Retrying { .. } => true,
            Self::Position { .. }
            | Self::Completed(_)
            | Self::Failed(_)
            | Self::Cancelled
            | Self::Expired => false,
        }
    }

    /// Whether a slow reader may lose it: the next status tells as much.
    pub const fn is_sheddable(&self) -> bool {
        matches!(self, Self::Position { .. } | Self::Delta { .. })
    }
}
