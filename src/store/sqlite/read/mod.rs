//! The read side: read-only connections, each read limited in time.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::domain::alert::{Alert, AlertChannel};
use crate::domain::change::Follower;
use crate::domain::job::JobRecord;
use crate::domain::limits::UserCounts;
use crate::domain::session::Session;
use crate::domain::user::ApiKey;
use crate::domain::webhook::{DeliveryId, DeliveryRecord, DeliverySeq, Outgoing, PendingDelivery, Webhook};
use crate::domain::{
    Brief, JobId, JobSeq, KeyId, Money, QueuedJob, SessionId, Tier, Timestamp, User, UserId,
};
use crate::store::alerts::{AlertMessage, EndingKey, Spent};
use crate::store::inspection::{CallMade, Listed, ListedJob, Sought, SplitBy, Timeline};
use crate::store::ledger::{Billed, BilledQuery, Used, UsedQuery};
use crate::store::reads::LiveCharge;
use crate::store::reads::{GroupBy, JobQuery, KeyOwner, PastCalls, Spending, Stats};
use crate::store::retention::{Ages, Stale};
use crate::store::webhooks::DeliveryQuery;
use crate::store::{Reads, StoreError};

use super::pool::Pool;

mod accounts;
mod alerts;
mod backlog;
mod jobs;
mod ledger;
mod listing;
mod past;
mod sessions;
mod stale;
mod stats;
mod timeline;
mod usage;
mod webhooks;

pub(super) use sessions::has_operator;
pub(super) use webhooks::{DELIVERY_SELECT, delivery, webhook};

/// The longest a read may take.
const READ_LIMIT: Duration = Duration::from_secs(5);
/// The longest the start's reads may take.
const START_LIMIT: Duration = Duration::from_secs(120);
/// The longest a search may take that nobody's request waits for.
const SEARCH_LIMIT: Duration = Duration::from_secs(30);
/// Virtual-machine steps between two looks at the clock.
const STEPS_BETWEEN_LOOKS: i32 = 10_000;

pub(super) struct SqliteReads {
    pool: Pool,
}

impl SqliteReads {
    pub(super) fn new(pool: Pool) -> Self {
        Self { pool }
    }

    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.read_within(READ_LIMIT, work)
    }

    fn read_within<T>(
        &self,
        limit: Duration,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.pool.get().map_err(|_| StoreError::Busy)?;
        let deadline = Instant::now() + limit;
        connection.progress_handler(STEPS_BETWEEN_LOOKS, Some(move || Instant::now() > deadline))?;
        work(&connection)
    }
}

/// The interface, one line a read; what each does stands in the file of its question.
impl Reads for SqliteReads {
    fn job(&self, id: JobId) -> Result<Option<JobRecord>, StoreError> {
        self.read(|connection| jobs::job(connection, id))
    }

    fn jobs(&self, query: &JobQuery) -> Result<Vec<JobRecord>, StoreError> {
        self.read(|connection| jobs::page(connection, query))
    }

    fn live_jobs(&self, user: UserId) -> Result<Vec<JobRecord>, StoreError> {
        self.read(|connection| jobs::live(connection, user))
    }

    fn brief(&self, id: JobId) -> Result<Option<Brief>, StoreError> {
        self.read(|connection| jobs::brief(connection, id))
    }

    fn counts(&self, user: UserId, now: Timestamp) -> Result<UserCounts, StoreError> {
        self.read(|connection| usage::counts(connection, user, now))
    }

    fn spending(&self, user: UserId, now: Timestamp) -> Result<Spending, StoreError> {
        self.read(|connection| usage::spending(connection, user, now))
    }

    fn stats(&self, from: Timestamp, to: Timestamp, group_by: GroupBy) -> Result<Stats, StoreError> {
        self.read(|connection| stats::stats(connection, from, to, group_by))
    }

    fn listing(&self, sought: &Sought) -> Result<Listed, StoreError> {
        self.read(|connection| listing::page(connection, sought))
    }

    fn listed(&self, jobs: &[JobId]) -> Result<Vec<ListedJob>, StoreError> {
        self.read(|connection| listing::listed_all(connection, jobs))
    }

    fn calls(&self, seq: JobSeq) -> Result<Vec<CallMade>, StoreError> {
        self.read(|connection| listing::calls(connection, seq))
    }

    fn users_named(&self, beginning: &str) -> Result<Vec<UserId>, StoreError> {
        self.read(|connection| listing::users_named(connection, beginning))
    }

    fn timeline(
        &self,
        from: Timestamp,
        to: Timestamp,
        step_ms: i64,
        by: SplitBy,
    ) -> Result<Timeline, StoreError> {
        self.read(|connection| timeline::timeline(connection, from, to, step_ms, by))
    }

    fn past_calls(
        &self,
        after: (Timestamp, i64),
        to: Timestamp,
        limit: u32,
    ) -> Result<PastCalls, StoreError> {
        self.read(|connection| past::past_calls(connection, after, to, limit))
    }

