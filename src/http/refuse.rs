//! The one place where errors of other rooms become status codes.

use hyper::StatusCode;
use serde_json::Value;

use crate::accounts::AccountError;
use crate::domain::{Money, Timestamp};
use crate::queue::{Fault, Refusal, RefusedLimit, Scope, SubmitError, Upgrade};
use crate::store::StoreError;

use super::auth::AuthError;
use super::call_limits::TooManyCalls;
use super::json::{refused, refused_field};
use super::problem::{FieldError, LimitInfo, Problem, UpgradeInfo};

/// What a user's name must be.
pub const BAD_NAME: &str =
    "Must be 1 to 128 bytes without slashes, control characters or spaces at the ends.";
/// Seconds after which a busy store has caught up.
const BUSY_SECONDS: u64 = 1;
/// Seconds after which a failing store or a stopping server is worth another try.
const RECOVERY_SECONDS: u64 = 5;

impl From<SubmitError> for Problem {
    fn from(reason: SubmitError) -> Self {
        match reason {
            SubmitError::Invalid(faults) => refused(field_errors(faults)),
            SubmitError::ModelForbidden { model, upgrade } => {
                let detail = format!(
                    "Your tier does not have the model {model:?}; leave model out to use your tier's own."
                );
                let mut problem = Self::new(StatusCode::FORBIDDEN, "tier_forbidden", detail);
                problem.upgrade = upgrade.map(UpgradeInfo::from);
                problem
            }
            SubmitError::Refused(refusal) => from_refusal(*refusal),
            SubmitError::KeyReused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "This Idempotency-Key came with another body before; use a new key for a new request.",
            ),
            SubmitError::ShuttingDown => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "shutting_down",
                "The server is stopping and took nothing; send the request again in a few seconds.",
            )
            .with_retry_after(RECOVERY_SECONDS),
            SubmitError::Store(reason) => Self::from(reason),
        }
    }
}

/// The queue's faults as a problem names them.
pub fn field_errors(faults: Vec<Fault>) -> Vec<FieldError> {
    let named = |fault: Fault| FieldError { pointer: fault.pointer.into_owned(), detail: fault.detail };
    faults.into_iter().map(named).collect()
}

fn from_refusal(refusal: Refusal) -> Problem {
    let wait = refusal.retry_after_seconds;
    let resets_at = refusal.resets_at;
    let allowed = refusal.allowed;
    let (status, code, name, detail) = match refusal.limit {
        RefusedLimit::Hour => (
            StatusCode::TOO_MANY_REQUESTS,
            "hourly_limit_exceeded",
            "hour",
            format!(
                "You have used all of this hour's requests ({allowed}); there is room again at {resets_at}."
            ),
        ),
        RefusedLimit::Day => (
            StatusCode::TOO_MANY_REQUESTS,
            "daily_limit_exceeded",
            "day",
            format!(
                "You have used all of this day's requests ({allowed}); there is room again at {resets_at}."
            ),
        ),
        RefusedLimit::Budget => (
            StatusCode::TOO_MANY_REQUESTS,
            "budget_exceeded",
            "budget",
            format!(
                "This could exceed your monthly budget of ${}; it is renewed at {resets_at}.",
                Money(allowed)
            ),
        ),
        RefusedLimit::UserBacklog => (
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_queued",
            "queued",
            format!(
                "As many of your requests wait as may ({allowed}); try again in {wait} s, or cancel one."
            ),
        ),
        RefusedLimit::ServerBacklog => (
            StatusCode::SERVICE_UNAVAILABLE,
            "queue_full",
            "server_queue",
            format!("The server's queue is full; nothing was taken. Try again in {wait} s."),
        ),
    };
    let amount = |amount: i64| match refusal.limit {
        RefusedLimit::Budget => Value::String(Money(amount).to_string()),
        RefusedLimit::Hour | RefusedLimit::Day | RefusedLimit::UserBacklog | RefusedLimit::ServerBacklog => {
            Value::from(amount)
        }
    };
    let mut problem = Problem::new(status, code, detail).with_retry_after(wait);
    problem.limit = Some(LimitInfo {
        name,
        scope: match refusal.scope {
            Scope::User => "user",
            Scope::Server => "server",
        },
        limit: amount(allowed),
        used: amount(refusal.used),
        remaining: amount(allowed.saturating_sub(refusal.used).max(0)),
        resets_at,
    });
    problem.upgrade = refusal.upgrade.map(UpgradeInfo::from);
    problem
}

