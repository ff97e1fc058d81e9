//! Messages to users' own applications: what is told, where it stands, and how a try went.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::id::BadId;
use super::job::JobRecord;
use super::{JobId, JobState, Origin, Timestamp, UserId};

/// A delivery's row number, rising in the order of the ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliverySeq(pub i64);

/// A delivery's public id, the `webhook-id` of every try: `msg_` and 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeliveryId(pub [u8; 16]);

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "msg_{}", hex::encode(self.0))
    }
}

impl fmt::Debug for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for DeliveryId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let digits =
            text.strip_prefix("msg_").filter(|digits| !digits.bytes().any(|b| b.is_ascii_uppercase()));
        let mut id = [0; 16];
        hex::decode_to_slice(digits.ok_or(BadId)?, &mut id).map_err(|_| BadId)?;
        Ok(Self(id))
    }
}

impl Serialize for DeliveryId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a message tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// A request ended with a source.
    Completed,
    /// A request ended without.
    Failed,
    /// A request was cancelled.
    Cancelled,
    /// A request's deadline passed.
    Expired,
    /// Nothing happened: somebody wants to see whether messages arrive.
    Test,
}

impl MessageKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Completed, Self::Failed, Self::Cancelled, Self::Expired, Self::Test];

    /// What a job's end tells; `None` for a job that has not ended.
    pub const fn of(state: JobState) -> Option<Self> {
        match state {
            JobState::Queued | JobState::Processing => None,
            JobState::Completed => Some(Self::Completed),
            JobState::Failed => Some(Self::Failed),
            JobState::Cancelled => Some(Self::Cancelled),
            JobState::Expired => Some(Self::Expired),
        }
    }

    /// The number stored in the database: that of the job's state.
    pub const fn code(self) -> i64 {
        match self {
            Self::Completed => JobState::Completed.code(),
            Self::Failed => JobState::Failed.code(),
            Self::Cancelled => JobState::Cancelled.code(),
            Self::Expired => JobState::Expired.code(),
            Self::Test => 6,
        }
    }

    /// The `type` of the message.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Completed => "diagram.completed",
            Self::Failed => "diagram.failed",
            Self::Cancelled => "diagram.cancelled",
            Self::Expired => "diagram.expired",
            Self::Test => "webhook.test",
        }
    }
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// It is tried, or waits for its next try.
    Pending,
    /// The receiver took it.
    Delivered,
    /// It is given up, until somebody asks for it again.
    Failed,
}

impl DeliveryState {
    /// Every state; `ALL[state.code()] == state`.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Failed];

    /// The number stored in the database.
    pub const fn code(self) -> i64 {
        self as i64
    }

    /// The name used in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// The text names no state of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected pending, delivered or failed")]
pub struct UnknownDeliveryState;

impl FromStr for DeliveryState {
    type Err = UnknownDeliveryState;

    fn from_str(text: &str) -> Result<Self, UnknownDeliveryState> {
        Self::ALL.into_iter().find(|state| state.name() == text).ok_or(UnknownDeliveryState)
    }
}

/// Writes the message of a job's end, as it is signed and sent. Called on the store's writer thread,
/// in the transaction of the end, for jobs whose end is told to somebody.
pub type WriteMessage = Arc<dyn Fn(&JobRecord) -> String + Send + Sync>;

/// What is kept in memory of a delivery that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingDelivery {
    /// Its number.
    pub seq: DeliverySeq,
    /// Whose.
    pub user: UserId,
    /// Where the request wants it to go; `None`: to the user's own address.
    pub url: Option<String>,
    /// When its present schedule began: with the end, or as somebody asked for it again.
    pub since: Timestamp,
    /// Not before.
    pub next_at: Timestamp,
    /// Whether somebody asked for it: it does not wait for its place to be well again.
    pub is_asked_for: bool,
}

