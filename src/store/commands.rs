//! Every write, named for its intent. One call is one statement of purpose; a backend runs many
//! of them in one transaction and reports what they changed as [`Change`](crate::domain::Change)s
//! after the commit.

use crate::domain::id::JobSeq;
use crate::domain::job::{Bill, Claimed, JobRecord, Outcome};
use crate::domain::lane::LaneName;
use crate::domain::limits::UserCounts;
use crate::domain::user::Role;
use crate::domain::webhook::{DeliveryId, DeliverySeq, Tried};
use crate::domain::{Failure, JobId, KeyId, Money, NewJob, Repair, SessionId, Tier, Timestamp, User, UserId};

use super::StoreError;
use super::alerts::AlertSaved;
use super::people::{NewKey, NewLink, NewSession, PasswordChange};
use super::retention::{Ages, Stale};
use super::webhooks::{Enqueued, NewMessage, NewSecret, WebhookChanged};

/// A submission with the limits that it must meet, checked and charged in one step.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The job.
    pub job: NewJob,
    /// Limits in force for its user.
    pub limits: SubmitLimits,
    /// Kept answers younger than this may serve; `None`: none may.
    pub kept_since: Option<Timestamp>,
    /// Jobs that may share the call of an equal one at most; 0: none shares.
    pub followers_max: u32,
    /// The caller's idempotency key and the SHA-256 of the body it came with.
    pub idempotency: Option<(String, [u8; 32])>,
}

/// Limits of one submission.
#[derive(Clone, Copy, Debug)]
pub struct SubmitLimits {
    /// Units a UTC hour.
    pub per_hour: u32,
    /// Units a UTC day.
    pub per_day: u32,
    /// This user's waiting jobs.
    pub max_queued_user: u32,
    /// Everybody's waiting jobs.
    pub max_queued_server: u32,
    /// Spending a UTC month.
    pub monthly_budget: Option<Money>,
}

/// What became of a submission. Nothing but `Accepted` and `Answered` consumed anything.
#[derive(Clone, Debug)]
pub enum Submitted {
    /// On disk once the transaction commits.
    Accepted {
        /// Place of acceptance.
        seq: JobSeq,
        /// The user's counts after it.
        counts: UserCounts,
    },
    /// On disk once the transaction commits, and over: the cache had its answer.
    Answered {
        /// Place of acceptance.
        seq: JobSeq,
        /// The user's counts after it.
        counts: UserCounts,
        /// What its calls would have cost.
        saved: Money,
    },
    /// The same key with the same body was accepted before, as this job.
    Replayed(JobId),
    /// The same key came with another body.
    KeyReused,
    /// A limit stands against it.
    Refused {
        /// Which.
        limit: RefusedBy,
        /// The user's counts as they stand.
        counts: UserCounts,
        /// The user's job that has waited longest, when the user's backlog refused it.
        oldest: Option<JobSeq>,
    },
}

/// The limit that refused a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedBy {
    /// Units of this hour.
    Hour,
    /// Units of this day.
    Day,
    /// The month's money.
    Budget,
    /// The user's own backlog.
    UserBacklog,
    /// The server's backlog.
    ServerBacklog,
}

/// A claim to write before the upstream call (write-ahead intent).
#[derive(Clone, Debug)]
pub struct Claim {
    /// The job.
    pub seq: JobSeq,
    /// Its completed runs; the claim fails when this has moved.
    pub run: u32,
    /// The upstream.
    pub lane: LaneName,
    /// Its protocol: the `provider` of status answers.
    pub provider: &'static str,
    /// The model to ask.
    pub model: String,
    /// Input tokens held.
    pub estimated_input: u32,
    /// Output tokens held.
    pub estimated_output: u32,
    /// Monthly budgets in force, by [`Tier::index`].
    pub budgets: [Option<Money>; 4],
    /// Now.
    pub at: Timestamp,
}

/// What became of a claim.
#[derive(Clone, Debug)]
pub enum ClaimOutcome {
    /// Committed with the transaction.
    Claimed(Box<Claimed>),
    /// The job was not waiting any more.
    Gone,
    /// The user's monthly budget stands against another call; the job failed.
    BudgetExceeded,
}

/// What a call used, recorded on its attempt.
#[derive(Clone, Debug)]
pub struct CallRecord {
    /// When the first byte left; `None` when nothing was sent.
    pub sent_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Tokens and cost.
    pub bill: Bill,
    /// Whether the call failed or ended the job (it then counts in `attempts`).
    pub counts: bool,
}

