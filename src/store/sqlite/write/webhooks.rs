//! The outbox: what is told of ends to users' applications, stored with the end itself, and what
//! became of it; and users' addresses and secrets.

use rusqlite::{OptionalExtension, params};
use sha2::{Digest, Sha256};

use crate::domain::change::EndKind;
use crate::domain::job::JobRecord;
use crate::domain::webhook::{
    DeliveryId, DeliveryRecord, DeliverySeq, DeliveryState, MessageKind, PendingDelivery, Then, Tried,
};
use crate::domain::{Change, JobId, Origin, Timestamp, UserId};
use crate::store::StoreError;
use crate::store::sqlite::{read, rows};
use crate::store::webhooks::{Enqueued, NewMessage, NewSecret, WebhookChanged};

use super::Batch;
use super::end::Live;

/// Deliveries of one user that may wait; a further end is stored as given up, to be asked for.
const WAITING_USER_MAX: i64 = 10_000;
/// Deliveries that may wait, each of them kept in memory, before users have only [`WAITING_SHARE`].
const WAITING_MAX: i64 = 100_000;
/// What each user has even then: those whose receivers are dead take nothing from the others.
const WAITING_SHARE: i64 = 100;
/// Deliveries that may wait at all.
const WAITING_ALL_MAX: i64 = 2 * WAITING_MAX;
/// What is said of one that finds no room.
const NO_ROOM: &str = "as many messages wait as may; ask for this one again once they are taken";

/// A message about to be stored.
struct Message<'a> {
    user: UserId,
    job: Option<JobId>,
    kind: MessageKind,
    url: Option<&'a str>,
    body: &'a str,
    at: Timestamp,
    /// The call of a client's that it comes from.
    origin: &'a Origin,
}

