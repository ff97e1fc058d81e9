//! Every read, named for its intent. Each is limited in time; callers on the runtime go through
//! [`super::Store::read`](super) and never block a worker thread.

use crate::domain::alert::{Alert, AlertChannel};
use crate::domain::change::Follower;
use crate::domain::id::JobSeq;
use crate::domain::job::JobRecord;
use crate::domain::limits::UserCounts;
use crate::domain::past::PastCall;
use crate::domain::session::Session;
use crate::domain::user::ApiKey;
use crate::domain::webhook::{DeliveryId, DeliveryRecord, DeliverySeq, Outgoing, PendingDelivery, Webhook};
use crate::domain::{
    Brief, JobId, JobState, KeyId, LaneName, Money, QueuedJob, SessionId, Tier, Timestamp, TokenUsage, User,
    UserId,
};

use super::StoreError;
use super::alerts::{AlertMessage, EndingKey, Spent};
use super::inspection::{CallMade, Listed, ListedJob, Sought, SplitBy, Timeline};
use super::ledger::{Billed, BilledQuery, Used, UsedQuery};
use super::retention::{Ages, Stale};
use super::webhooks::DeliveryQuery;

/// A list of jobs to read, newest first.
#[derive(Clone, Debug)]
pub struct JobQuery {
    /// Only this user's; `None`: everybody's.
    pub user: Option<UserId>,
    /// Only in this state.
    pub state: Option<JobState>,
    /// Only accepted before this one (the cursor).
    pub before: Option<JobSeq>,
    /// At most so many.
    pub limit: u32,
}

/// A user's tokens and money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spending {
    /// Tokens this UTC day.
    pub today: TokenUsage,
    /// Tokens this UTC month.
    pub month: TokenUsage,
    /// Cost this UTC day.
    pub cost_today: Money,
    /// Cost this UTC month.
    pub cost_month: Money,
    /// Answers from the cache this UTC month.
    pub cache_hits: u64,
    /// What they would have cost.
    pub cache_saved: Money,
}

/// How statistics are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// UTC hour of acceptance.
    Hour,
    /// UTC day of acceptance.
    Day,
    /// User's name.
    User,
    /// Tier at submission.
    Tier,
    /// Model of the last call.
    Model,
    /// Diagram language.
    DiagramType,
}

/// Spread of a duration over jobs, in milliseconds. `None` when there is no sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Percentiles {
    /// Median.
    pub p50: Option<u64>,
    /// 95th percentile (nearest rank).
    pub p95: Option<u64>,
    /// 99th percentile (nearest rank).
    pub p99: Option<u64>,
}

/// Counts of one group of jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Jobs accepted.
    pub submitted: u64,
    /// Of these, completed by now.
    pub completed: u64,
    /// Failed.
    pub failed: u64,
    /// Cancelled.
    pub cancelled: u64,
    /// Expired.
    pub expired: u64,
    /// Answered from the cache.
    pub cache_hits: u64,
    /// Completed after a mend.
    pub repaired: u64,
    /// Calls beyond the first of each job.
    pub retries: u64,
    /// All input tokens, cache reads and writes included.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// Cost.
    pub cost_usd: Money,
    /// What cache hits would have cost.
    pub saved_usd: Money,
    /// Acceptance to first claim.
    pub wait_ms: Percentiles,
    /// First claim to end.
    pub service_ms: Percentiles,
}

/// Statistics over a span of acceptance times.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// All jobs.
    pub totals: Figures,
    /// By group key, in the key's order (times rising, names alphabetical).
    pub groups: Vec<(String, Figures)>,
}

/// A credential's owner, looked up by the key's hash.
#[derive(Clone, Debug)]
pub struct KeyOwner {
    /// The key.
    pub key: ApiKey,
    /// Its owner.
    pub user: User,
}

/// Usage that survives restarts, to rebuild a lane's budgets.
#[derive(Clone, Debug)]
pub struct LiveCharge {
    /// The upstream.
    pub lane: LaneName,
    /// When the request counts from.
    pub sent_at: Timestamp,
    /// When the output counts from.
    pub ended_at: Timestamp,
    /// Tokens, actual or (for a lost call) as estimated.
    pub usage: TokenUsage,
}

/// A page of calls that are over.
#[derive(Clone, Debug)]
pub struct PastCalls {
    /// The calls.
    pub calls: Vec<PastCall>,
    /// End and row of the last one, where the next page begins; `None`: there are no more.
    pub last: Option<(Timestamp, i64)>,
}

/// Reads. Every method may be called from any thread and blocks for at most the read limit.
pub trait Reads: Send + Sync {
    /// One job; `None` when unknown.
    fn job(&self, id: JobId) -> Result<Option<JobRecord>, StoreError>;
    /// A page of jobs.
    fn jobs(&self, query: &JobQuery) -> Result<Vec<JobRecord>, StoreError>;
    /// What a job was asked.
    fn brief(&self, id: JobId) -> Result<Option<Brief>, StoreError>;
    /// A user's counts at `now`.
    fn counts(&self, user: UserId, now: Timestamp) -> Result<UserCounts, StoreError>;
    /// A user's tokens and money at `now`.
    fn spending(&self, user: UserId, now: Timestamp) -> Result<Spending, StoreError>;
    /// Statistics over `from..to`; at most 10,000 groups.
    fn stats(&self, from: Timestamp, to: Timestamp, group_by: GroupBy) -> Result<Stats, StoreError>;

