//! The write side: one transaction for a batch of commands, durable when it returns.

use std::collections::HashMap;
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::domain::job::JobRecord;
use crate::domain::user::Role;
use crate::domain::webhook::{DeliveryId, DeliverySeq, Tried, WriteMessage};
use crate::domain::{
    Change, Failure, JobId, JobSeq, JobState, KeyId, Money, SessionId, Tier, Timestamp, User, UserId,
};
use crate::store::alerts::AlertSaved;
use crate::store::commands::{
    Cancellation, Claim, ClaimOutcome, Owner, Recovered, Settled, Settlement, Submission, Submitted,
};
use crate::store::people::{NewKey, NewLink, NewSession, PasswordChange};
use crate::store::retention::{Ages, Stale};
use crate::store::sqlite::connection;
use crate::store::webhooks::{Enqueued, NewMessage, NewSecret, WebhookChanged};
use crate::store::writer::Backend;
use crate::store::{Commands, StoreError};

mod accounts;
mod alerts;
mod backlog;
pub(in crate::store::sqlite) mod books;
mod cache;
mod checkpoint;
mod claim;
mod end;
mod followers;
mod purge;
pub(in crate::store::sqlite) mod quota;
mod repair;
mod sessions;
mod settle;
mod submit;
mod upkeep;
mod webhooks;

use backlog::Backlog;
use checkpoint::Checkpoints;

/// How long the last copying back waits for whoever still reads the database: a backup may take
/// minutes, and the next start copies back what is left.
const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// The owner of the read-write connection.
pub(super) struct SqliteWriter {
    connection: Connection,
    backlog: Backlog,
    message: WriteMessage,
    /// Until the store closes.
    checkpoints: Option<Checkpoints>,
}

impl SqliteWriter {
    /// `beside` copies the write-ahead log back when the writer should not wait for it.
    pub(super) fn new(
        connection: Connection,
        beside: Connection,
        message: WriteMessage,
    ) -> Result<Self, StoreError> {
        let backlog = Backlog::count(&connection)?;
        let checkpoints = Some(Checkpoints::start(beside)?);
        Ok(Self { connection, backlog, message, checkpoints })
    }
}

impl Backend for SqliteWriter {
    fn transaction(
        &mut self,
        work: &mut dyn FnMut(&mut dyn Commands) -> Result<(), StoreError>,
    ) -> Result<Vec<Change>, StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut batch = Batch {
            transaction: &transaction,
            backlog: &self.backlog,
            message: &self.message,
            moves: HashMap::new(),
            counters: quota::Counters::default(),
            changes: Vec::new(),
        };
        work(&mut batch)?;
        batch.write_counters()?;
        let Batch { moves, changes, .. } = batch;
        transaction.commit()?;
        self.backlog.apply(&moves);
        Ok(changes)
    }

    fn tidy(&mut self) -> u64 {
        let Some(checkpoints) = &self.checkpoints else { return 0 };
        checkpoints.after_batch(&self.connection).unwrap_or_else(|reason| {
            tracing::error!(%reason, "the write-ahead log could not be checkpointed");
            0
        })
    }

    fn close(&mut self) {
        self.checkpoints = None;
        if let Err(reason) = self.connection.busy_timeout(CLOSE_WAIT) {
            tracing::warn!(%reason, "whoever still reads the database is waited for as long as ever");
        }
        if let Err(reason) = connection::fold_log(&self.connection) {
            tracing::error!(%reason, "the write-ahead log was not copied at the stop; the next start does it");
        }
    }
}

/// One transaction's commands, and what they change in memory once committed.
struct Batch<'a> {
    transaction: &'a Transaction<'a>,
    backlog: &'a Backlog,
    message: &'a WriteMessage,
    /// Waiting and running jobs gained or lost, by user.
    moves: HashMap<UserId, backlog::Move>,
    counters: quota::Counters,
    changes: Vec<Change>,
}

impl Batch<'_> {
    /// Notes that a job of `user` left one live state for another, or was made or ended.
    fn moved(&mut self, user: UserId, from: Option<JobState>, to: JobState) {
        let entry = self.moves.entry(user).or_default();
        if let Some(from) = from {
            entry.add(from, -1);
        }
        entry.add(to, 1);
    }

    /// A user's waiting and running jobs, this transaction's included.
    fn live(&self, user: UserId) -> (u32, u32) {
        let moved = self.moves.get(&user).copied().unwrap_or_default();
        self.backlog.of(user).plus(moved)
    }

    /// Everybody's waiting jobs, this transaction's included.
    fn queued_total(&self) -> i64 {
        self.backlog.queued_total() + self.moves.values().map(|moved| moved.queued).sum::<i64>()
    }
}