    fn key_by_hash(&self, hash: &[u8; 32]) -> Result<Option<KeyOwner>, StoreError> {
        self.read(|connection| accounts::key_by_hash(connection, hash))
    }

    fn key(&self, id: &KeyId) -> Result<Option<ApiKey>, StoreError> {
        self.read(|connection| accounts::key(connection, id))
    }

    fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        self.read(accounts::keys)
    }

    fn user(&self, name: &str) -> Result<Option<User>, StoreError> {
        self.read(|connection| accounts::user(connection, name))
    }

    fn user_by_id(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.read(|connection| accounts::user_by_id(connection, id))
    }

    fn users(&self) -> Result<Vec<User>, StoreError> {
        self.read(accounts::users)
    }

    fn session(&self, id: SessionId, now: Timestamp) -> Result<Option<Session>, StoreError> {
        self.read(|connection| sessions::session(connection, id, now))
    }

    fn has_operator(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.read(|connection| has_operator(connection, now))
    }

    fn is_admin(&self, user: UserId, now: Timestamp) -> Result<bool, StoreError> {
        self.read(|connection| sessions::is_admin(connection, user, now))
    }

    fn password(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.read(|connection| accounts::password(connection, name))
    }

    fn identity_epoch(&self) -> Result<i64, StoreError> {
        self.read(|connection| accounts::setting(connection, "identity_epoch"))
    }

    fn tiers_changed_since(&self, epoch: i64) -> Result<Vec<(UserId, Tier)>, StoreError> {
        self.read(|connection| accounts::tiers_changed_since(connection, epoch))
    }

    fn each_queued(&self, hand_over: &mut dyn FnMut(QueuedJob)) -> Result<(), StoreError> {
        self.read_within(START_LIMIT, |connection| backlog::each_queued(connection, hand_over))
    }

    fn queued(&self, jobs: &[JobSeq]) -> Result<Vec<QueuedJob>, StoreError> {
        self.read_within(START_LIMIT, |connection| backlog::queued(connection, jobs))
    }

    fn followers(&self) -> Result<Vec<Follower>, StoreError> {
        self.read_within(START_LIMIT, backlog::followers)
    }

    fn webhook(&self, user: UserId, now: Timestamp) -> Result<Webhook, StoreError> {
        self.read(|connection| webhook(connection, user, now))
    }

    fn deliveries(&self, query: &DeliveryQuery) -> Result<Vec<DeliveryRecord>, StoreError> {
        self.read(|connection| webhooks::page(connection, query))
    }

    fn delivery(&self, user: UserId, id: DeliveryId) -> Result<Option<DeliveryRecord>, StoreError> {
        self.read(|connection| webhooks::one(connection, user, id))
    }

    fn outgoing(&self, seq: DeliverySeq, now: Timestamp) -> Result<Option<Outgoing>, StoreError> {
        self.read(|connection| webhooks::outgoing(connection, seq, now))
    }

    fn each_pending_delivery(&self, hand_over: &mut dyn FnMut(PendingDelivery)) -> Result<(), StoreError> {
        self.read_within(START_LIMIT, |connection| webhooks::each_pending(connection, hand_over))
    }

    fn live_charges(&self, since: Timestamp) -> Result<Vec<LiveCharge>, StoreError> {
        self.read_within(START_LIMIT, |connection| backlog::live_charges(connection, since))
    }

    fn used(&self, query: &UsedQuery) -> Result<Vec<Used>, StoreError> {
        self.read_within(SEARCH_LIMIT, |connection| ledger::used(connection, query))
    }

    fn billed(&self, query: &BilledQuery) -> Result<Vec<Billed>, StoreError> {
        self.read_within(SEARCH_LIMIT, |connection| ledger::billed(connection, query))
    }

    fn stale(&self, ages: &Ages, limit: u32) -> Result<Vec<Stale>, StoreError> {
        self.read_within(SEARCH_LIMIT, |connection| stale::stale(connection, ages, limit))
    }

    fn alerts(&self, limit: u32) -> Result<Vec<Alert>, StoreError> {
        self.read(|connection| alerts::alerts(connection, limit))
    }

    fn alerts_known(&self, since: Timestamp) -> Result<Vec<Alert>, StoreError> {
        self.read(|connection| alerts::known(connection, since))
    }

    fn alert_messages_due(
        &self,
        channel: AlertChannel,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<AlertMessage>, StoreError> {
        self.read(|connection| alerts::due(connection, channel, now, limit))
    }

    fn keys_ending(&self, from: Timestamp, to: Timestamp, limit: u32) -> Result<Vec<EndingKey>, StoreError> {
        self.read(|connection| alerts::ending_keys(connection, from, to, limit))
    }

    fn budgets_spent(
        &self,
        budgets: &[(Tier, Money)],
        share: f64,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Spent>, StoreError> {
        self.read(|connection| alerts::spent(connection, budgets, share, now.month(), limit))
    }

    fn paused(&self) -> Result<bool, StoreError> {
        self.read(|connection| Ok(accounts::setting(connection, "paused")? != 0))
    }
}