/// What becomes of the job with the end of a call.
#[derive(Clone, Debug)]
pub enum JobEnd {
    /// Completed. The unit goes back when [`Outcome::returns_unit`].
    Completed(Outcome),
    /// Failed; `outcome.failure` says why. The unit goes back when `return_unit`.
    Failed {
        /// With `failure` set.
        outcome: Outcome,
        /// Whether the user gets the hourly and daily unit back.
        return_unit: bool,
    },
    /// Back to its place.
    Requeued {
        /// Not before.
        retry_at: Option<Timestamp>,
        /// Whether the call counts towards `max_attempts`.
        strike: bool,
        /// Whether a call failed.
        failed: bool,
        /// In plain words.
        reason: &'static str,
    },
    /// Back to its place, for a call that corrects the source which the parser refused. Should
    /// that call not be made or not help, the job completes with the source as it is.
    Repair {
        /// The source and what is wrong with it.
        repair: Box<Repair>,
        /// Input tokens that the call is to hold.
        estimated_input: u32,
        /// The most that the call can cost.
        reserved: Money,
    },
    /// Its deadline passed. The unit goes back when no call was sent for this run and no
    /// earlier one wrote anything.
    Expired,
}

/// The end of one run.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// The job.
    pub seq: JobSeq,
    /// The run that ended.
    pub run: u32,
    /// The call.
    pub call: CallRecord,
    /// The job.
    pub end: JobEnd,
    /// Bytes that kept answers may have together, when this one may be kept for equal requests.
    pub cache_bytes_max: Option<u64>,
}

/// What became of a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The job moved.
    Moved,
    /// The job had already ended (cancelled, say): only the call was recorded.
    Superseded,
}

/// What became of a cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancellation {
    /// Now cancelled.
    Cancelled,
    /// Was cancelled before.
    AlreadyCancelled,
    /// Ended otherwise; cannot be cancelled.
    NotCancellable,
    /// No such job of this owner.
    Unknown,
}

/// Who may touch a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// One user.
    User(UserId),
    /// An admin: anybody's.
    Anyone,
}

/// What was in flight when the server died.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Jobs put back into the queue, in the order of their arrival.
    pub requeued: Vec<JobSeq>,
}

/// Writes of one transaction. An error rolls the whole transaction back.
pub trait Commands {
    /// Checks the limits and the idempotency key, charges the units and stores the job.
    fn submit(&mut self, submission: &Submission) -> Result<Submitted, StoreError>;
    /// Queued to processing, with the call's intent.
    fn claim(&mut self, claim: &Claim) -> Result<ClaimOutcome, StoreError>;
    /// Ends a run: records its call and moves its job, if the job still is in that run.
    fn settle(&mut self, settlement: &Settlement) -> Result<Settled, StoreError>;
    /// Queued or processing to cancelled. A unit goes back if it was queued.
    fn cancel(&mut self, id: JobId, owner: Owner, at: Timestamp) -> Result<Cancellation, StoreError>;
    /// Queued to expired: the deadline passed. The unit goes back.
    fn expire(&mut self, seq: JobSeq, at: Timestamp) -> Result<bool, StoreError>;
    /// Those of `due` that follow another job expire: their deadlines passed. A unit goes back when
    /// no call runs that they share. Returns how many.
    fn expire_followers(&mut self, due: &[JobSeq], at: Timestamp) -> Result<u32, StoreError>;
    /// A queued job fails before any call. The unit goes back.
    fn fail_queued(&mut self, seq: JobSeq, failure: &Failure, at: Timestamp) -> Result<bool, StoreError>;
    /// Failed to queued, by an operator; `None` when there is no such failed job.
    fn retry_failed(&mut self, id: JobId, at: Timestamp) -> Result<Option<JobRecord>, StoreError>;
    /// At start: every processing job goes back to its place, every open call is marked lost
    /// and charged from `at` on.
    fn recover(&mut self, at: Timestamp) -> Result<Recovered, StoreError>;