/// The interface, one line a command; what each does stands in the file of its question.
impl Commands for Batch<'_> {
    fn submit(&mut self, submission: &Submission) -> Result<Submitted, StoreError> {
        self.submit_job(submission)
    }

    fn claim(&mut self, claim: &Claim) -> Result<ClaimOutcome, StoreError> {
        self.claim_job(claim)
    }

    fn settle(&mut self, settlement: &Settlement) -> Result<Settled, StoreError> {
        self.settle_run(settlement)
    }

    fn cancel(&mut self, id: JobId, owner: Owner, at: Timestamp) -> Result<Cancellation, StoreError> {
        self.cancel_job(id, owner, at)
    }

    fn expire(&mut self, seq: JobSeq, at: Timestamp) -> Result<bool, StoreError> {
        self.end_waiting(seq, JobState::Expired, None, at)
    }

    fn expire_followers(&mut self, due: &[JobSeq], at: Timestamp) -> Result<u32, StoreError> {
        self.expire_due_followers(due, at)
    }

    fn fail_queued(&mut self, seq: JobSeq, failure: &Failure, at: Timestamp) -> Result<bool, StoreError> {
        self.fail_waiting(seq, failure, at)
    }

    fn retry_failed(&mut self, id: JobId, at: Timestamp) -> Result<Option<JobRecord>, StoreError> {
        self.retry_failed_job(id, at)
    }

    fn recover(&mut self, at: Timestamp) -> Result<Recovered, StoreError> {
        self.recover_all(at)
    }

    fn ensure_user(&mut self, name: &str, tier: Option<Tier>, at: Timestamp) -> Result<User, StoreError> {
        self.ensure(name, tier, at)
    }

    fn set_tier(&mut self, name: &str, tier: Tier, at: Timestamp) -> Result<Option<User>, StoreError> {
        self.change_tier(name, tier, at)
    }

    fn set_role(&mut self, name: &str, role: Role) -> Result<Option<User>, StoreError> {
        self.change_role(name, role)
    }

    fn set_disabled(
        &mut self,
        name: &str,
        disabled: bool,
        at: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        self.disable(name, disabled, at)
    }

    fn set_password(&mut self, name: &str, phc: &str) -> Result<bool, StoreError> {
        self.password(name, phc)
    }

    fn change_password(&mut self, change: &PasswordChange) -> Result<bool, StoreError> {
        self.password_by_session(change)
    }

    fn make_admin(&mut self, name: &str, at: Timestamp) -> Result<User, StoreError> {
        self.ensure_admin(name, at)
    }

    fn create_session(&mut self, user: UserId, phc: &str, new: &NewSession) -> Result<bool, StoreError> {
        self.session_by_password(user, phc, new)
    }

    fn create_link(&mut self, link: &NewLink) -> Result<(), StoreError> {
        self.insert_link(link)
    }

    fn redeem_link(&mut self, link: SessionId, new: &NewSession, admin: &str) -> Result<bool, StoreError> {
        self.redeem(link, new, admin)
    }

    fn end_session(&mut self, id: SessionId) -> Result<(), StoreError> {
        self.delete_session(id)
    }

    fn create_key(&mut self, key: &NewKey) -> Result<(), StoreError> {
        self.insert_key(key)
    }

    fn revoke_key(&mut self, id: &KeyId, at: Timestamp) -> Result<bool, StoreError> {
        self.revoke(id, at)
    }

    fn touch_keys(&mut self, uses: &[(KeyId, Timestamp)]) -> Result<(), StoreError> {
        self.touch(uses)
    }

    fn set_paused(&mut self, paused: bool) -> Result<(), StoreError> {
        self.pause(paused)
    }

    fn save_alerts(&mut self, saved: &[AlertSaved], at: Timestamp) -> Result<(), StoreError> {
        self.save_all_alerts(saved, at)
    }

    fn end_alert_message(&mut self, id: i64) -> Result<(), StoreError> {
        self.forget_alert_message(id)
    }

    fn put_off_alert_message(&mut self, id: i64, due_at: Timestamp) -> Result<(), StoreError> {
        self.delay_alert_message(id, due_at)
    }

    fn set_webhook(
        &mut self,
        user: UserId,
        url: Option<&str>,
        secret: &NewSecret,
    ) -> Result<WebhookChanged, StoreError> {
        self.set_webhook_url(user, url, secret)
    }

    fn rotate_webhook_secret(
        &mut self,
        user: UserId,
        secret: &NewSecret,
        previous_until: Timestamp,
    ) -> Result<WebhookChanged, StoreError> {
        self.rotate_secret(user, secret, previous_until)
    }

    fn ensure_webhook_secret(&mut self, user: UserId, secret: &NewSecret) -> Result<Vec<u8>, StoreError> {
        self.ensure_secret(user, secret)
    }

    fn enqueue_message(&mut self, message: &NewMessage) -> Result<Enqueued, StoreError> {
        self.enqueue(message)
    }

    fn redeliver(&mut self, user: UserId, id: DeliveryId, at: Timestamp) -> Result<Enqueued, StoreError> {
        self.deliver_again(user, id, at)
    }

    fn delivery_tried(&mut self, seq: DeliverySeq, tried: &Tried) -> Result<(), StoreError> {
        self.record_try(seq, tried)
    }

    fn note_prices(&mut self, prices: &[Option<Money>; 4], at: Timestamp) -> Result<(), StoreError> {
        self.note_all_prices(prices, at)
    }

    fn close_books(&mut self, until: Timestamp) -> Result<(), StoreError> {
        self.close_months(until)
    }

    fn heartbeat(&mut self, at: Timestamp) -> Result<(), StoreError> {
        self.beat(at)
    }

    fn purge(&mut self, stale: &[Stale], ages: &Ages) -> Result<u32, StoreError> {
        self.delete_stale(stale, ages)
    }

    fn trim_cache(&mut self, before: Timestamp, bytes_max: u64, limit: u32) -> Result<u32, StoreError> {
        self.trim(before, bytes_max, limit)
    }
}
