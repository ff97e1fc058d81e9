//! Why a request ended without a diagram, in words for the user.

use serde::{Deserialize, Serialize};

/// The `error` of a failed request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Stable, machine-readable.
    pub code: FailureCode,
    /// What happened and what to do next; never a secret, never the upstream's raw body.
    pub message: String,
    /// Whether a later try of the same request could succeed.
    pub retryable: bool,
}

/// The closed list of failure codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    /// The model declined to answer.
    Refused,
    /// The upstream rejected the request as invalid.
    UpstreamRejected,
    /// Attempts are used up: the upstream kept failing.
    UpstreamUnavailable,
    /// The upstream took longer than `generation.timeout`, attempts used up.
    UpstreamTimeout,
    /// The model answered without any diagram in it.
    NoDiagram,
    /// The user's monthly budget would have been exceeded.
    BudgetExceeded,
    /// No configured upstream serves the asked model.
    ModelUnavailable,
    /// A fault of this server.
    Internal,
}

impl FailureCode {
    /// Every code.
    pub const ALL: [Self; 8] = [
        Self::Refused,
        Self::UpstreamRejected,
        Self::UpstreamUnavailable,
        Self::UpstreamTimeout,
        Self::NoDiagram,
        Self::BudgetExceeded,
        Self::ModelUnavailable,
        Self::Internal,
    ];

    /// Whether the user gets the hourly and daily unit back: every failure that the user did
    /// not cause. An answer without a diagram is what was asked for, and was paid for: a unit
    /// that came back would make it a free conversation with the model.
    pub const fn returns_unit(self) -> bool {
        match self {
            Self::Refused | Self::NoDiagram => false,
            Self::UpstreamRejected
            | Self::UpstreamUnavailable
            | Self::UpstreamTimeout
            | Self::BudgetExceeded
            | Self::ModelUnavailable
            | Self::Internal => true,
        }
    }

    /// Whether an equal request in its place would have met the same: those that share its call
    /// fail with it. A budget is the user's own.
    pub const fn meets_equals(self) -> bool {
        match self {
            Self::BudgetExceeded => false,
            Self::Refused
            | Self::UpstreamRejected
            | Self::UpstreamUnavailable
            | Self::UpstreamTimeout
            | Self::NoDiagram
            | Self::ModelUnavailable
            | Self::Internal => true,
        }
    }

    /// The name used in answers and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::UpstreamRejected => "upstream_rejected",
            Self::UpstreamUnavailable => "upstream_unavailable",
            Self::UpstreamTimeout => "upstream_timeout",
            Self::NoDiagram => "no_diagram",
            Self::BudgetExceeded => "budget_exceeded",
            Self::ModelUnavailable => "model_unavailable",
            Self::Internal => "internal",
        }
    }

    /// The code with this name; `None` when there is none.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.name() == name)
    }
}
