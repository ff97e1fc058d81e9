//! Plain data shared by every room: no IO, no async, no clocks, no randomness.
//!
//! Everything may use this module; it uses nothing of the crate. The one table of legal job
//! moves is [`job::JobState::may_become`].

pub mod alert;
pub mod cell;
pub mod change;
pub mod diagram;
pub mod event;
pub mod failure;
pub mod id;
pub mod invoice;
pub mod job;
pub mod lane;
pub mod limits;
pub mod money;
pub mod past;
pub mod prices;
pub mod repair;
pub mod session;
pub mod tier;
pub mod time;
pub mod trace;
pub mod tracestate;
pub mod usage;
pub mod user;
pub mod webhook;

pub use change::Change;
pub use diagram::{DiagramType, SourceError, Validation, ValidationStatus};
pub use event::{Event, JobEvent};
pub use failure::Failure;
pub use id::{JobId, JobSeq, KeyId, UserId};
pub use job::{BASE_SOURCE_BYTES_MAX, Brief, Claimed, JobState, NewJob, QueuedJob};
pub use lane::LaneName;
pub use money::{Money, Price};
pub use repair::Repair;
pub use session::SessionId;
pub use tier::{Tier, TierPolicy};
pub use time::Timestamp;
pub use trace::Origin;
pub use usage::TokenUsage;
pub use user::{Role, User};