    /// The user with this name, made with `tier` on first sight. An existing user's tier is
    /// set to `tier` when `Some` and different.
    fn ensure_user(&mut self, name: &str, tier: Option<Tier>, at: Timestamp) -> Result<User, StoreError>;
    /// Changes a user's tier; `None` when there is no such user.
    fn set_tier(&mut self, name: &str, tier: Tier, at: Timestamp) -> Result<Option<User>, StoreError>;
    /// Lets a user open the operator's page, or no more; `None` when there is no such user.
    fn set_role(&mut self, name: &str, role: Role) -> Result<Option<User>, StoreError>;
    /// Disables or enables a user; `None` when there is no such user. Disabling twice keeps the first
    /// time.
    fn set_disabled(&mut self, name: &str, disabled: bool, at: Timestamp)
    -> Result<Option<User>, StoreError>;
    /// Sets the argon2id hash of a user's password, and ends the user's sessions and links; `false`
    /// when there is no such user.
    fn set_password(&mut self, name: &str, phc: &str) -> Result<bool, StoreError>;
    /// Sets it by a session, which stays as one that a password opened; the user's other ones and
    /// links end. `false`, and nothing is done, when the session is over or the password is not
    /// what it was.
    fn change_password(&mut self, change: &PasswordChange) -> Result<bool, StoreError>;
    /// Lets a user open the operator's page; the user is made when there is none of the name.
    fn make_admin(&mut self, name: &str, at: Timestamp) -> Result<User, StoreError>;
    /// Stores a session of a user whose password still is `phc`; the oldest make room when there are
    /// too many. `false` when it is not, or the user is disabled.
    fn create_session(&mut self, user: UserId, phc: &str, new: &NewSession) -> Result<bool, StoreError>;
    /// Stores a link. One for the first start takes the place of the one before.
    fn create_link(&mut self, link: &NewLink) -> Result<(), StoreError>;
    /// Changes a link for a session; `false` when it is used, over or unknown, or its user
    /// disabled. One for the first start makes `admin`, who may open the operator's page, unless
    /// somebody may by now: then it is over. A user of that name loses password and sessions.
    fn redeem_link(&mut self, link: SessionId, new: &NewSession, admin: &str) -> Result<bool, StoreError>;
    /// Ends a session, if there is one.
    fn end_session(&mut self, id: SessionId) -> Result<(), StoreError>;
    /// Stores a key.
    fn create_key(&mut self, key: &NewKey) -> Result<(), StoreError>;
    /// Revokes a key; `false` when there is no such key. Revoking twice keeps the first time.
    fn revoke_key(&mut self, id: &KeyId, at: Timestamp) -> Result<bool, StoreError>;
    /// Records last uses.
    fn touch_keys(&mut self, uses: &[(KeyId, Timestamp)]) -> Result<(), StoreError>;
    /// Pauses or resumes the queue; survives a restart.
    fn set_paused(&mut self, paused: bool) -> Result<(), StoreError>;

    /// Stores alerts as they are now, and the messages that tell of them. Forgets the oldest of too
    /// many.
    fn save_alerts(&mut self, saved: &[AlertSaved], at: Timestamp) -> Result<(), StoreError>;
    /// A message was taken, or is given up.
    fn end_alert_message(&mut self, id: i64) -> Result<(), StoreError>;
    /// A message was not taken; it is tried again at `due_at`.
    fn put_off_alert_message(&mut self, id: i64, due_at: Timestamp) -> Result<(), StoreError>;
    /// Sets or unsets a user's own address. With one, the user gets `secret` unless there is one
    /// already; an address that said it is gone is tried again.
    fn set_webhook(
        &mut self,
        user: UserId,
        url: Option<&str>,
        secret: &NewSecret,
    ) -> Result<WebhookChanged, StoreError>;
    /// Gives a user another secret; the one so far signs too until `previous_until`.
    fn rotate_webhook_secret(
        &mut self,
        user: UserId,
        secret: &NewSecret,
        previous_until: Timestamp,
    ) -> Result<WebhookChanged, StoreError>;
    /// Gives a user `secret`, not seen by its owner, unless there is one already. Returns the one in
    /// force.
    fn ensure_webhook_secret(&mut self, user: UserId, secret: &NewSecret) -> Result<Vec<u8>, StoreError>;
    /// Stores a message to a user's own address.
    fn enqueue_message(&mut self, message: &NewMessage) -> Result<Enqueued, StoreError>;
    /// Sends a user's delivery again, now, with a schedule of its own; one that waits is sent now.
    fn redeliver(&mut self, user: UserId, id: DeliveryId, at: Timestamp) -> Result<Enqueued, StoreError>;
    /// Notes how a try went. Nothing happens to a delivery that waits no more.
    fn delivery_tried(&mut self, seq: DeliverySeq, tried: &Tried) -> Result<(), StoreError>;

    /// Writes down the monthly prices in force from `at` on, by [`Tier::index`]; `None` is none. Those
    /// that are as before are not written.
    fn note_prices(&mut self, prices: &[Option<Money>; 4], at: Timestamp) -> Result<(), StoreError>;
    /// Closes every UTC month that ends until then: what is written for it later counts in the next.
    fn close_books(&mut self, until: Timestamp) -> Result<(), StoreError>;

    /// Writes one row that nobody needs: what does not reach the disk fails here.
    fn heartbeat(&mut self, at: Timestamp) -> Result<(), StoreError>;
    /// Deletes those of `stale` that still are too old. Returns how many that were.
    fn purge(&mut self, stale: &[Stale], ages: &Ages) -> Result<u32, StoreError>;
    /// Forgets at most `limit` cached answers, oldest first: those kept until `before`, and those
    /// that are too many for `bytes_max`. Returns how many.
    fn trim_cache(&mut self, before: Timestamp, bytes_max: u64, limit: u32) -> Result<u32, StoreError>;
}
