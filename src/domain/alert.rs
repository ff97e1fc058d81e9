//! Alerts: what the operator should know before users tell it.

use std::fmt;

use serde::{Serialize, Serializer};

use super::Timestamp;

/// An alert's name in answers and messages: `alert_` and 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AlertId(pub [u8; 16]);

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "alert_{:032x}", u128::from_be_bytes(self.0))
    }
}

impl Serialize for AlertId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// A limit a minute of an upstream is nearly used.
    UpstreamLimit,
    /// A user's budget of the month is nearly spent.
    Budget,
    /// An upstream stopped: key, account or model.
    UpstreamPaused,
    /// An upstream does not answer.
    UpstreamDown,
    /// The oldest waiting request waits too long.
    QueueAge,
    /// Too many requests fail.
    FailureRate,
    /// The disk is nearly full.
    DiskSpace,
    /// A key's end is near.
    KeyExpiry,
}

impl AlertKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::UpstreamLimit,
        Self::Budget,
        Self::UpstreamPaused,
        Self::UpstreamDown,
        Self::QueueAge,
        Self::FailureRate,
        Self::DiskSpace,
        Self::KeyExpiry,
    ];

    /// The name used in answers and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UpstreamLimit => "upstream_limit",
            Self::Budget => "budget",
            Self::UpstreamPaused => "upstream_paused",
            Self::UpstreamDown => "upstream_down",
            Self::QueueAge => "queue_age",
            Self::FailureRate => "failure_rate",
            Self::DiskSpace => "disk_space",
            Self::KeyExpiry => "key_expiry",
        }
    }

    /// The kind with this name; `None` when there is none.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// How much an alert matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertLevel {
    /// Look at it soon.
    Warning,
    /// Requests wait or fail for it, or soon will.
    Critical,
}

impl AlertLevel {
    /// The name used in answers and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// The level with this name; `None` when there is none.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Warning, Self::Critical].into_iter().find(|level| level.name() == name)
    }
}

/// An alert from its raising to its end.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// Its name.
    pub id: AlertId,
    /// What tells it from other alerts that may be active beside it, such as
    /// `upstream_limit/main/tokens/0.8`. At most one alert of a key is active.
    #[serde(skip)]
    pub key: String,
    /// What it is about.
    pub kind: AlertKind,
    /// How much it matters.
    pub level: AlertLevel,
    /// What it is about by name: an upstream, a user, a key; `server` for the server itself.
    pub subject: String,
    /// What is the matter and what to do, for a person; never a secret.
    pub message: String,
    /// The figure that raised it: a share, or seconds; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// The bound that the figure crossed, in the same unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// Since when.
    pub raised_at: Timestamp,
    /// Until when; absent while it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Timestamp>,
}

/// What is told of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertTurn {
    /// It began.
    Raised,
    /// It is over.
    Resolved,
}

impl AlertTurn {
    /// The name used in messages and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Resolved => "resolved",
        }
    }

    /// The turn with this name; `None` when there is none.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Raised, Self::Resolved].into_iter().find(|turn| turn.name() == name)
    }
}

/// How the operator is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AlertChannel {
    /// `alerts.webhook_url`.
    Webhook,
    /// `[alerts.email]`.
    Email,
}

impl AlertChannel {
    /// Every channel; `ALL[channel as usize] == channel`.
    pub const ALL: [Self; 2] = [Self::Webhook, Self::Email];

    /// The name used in the log and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Email => "email",
        }
    }

    /// The channel with this name; `None` when there is none.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name() == name)
    }
}
