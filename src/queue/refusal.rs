//! Why a submission was not accepted, with what the caller needs to come back in time.

use std::time::Duration;

use crate::domain::limits::UserCounts;
use crate::domain::{JobSeq, Money, Tier, TierPolicy, Timestamp};
use crate::store::StoreError;
use crate::store::commands::RefusedBy;

use super::Rules;
use super::request::Fault;

/// Whose limit it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The caller's.
    User,
    /// The whole server's.
    Server,
}

/// Which limit stands against a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedLimit {
    /// Requests this UTC hour.
    Hour,
    /// Requests this UTC day.
    Day,
    /// Money this UTC month, in nano-dollars.
    Budget,
    /// The user's own waiting requests.
    UserBacklog,
    /// Everybody's waiting requests.
    ServerBacklog,
}

/// The tier that would lift a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// The lightest tier that would have let this through.
    pub tier: Tier,
    /// For the user.
    pub message: String,
    /// Where to upgrade.
    pub url: Option<String>,
}

/// A refused submission. It consumed nothing of any limit.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Which limit.
    pub limit: RefusedLimit,
    /// Whose.
    pub scope: Scope,
    /// Its size; requests, or nano-dollars for a budget.
    pub allowed: i64,
    /// What of it is used (for a budget: spent and held).
    pub used: i64,
    /// When there is room again, as far as is known.
    pub resets_at: Timestamp,
    /// Whole seconds until then.
    pub retry_after_seconds: u64,
    /// The tier that would lift it.
    pub upgrade: Option<Upgrade>,
    /// The user's counts as they stand.
    pub counts: UserCounts,
}

/// Why a submission was not accepted.
#[derive(Debug)]
pub enum SubmitError {
    /// The body breaks rules.
    Invalid(Vec<Fault>),
    /// The tier does not have the asked model.
    ModelForbidden {
        /// The model.
        model: String,
        /// The tier that has it.
        upgrade: Option<Upgrade>,
    },
    /// A limit stands against it.
    Refused(Box<Refusal>),
    /// The idempotency key came with another body before.
    KeyReused,
    /// The server is stopping.
    ShuttingDown,
    /// The store could not take it; nothing was accepted.
    Store(StoreError),
}

impl From<StoreError> for SubmitError {
    fn from(reason: StoreError) -> Self {
        Self::Store(reason)
    }
}

/// Seconds to wait for room in a backlog when nothing better is known.
const BACKLOG_WAIT: Duration = Duration::from_secs(1);

/// When a submission was counted, and when its caller is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// Its windows are those of this instant: the store may have taken a while.
    pub(super) counted: Timestamp,
    pub(super) told: Timestamp,
}

/// A refusal with its waiting time and upgrade, from the store's bare verdict.
pub(super) fn explain(
    by: RefusedBy,
    counts: UserCounts,
    held: Money,
    tier: Tier,
    rules: &Rules,
    times: Times,
    backlog_wait_seconds: Option<u64>,
) -> Refusal {
    let policy = rules.tiers.of(tier);
    let Times { counted, told } = times;
    let backlog_ends = told.after(backlog_wait_seconds.map_or(BACKLOG_WAIT, Duration::from_secs));
    let (limit, scope, allowed, used, resets_at) = match by {
        RefusedBy::Hour => (
            RefusedLimit::Hour,
            Scope::User,
            policy.requests_per_hour.into(),
            counts.hour.into(),
            Timestamp(counted.hour().0 + crate::domain::time::HOUR_MS),
        ),
        RefusedBy::Day => (
            RefusedLimit::Day,
            Scope::User,
            policy.requests_per_day.into(),
            counts.day.into(),
            Timestamp(counted.day().0 + crate::domain::time::DAY_MS),
        ),
        RefusedBy::Budget => (
            RefusedLimit::Budget,
            Scope::User,
            policy.monthly_budget.unwrap_or_default().0,
            (counts.month_cost + counts.month_reserved).0,
            counted.next_month(),
        ),
        RefusedBy::UserBacklog => (
            RefusedLimit::UserBacklog,
            Scope::User,
            policy.max_queued.into(),
            counts.queued.into(),
            backlog_ends,
        ),
        RefusedBy::ServerBacklog => (
            RefusedLimit::ServerBacklog,
            Scope::Server,
            rules.max_queued.into(),
            rules.max_queued.into(),
            backlog_ends,
        ),
    };
    Refusal {
        limit,
        scope,
        allowed,
        used,
        resets_at,
        retry_after_seconds: told.seconds_until(resets_at),
        upgrade: upgrade(by, counts, held, tier, rules),
        counts,
    }
}

fn upgrade(by: RefusedBy, counts: UserCounts, held: Money, tier: Tier, rules: &Rules) -> Option<Upgrade> {
    let lifted = |policy: &TierPolicy| match by {
        RefusedBy::Hour => counts.hour < policy.requests_per_hour && counts.day < policy.requests_per_day,
        RefusedBy::Day => counts.day < policy.requests_per_day,
        RefusedBy::Budget => policy
            .monthly_budget
            .is_none_or(|budget| counts.month_cost + counts.month_reserved + held <= budget),
        RefusedBy::UserBacklog => counts.queued < policy.max_queued,
        RefusedBy::ServerBacklog => false,
    };
    let better = rules.upgrade(tier, lifted)?;
    let policy = rules.tiers.of(better);
    let gain = match by {
        RefusedBy::Hour => format!("{} requests an hour", policy.requests_per_hour),
        RefusedBy::Day => format!("{} requests a day", policy.requests_per_day),
        RefusedBy::Budget => policy
            .monthly_budget
            .map_or("no monthly budget".into(), |budget| format!("a monthly budget of ${}", trimmed(budget))),
        RefusedBy::UserBacklog => format!("{} waiting requests", policy.max_queued),
        RefusedBy::ServerBacklog => return None,
    };
    Some(named(better, format!("The {better} tier has {gain}."), policy))
}

/// An upgrade to `tier`, with its price and link.
pub(super) fn named(tier: Tier, message: String, policy: &TierPolicy) -> Upgrade {
    let price = policy.price_usd_month.map(|price| format!(" It costs ${} a month.", trimmed(price)));
    Upgrade { tier, message: message + &price.unwrap_or_default(), url: policy.upgrade_url.clone() }
}

/// Dollars without trailing zeros.
fn trimmed(amount: Money) -> String {
    let text = amount.to_string();
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What the store needs to be asked about a backlog refusal.
pub(super) fn waits_for(by: RefusedBy, oldest: Option<JobSeq>) -> Option<JobSeq> {
    oldest.filter(|_| by == RefusedBy::UserBacklog)
}