/// A delivery about to be sent.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The `webhook-id`.
    pub id: DeliveryId,
    /// Whose.
    pub user: UserId,
    /// Where to; `None`: the user's own address is unset or said that it is gone.
    pub url: Option<String>,
    /// Tries of the present schedule so far.
    pub tries: u32,
    /// When its present schedule began.
    pub since: Timestamp,
    /// Whether its user may still use the server.
    pub user_stands: bool,
    /// The message.
    pub body: String,
    /// The user's secrets in force, the newest first; empty when there is none yet.
    pub secrets: Vec<Vec<u8>>,
    /// The request whose end it tells; `None` for a test.
    pub job: Option<JobId>,
    /// The call of a client's that it comes from.
    pub origin: Origin,
}

/// How one try went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// When the schedule began that the try belongs to: one that was begun meanwhile goes on, unless the
    /// message was taken.
    pub since: Timestamp,
    /// The address tried; `None`: nothing was sent.
    pub to: Option<String>,
    /// When it ended.
    pub at: Timestamp,
    /// The receiver's HTTP status; `None`: there was no answer, or nothing was sent.
    pub status: Option<u16>,
    /// Why the message was not taken, half a sentence.
    pub error: Option<String>,
    /// What becomes of it.
    pub then: Then,
}

/// What becomes of a delivery after a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It was taken.
    Done,
    /// It is tried again, not before then.
    Again(Timestamp),
    /// It is given up.
    GivenUp,
    /// It is given up, and nothing more goes to that address of the user's own.
    Gone,
}

/// A delivery as lists show it.
#[derive(Clone, Debug)]
pub struct DeliveryRecord {
    /// Its number.
    pub seq: DeliverySeq,
    /// The `webhook-id`.
    pub id: DeliveryId,
    /// Whose.
    pub user_name: String,
    /// The request whose end it tells; `None` for a test.
    pub job: Option<JobId>,
    /// What it tells.
    pub kind: MessageKind,
    /// Where it goes; `None`: the user's own address, which is unset now.
    pub url: Option<String>,
    /// Where it stands.
    pub state: DeliveryState,
    /// All tries there ever were.
    pub attempts: u32,
    /// When the job ended.
    pub created_at: Timestamp,
    /// The next try, not before.
    pub next_at: Option<Timestamp>,
    /// The last try.
    pub attempted_at: Option<Timestamp>,
    /// When it was taken or given up.
    pub ended_at: Option<Timestamp>,
    /// The HTTP status of the last try.
    pub status: Option<u16>,
    /// Why the last try did not succeed.
    pub error: Option<String>,
}

/// A user's address and the state of the secrets, which are not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Webhook {
    /// Where ends are told; `None`: only where a request says so.
    pub url: Option<String>,
    /// When the present secret was made; `None`: there is none yet.
    pub secret_created_at: Option<Timestamp>,
    /// Until when the secret before it signs too.
    pub previous_secret_until: Option<Timestamp>,
    /// Since when nothing goes to the address, which said that it is gone.
    pub disabled_at: Option<Timestamp>,
    /// Deliveries that wait.
    pub pending: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_a_round_trip_and_refuse_anything_else() {
        let id = DeliveryId([0xab; 16]);
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in
            ["", "msg_", "msg_ab", &format!("msg_{}", "AB".repeat(16)), &format!("req_{}", "ab".repeat(16))]
        {
            assert_eq!(bad.parse::<DeliveryId>(), Err(BadId), "{bad}");
        }
    }

    #[test]
    fn every_end_is_told_and_nothing_else() {
        for state in JobState::ALL {
            let kind = MessageKind::of(state);
            assert_eq!(kind.is_some(), state.is_terminal(), "{state:?}");
            if let Some(kind) = kind {
                assert_eq!(
                    (kind.code(), kind.name()),
                    (state.code(), format!("diagram.{}", state.name()).as_str())
                );
            }
        }
        assert!(MessageKind::ALL.iter().filter(|kind| kind.code() == MessageKind::Test.code()).count() == 1);
    }
}