impl Batch<'_> {
    /// Tells the application of a job's user of its end, if it wants to hear of it.
    pub(super) fn tell_end(&mut self, job: &Live, how: &EndKind) -> Result<(), StoreError> {
        match how {
            EndKind::Completed(record) => self.tell(record),
            EndKind::Failed(_) | EndKind::Cancelled | EndKind::Expired => {
                // Most ends are told to nobody: they cost two probes and not the whole record.
                if self.addressee(job.seq.0, job.user)?.is_none() {
                    return Ok(());
                }
                let record = self.record(job.id)?;
                self.tell(&record)
            }
        }
    }

    /// As [`Batch::tell_end`], of a job whose record is at hand.
    pub(super) fn tell(&mut self, job: &JobRecord) -> Result<(), StoreError> {
        let Some(url) = self.addressee(job.seq.0, job.user)? else { return Ok(()) };
        let (Some(kind), Some(at)) = (MessageKind::of(job.state), job.completed_at) else { return Ok(()) };
        let body = (self.message)(job);
        let (user, id) = (job.user, job.id);
        let (url, origin) = (url.as_deref(), &self.origin_of(job)?);
        self.store_message(&Message { user, job: Some(id), kind, url, body: &body, at, origin })?;
        Ok(())
    }

    /// Where a job comes from.
    fn origin_of(&self, job: &JobRecord) -> Result<Origin, StoreError> {
        let mut statement = self.transaction.prepare_cached(
            "SELECT trace, request_id, trace_state FROM job JOIN job_body ON job_seq = seq WHERE seq = ?1",
        )?;
        Ok(statement.query_row(params![job.seq], |row| {
            Ok(rows::origin(job.id, row.get(0)?, row.get(1)?, row.get(2)?))
        })?)
    }

    /// Where a job's end is told: the address that its request names, or (`Some(None)`) the user's
    /// own; `None`: nowhere.
    fn addressee(&self, seq: i64, user: UserId) -> Result<Option<Option<String>>, StoreError> {
        let mut statement = self.transaction.prepare_cached(
            "SELECT (SELECT url FROM job_webhook WHERE job_seq = ?1),
                    EXISTS (SELECT 1 FROM webhook WHERE user_id = ?2 AND url IS NOT NULL AND disabled_at IS NULL)",
        )?;
        let (named, has_own): (Option<String>, bool) =
            statement.query_row(params![seq, user], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(match named {
            Some(url) => Some(Some(url)),
            None => has_own.then_some(None),
        })
    }

    fn store_message(&mut self, message: &Message<'_>) -> Result<DeliverySeq, StoreError> {
        let Message { user, job, kind, url, body, at, origin } = *message;
        let has_room = self.has_room(user)?;
        let state = if has_room { DeliveryState::Pending } else { DeliveryState::Failed };
        let mut statement = self.transaction.prepare_cached(
            "INSERT INTO webhook_delivery (user_id, job_id, kind, url, created_at, since, state, next_at, ended_at, error,
                                           trace, request_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, CASE ?6 WHEN 0 THEN ?5 END, CASE ?6 WHEN 0 THEN NULL ELSE ?5 END, ?7,
                     ?8, ?9)",
        )?;
        let error = (!has_room).then_some(NO_ROOM);
        let (trace, request_id) = (origin.context.bytes(), &origin.request_id);
        let seq = DeliverySeq(statement.insert(params![
            user,
            job,
            kind,
            url,
            at,
            state,
            error,
            trace.as_slice(),
            request_id
        ])?);
        // Not to be guessed where the job's id is not known, and never the same twice.
        let mut digest = Sha256::new();
        digest.update(job.map_or([0; 16], |job| job.0));
        digest.update(seq.0.to_be_bytes());
        digest.update(at.0.to_be_bytes());
        let mut id = DeliveryId([0; 16]);
        id.0.copy_from_slice(&digest.finalize()[..16]);
        let mut statement =
            self.transaction.prepare_cached("UPDATE webhook_delivery SET id = ?2 WHERE seq = ?1")?;
        statement.execute(params![seq, id])?;
        let mut statement = self.transaction.prepare_cached(
            "INSERT INTO webhook_body (delivery_seq, body, trace_state) VALUES (?1, ?2, ?3)",
        )?;
        statement.execute(params![seq, body, origin.state])?;
        drop(statement);
        if has_room {
            self.changes.push(Change::Message(PendingDelivery {
                seq,
                user,
                url: url.map(str::to_owned),
                since: at,
                next_at: at,
                is_asked_for: kind == MessageKind::Test,
            }));
        }
        Ok(seq)
    }

    fn has_room(&self, user: UserId) -> Result<bool, StoreError> {
        let mut statement = self.transaction.prepare_cached(
            "SELECT coalesce((SELECT count FROM webhook_waiting WHERE user_id = ?1), 0),
                    (SELECT value FROM setting WHERE name = 'webhooks_waiting')",
        )?;
        let (own, all): (i64, i64) =
            statement.query_row(params![user], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let (own_max, all_max) = if own < WAITING_SHARE {
            (WAITING_SHARE, WAITING_ALL_MAX)
        } else {
            (WAITING_USER_MAX, WAITING_MAX)
        };
        Ok(own < own_max && all < all_max)
    }

    pub(super) fn enqueue(&mut self, message: &NewMessage) -> Result<Enqueued, StoreError> {
        let NewMessage { user, kind, ref body, at, ref origin } = *message;
        let mut statement = self.transaction.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM webhook WHERE user_id = ?1 AND url IS NOT NULL AND disabled_at IS NULL)",
        )?;
        let has_own: bool = statement.query_row(params![user], |row| row.get(0))?;
        drop(statement);
        if !has_own {
            return Ok(Enqueued::Missing);
        }
        if !self.has_room(user)? {
            return Ok(Enqueued::Full);
        }
        let seq = self.store_message(&Message { user, job: None, kind, url: None, body, at, origin })?;
        Ok(Enqueued::Waiting(Box::new(self.delivery(seq)?)))
    }

    pub(super) fn deliver_again(
        &mut self,
        user: UserId,
        id: DeliveryId,
        at: Timestamp,
    ) -> Result<Enqueued, StoreError> {
        let mut statement = self
            .transaction
            .prepare_cached("SELECT seq, state, url FROM webhook_delivery WHERE id = ?1 AND user_id = ?2")?;
        let found = statement.query_row(params![id, user], |row| {
            Ok((
                row.get::<_, DeliverySeq>(0)?,
                row.get::<_, DeliveryState>(1)?,
                row.get::<_, Option<String>>(2)?,
            ))
        });
        let Some((seq, state, url)) = found.optional()? else { return Ok(Enqueued::Missing) };
        drop(statement);
        if state != DeliveryState::Pending && !self.has_room(user)? {
            return Ok(Enqueued::Full);
        }
        let mut statement = self.transaction.prepare_cached(
            "UPDATE webhook_delivery
             SET state = 0, tries = 0, since = ?2, next_at = ?2, ended_at = NULL, status = NULL, error = NULL
             WHERE seq = ?1",
        )?;
        statement.execute(params![seq, at])?;
        drop(statement);
        let pending = PendingDelivery { seq, user, url, since: at, next_at: at, is_asked_for: true };
        self.changes.push(Change::Message(pending));
        Ok(Enqueued::Waiting(Box::new(self.delivery(seq)?)))
    }

    pub(super) fn record_try(&mut self, seq: DeliverySeq, tried: &Tried) -> Result<(), StoreError> {
        let (state, next_at) = match tried.then {
            Then::Done => (DeliveryState::Delivered, None),
            Then::Again(at) => (DeliveryState::Pending, Some(at)),
            Then::GivenUp | Then::Gone => (DeliveryState::Failed, None),
        };
        let mut statement = self.transaction.prepare_cached(
            "UPDATE webhook_delivery
             SET state = ?2, next_at = ?3, ended_at = CASE ?2 WHEN 0 THEN NULL ELSE ?4 END,
                 attempted_at = CASE WHEN ?5 THEN ?4 ELSE attempted_at END, tries = tries + ?5,
                 attempts = attempts + ?5, status = CASE WHEN ?5 THEN ?6 ELSE status END,
                 error = CASE WHEN ?5 OR error IS NULL THEN ?7 ELSE ?7 || '; last, ' || error END,
                 sent_to = coalesce(?9, sent_to)
             WHERE seq = ?1 AND state = 0 AND (since = ?8 OR ?2 = 1)",
        )?;
        let is_sent = tried.to.is_some();
        let Tried { since, at, status, error, to, .. } = tried;
        statement.execute(params![seq, state, next_at, at, is_sent, status, error, since, to])?;
        drop(statement);
        if tried.then == Then::Gone {
            let mut statement = self.transaction.prepare_cached(
                "UPDATE webhook SET disabled_at = ?2 WHERE disabled_at IS NULL AND url = ?3
                     AND user_id = (SELECT user_id FROM webhook_delivery WHERE seq = ?1 AND url IS NULL)",
            )?;
            statement.execute(params![seq, tried.at, tried.to])?;
        }
        Ok(())
    }

    pub(super) fn set_webhook_url(
        &mut self,
        user: UserId,
        url: Option<&str>,
        secret: &NewSecret,
    ) -> Result<WebhookChanged, StoreError> {
        if url.is_some() {
            self.ensure_secret(user, secret)?;
        }
        let mut statement = self
            .transaction
            .prepare_cached("UPDATE webhook SET url = ?2, disabled_at = NULL WHERE user_id = ?1")?;
        statement.execute(params![user, url])?;
        drop(statement);
        let secret_bytes = if url.is_some() { self.show_secret(user)? } else { None };
        let webhook = read::webhook(self.transaction, user, secret.at)?;
        Ok(WebhookChanged { webhook, secret: secret_bytes })
    }

    pub(super) fn rotate_secret(
        &mut self,
        user: UserId,
        secret: &NewSecret,
        previous_until: Timestamp,
    ) -> Result<WebhookChanged, StoreError> {
        let mut statement = self.transaction.prepare_cached(
            "INSERT INTO webhook (user_id, secret, secret_created_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (user_id) DO UPDATE
             SET previous_secret = secret, previous_until = ?4, secret = excluded.secret,
                 secret_created_at = excluded.secret_created_at, shown = 0",
        )?;
        statement.execute(params![user, secret.bytes, secret.at, previous_until])?;
        drop(statement);
        let shown = self.show_secret(user)?;
        Ok(WebhookChanged { webhook: read::webhook(self.transaction, user, secret.at)?, secret: shown })
    }

    pub(super) fn ensure_secret(&mut self, user: UserId, secret: &NewSecret) -> Result<Vec<u8>, StoreError> {
        let mut statement = self.transaction.prepare_cached(
            "INSERT INTO webhook (user_id, secret, secret_created_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (user_id) DO NOTHING",
        )?;
        statement.execute(params![user, secret.bytes, secret.at])?;
        let mut statement =
            self.transaction.prepare_cached("SELECT secret FROM webhook WHERE user_id = ?1")?;
        Ok(statement.query_row(params![user], |row| row.get(0))?)
    }

    /// The secret, the first time that somebody asks.
    fn show_secret(&self, user: UserId) -> Result<Option<Vec<u8>>, StoreError> {
        let mut statement = self.transaction.prepare_cached(
            "UPDATE webhook SET shown = 1 WHERE user_id = ?1 AND shown = 0 RETURNING secret",
        )?;
        Ok(statement.query_row(params![user], |row| row.get(0)).optional()?)
    }

    fn delivery(&self, seq: DeliverySeq) -> Result<DeliveryRecord, StoreError> {
        let select = read::DELIVERY_SELECT;
        let mut statement = self.transaction.prepare_cached(&format!("{select} WHERE delivery.seq = ?1"))?;
        Ok(statement.query_row(params![seq], read::delivery)?)
    }
}
