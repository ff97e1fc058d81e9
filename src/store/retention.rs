//! How long what is stored counts, and what of it has stopped to.
//!
//! What is too old is looked for on a reading connection, in as long as it takes, and deleted by the
//! writer one by one, by its key: no write waits for a search.

use std::time::Duration;

use crate::domain::alert::AlertId;
use crate::domain::webhook::DeliverySeq;
use crate::domain::{JobSeq, KeyId, SessionId, Timestamp, UserId};

/// How long an idempotency key counts.
pub const IDEMPOTENCY_KEY: Duration = hours(24);
/// How long after its end a call may count against an upstream's limits: a minute and the largest
/// network margin. A start rebuilds them from the calls that are stored.
pub const CALL_COUNTS: Duration = Duration::from_secs(60 + 60);
/// How long windows of units are kept: two days are enough for any limit.
const UNITS: Duration = days(2);
/// How long tokens and money by the hour are kept.
const USAGE_BY_HOUR: Duration = days(90);
/// How long they are kept by the day; by the month they are kept for ever.
pub const USAGE_BY_DAY: Duration = days(800);
/// How long a key that opens nothing any more is still listed.
const DEAD_KEY: Duration = days(400);
/// How long alerts are kept that are over.
const ALERT_OVER: Duration = days(30);
/// How many of them at most: whoever stores one more deletes the oldest.
pub const ALERTS_OVER_MAX: u32 = 1000;
/// How many messages of alerts may wait; of more, the oldest go.
pub const ALERT_MESSAGES_MAX: u32 = 1000;

/// What the operator decides.
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    /// Of requests, after their end.
    pub requests: Duration,
    /// Of webhook messages, after they were taken or given up.
    pub messages: Duration,
}

/// Instants before which things are too old.
#[derive(Clone, Copy, Debug)]
pub struct Ages {
    /// Requests that ended.
    pub requests: Timestamp,
    /// Calls that count no more; a request does not go before its own.
    pub calls: Timestamp,
    /// Webhook messages that were taken or given up.
    pub messages: Timestamp,
    /// Idempotency keys.
    pub idempotency: Timestamp,
    /// Windows of units.
    pub units: Timestamp,
    /// Usage by the hour.
    pub hours: Timestamp,
    /// Usage by the day.
    pub days: Timestamp,
    /// API keys that were revoked or expired.
    pub dead_keys: Timestamp,
    /// Sessions and links, by their end.
    pub sessions: Timestamp,
    /// Alerts that are over.
    pub alerts: Timestamp,
}

impl Ages {
    /// The ages at `now`.
    pub fn at(now: Timestamp, keep: Keep) -> Self {
        Self {
            requests: now.before(keep.requests),
            calls: now.before(CALL_COUNTS),
            messages: now.before(keep.messages),
            idempotency: now.before(IDEMPOTENCY_KEY),
            units: now.before(UNITS),
            hours: now.before(USAGE_BY_HOUR),
            days: now.before(USAGE_BY_DAY),
            dead_keys: now.before(DEAD_KEY),
            sessions: now,
            alerts: now.before(ALERT_OVER),
        }
    }
}

/// Something that is too old, by its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stale {
    /// A request that ended, with all that belongs to it.
    Request(JobSeq),
    /// A webhook message that was taken or given up.
    Message(DeliverySeq),
    /// An idempotency key.
    Idempotency(UserId, String),
    /// A user's units of a window: its kind and its first instant.
    Units(UserId, i64, Timestamp),
    /// A user's tokens and money of a window.
    Usage(UserId, i64, Timestamp),
    /// A session or a link.
    Session(SessionId),
    /// An API key that opens nothing.
    ApiKey(KeyId),
    /// An alert that is over.
    Alert(AlertId),
}

/// A kind of [`Stale`]. Each is looked for by itself: one that takes long holds up no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StaleKind {
    /// [`Stale::Request`].
    Requests,
    /// [`Stale::Message`].
    Messages,
    /// [`Stale::Idempotency`].
    Idempotency,
    /// [`Stale::Units`].
    Units,
    /// [`Stale::Usage`].
    Usage,
    /// [`Stale::Session`].
    Sessions,
    /// [`Stale::ApiKey`].
    ApiKeys,
    /// [`Stale::Alert`].
    Alerts,
}

impl StaleKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Requests,
        Self::Messages,
        Self::Idempotency,
        Self::Units,
        Self::Usage,
        Self::Sessions,
        Self::ApiKeys,
        Self::Alerts,
    ];

    /// What log lines call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Messages => "webhook messages",
            Self::Idempotency => "idempotency keys",
            Self::Units => "units",
            Self::Usage => "usage",
            Self::Sessions => "sessions",
            Self::ApiKeys => "API keys",
            Self::Alerts => "alerts",
        }
    }
}

const fn hours(count: u64) -> Duration {
    Duration::from_secs(count * 3600)
}

const fn days(count: u64) -> Duration {
    hours(count * 24)
}