impl From<Upgrade> for UpgradeInfo {
    fn from(upgrade: Upgrade) -> Self {
        Self { tier: upgrade.tier, message: upgrade.message, url: upgrade.url }
    }
}

impl From<StoreError> for Problem {
    fn from(reason: StoreError) -> Self {
        let unavailable = |detail| {
            Self::new(StatusCode::SERVICE_UNAVAILABLE, "storage_unavailable", detail)
                .with_retry_after(RECOVERY_SECONDS)
        };
        match reason {
            StoreError::Busy => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "queue_full",
                "The server is busy and took nothing; try again in a second.",
            )
            .with_retry_after(BUSY_SECONDS),
            StoreError::Full(reason) => Self::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "storage_full",
                "The server's disk is full and took nothing; its operator must make room.",
            )
            .with_retry_after(RECOVERY_SECONDS)
            .because("the disk is full; nothing is accepted", &reason),
            StoreError::TimedOut => {
                unavailable("The answer took too long to find; try again, or ask for less at once.")
            }
            StoreError::Closed => unavailable("The server is stopping; try again in a few seconds."),
            StoreError::Locked(reason) | StoreError::Incompatible(reason) | StoreError::Failed(reason) => {
                unavailable("The server's storage does not work; nothing was changed. Try again later.")
                    .because("the store failed", &reason)
            }
        }
    }
}

impl From<AccountError> for Problem {
    fn from(reason: AccountError) -> Self {
        match reason {
            AccountError::BadName(_) => refused_field("/name", BAD_NAME),
            AccountError::ShortPassword => refused_field("/password", format!("{reason}.")),
            AccountError::Hashing(_) => Self::internal(&reason),
            AccountError::Busy => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "sign_ins_full",
                "As many passwords are being checked as may be; try again in a second.",
            )
            .with_retry_after(BUSY_SECONDS),
            AccountError::Store(reason) => Self::from(reason),
        }
    }
}

impl From<AuthError> for Problem {
    fn from(reason: AuthError) -> Self {
        match reason {
            AuthError::Wrong | AuthError::Both => Self::unauthorized(reason.to_string()),
            AuthError::Store(reason) => Self::from(reason),
        }
    }
}

/// A call too many in this minute.
pub fn too_many_calls(refused: TooManyCalls, is_known: Known) -> Problem {
    let TooManyCalls { limit, free_at, retry_after_seconds } = refused;
    let wait = retry_after_seconds;
    let (scope, detail) = match is_known {
        Known::Caller => {
            ("user", format!("You make more than {limit} calls a minute; try again in {wait} s."))
        }
        Known::AddressOnly => (
            "server",
            format!(
                "The server takes {limit} calls a minute from one address without a good key, and counts a wrong \
                 key as ten; try again in {wait} s, or send a good key."
            ),
        ),
    };
    let mut problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail)
        .with_retry_after(retry_after_seconds);
    problem.limit = Some(limit_of_calls(scope, limit, free_at));
    problem
}

/// Who made too many calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// A caller.
    Caller,
    /// An address without good credentials.
    AddressOnly,
}

fn limit_of_calls(scope: &'static str, limit: u32, resets_at: Timestamp) -> LimitInfo {
    LimitInfo {
        name: "calls_per_minute",
        scope,
        limit: limit.into(),
        used: limit.into(),
        remaining: 0.into(),
        resets_at,
    }
}