    /// A page of everybody's jobs.
    fn listing(&self, sought: &Sought) -> Result<Listed, StoreError>;
    /// These jobs as a list shows them, in the order given; those that are gone are left out.
    fn listed(&self, jobs: &[JobId]) -> Result<Vec<ListedJob>, StoreError>;
    /// The calls made for a job, in order; at most 200.
    fn calls(&self, seq: JobSeq) -> Result<Vec<CallMade>, StoreError>;
    /// Users whose names begin so; at most 1,000.
    fn users_named(&self, beginning: &str) -> Result<Vec<UserId>, StoreError>;
    /// Figures of what was accepted in `from..to`, by spans of so many milliseconds.
    fn timeline(
        &self,
        from: Timestamp,
        to: Timestamp,
        step_ms: i64,
        by: SplitBy,
    ) -> Result<Timeline, StoreError>;

    /// Calls that were sent and ended after that end and row, and before `to`, in the order of their
    /// ends; at most `limit`.
    fn past_calls(&self, after: (Timestamp, i64), to: Timestamp, limit: u32)
    -> Result<PastCalls, StoreError>;

    /// The key with this SHA-256 and its owner, revoked or not.
    fn key_by_hash(&self, hash: &[u8; 32]) -> Result<Option<KeyOwner>, StoreError>;
    /// One key by its public id.
    fn key(&self, id: &KeyId) -> Result<Option<ApiKey>, StoreError>;
    /// Every key, newest first.
    fn keys(&self) -> Result<Vec<ApiKey>, StoreError>;
    /// One user by name.
    fn user(&self, name: &str) -> Result<Option<User>, StoreError>;
    /// One user by row number.
    fn user_by_id(&self, id: UserId) -> Result<Option<User>, StoreError>;
    /// Every user, by name.
    fn users(&self) -> Result<Vec<User>, StoreError>;
    /// A session that is good at `now`, its user not disabled.
    fn session(&self, id: SessionId, now: Timestamp) -> Result<Option<Session>, StoreError>;
    /// Whether anybody can sign in as an admin, or holds an admin key that is good.
    fn has_operator(&self, now: Timestamp) -> Result<bool, StoreError>;
    /// Whether a user may do everything: as an admin, or by an admin key that is good.
    fn is_admin(&self, user: UserId, now: Timestamp) -> Result<bool, StoreError>;
    /// The argon2id hash of a user's password.
    fn password(&self, name: &str) -> Result<Option<String>, StoreError>;
    /// A number that moves whenever a user or key changes, also from another process.
    fn identity_epoch(&self) -> Result<i64, StoreError>;

    /// Users whose tier changed after `epoch`, with the tier now.
    fn tiers_changed_since(&self, epoch: i64) -> Result<Vec<(UserId, Tier)>, StoreError>;
    /// This user's jobs that wait or run, oldest first; at most 1,000.
    fn live_jobs(&self, user: UserId) -> Result<Vec<JobRecord>, StoreError>;

    /// Every job that waits for a call of its own, in order of acceptance, handed over one by one.
    fn each_queued(&self, hand_over: &mut dyn FnMut(QueuedJob)) -> Result<(), StoreError>;
    /// Those of `jobs` that wait, in the order given.
    fn queued(&self, jobs: &[JobSeq]) -> Result<Vec<QueuedJob>, StoreError>;
    /// Every job that shares another one's call, in order of acceptance.
    fn followers(&self) -> Result<Vec<Follower>, StoreError>;
    /// A user's webhook; one that was never set is empty.
    fn webhook(&self, user: UserId, now: Timestamp) -> Result<Webhook, StoreError>;
    /// A page of deliveries.
    fn deliveries(&self, query: &DeliveryQuery) -> Result<Vec<DeliveryRecord>, StoreError>;
    /// One delivery of a user's.
    fn delivery(&self, user: UserId, id: DeliveryId) -> Result<Option<DeliveryRecord>, StoreError>;
    /// A delivery as it is to be sent at `now`; `None` when it waits no more.
    fn outgoing(&self, seq: DeliverySeq, now: Timestamp) -> Result<Option<Outgoing>, StoreError>;
    /// Every delivery that waits, in order, handed over one by one.
    fn each_pending_delivery(&self, hand_over: &mut dyn FnMut(PendingDelivery)) -> Result<(), StoreError>;
    /// Charges whose life may cover `now`: ended after `since`.
    fn live_charges(&self, since: Timestamp) -> Result<Vec<LiveCharge>, StoreError>;
    /// What users' calls used, by user and then by time.
    fn used(&self, query: &UsedQuery) -> Result<Vec<Used>, StoreError>;
    /// What requests cost, by the time of their acceptance.
    fn billed(&self, query: &BilledQuery) -> Result<Vec<Billed>, StoreError>;
    /// What is too old, at most `limit` of each kind, the oldest requests first.
    fn stale(&self, ages: &Ages, limit: u32) -> Result<Vec<Stale>, StoreError>;
    /// At most `limit` alerts: those that stand, then the latest that are over.
    fn alerts(&self, limit: u32) -> Result<Vec<Alert>, StoreError>;
    /// The alerts that stand, and those raised since.
    fn alerts_known(&self, since: Timestamp) -> Result<Vec<Alert>, StoreError>;
    /// At most `limit` messages of alerts that are due on this channel, oldest first.
    fn alert_messages_due(
        &self,
        channel: AlertChannel,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<AlertMessage>, StoreError>;
    /// At most `limit` keys in force that end in `from..=to`, soonest first.
    fn keys_ending(&self, from: Timestamp, to: Timestamp, limit: u32) -> Result<Vec<EndingKey>, StoreError>;
    /// Of each of these tiers, at most `limit` users who have spent that share of its budget in the
    /// UTC month of `now`.
    fn budgets_spent(
        &self,
        budgets: &[(Tier, Money)],
        share: f64,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Spent>, StoreError>;

    /// Whether the operator paused the queue.
    fn paused(&self) -> Result<bool, StoreError>;
}
