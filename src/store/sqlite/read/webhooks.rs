//! Webhooks: a user's address, and the outbox.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::domain::webhook::{
    DeliveryId, DeliveryRecord, DeliverySeq, DeliveryState, Outgoing, PendingDelivery, Webhook,
};
use crate::domain::{JobId, Timestamp, UserId};
use crate::store::StoreError;
use crate::store::sqlite::rows;
use crate::store::webhooks::DeliveryQuery;

/// Everything that a list shows of a delivery; add `WHERE …`.
pub(in crate::store::sqlite) const DELIVERY_SELECT: &str = "
    SELECT delivery.seq, delivery.id, user.name, delivery.job_id, delivery.kind,
           coalesce(delivery.url, CASE delivery.state WHEN 0 THEN webhook.url ELSE delivery.sent_to END), delivery.state, delivery.attempts, delivery.created_at,
           delivery.next_at, delivery.attempted_at, delivery.ended_at, delivery.status, delivery.error
    FROM webhook_delivery AS delivery
    JOIN user ON user.id = delivery.user_id
    LEFT JOIN webhook ON webhook.user_id = delivery.user_id";

pub(in crate::store::sqlite) fn delivery(row: &Row<'_>) -> rusqlite::Result<DeliveryRecord> {
    Ok(DeliveryRecord {
        seq: row.get(0)?,
        id: row.get(1)?,
        user_name: row.get(2)?,
        job: row.get(3)?,
        kind: row.get(4)?,
        url: row.get(5)?,
        state: row.get(6)?,
        attempts: row.get(7)?,
        created_at: row.get(8)?,
        next_at: row.get(9)?,
        attempted_at: row.get(10)?,
        ended_at: row.get(11)?,
        status: row.get(12)?,
        error: row.get(13)?,
    })
}

pub(in crate::store::sqlite) fn webhook(
    connection: &Connection,
    user: UserId,
    now: Timestamp,
) -> Result<Webhook, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT url, secret_created_at, previous_until, disabled_at FROM webhook WHERE user_id = ?1",
    )?;
    let found = statement.query_row(params![user], |row| {
        Ok(Webhook {
            url: row.get(0)?,
            secret_created_at: row.get(1)?,
            previous_secret_until: row.get::<_, Option<Timestamp>>(2)?.filter(|until| *until > now),
            disabled_at: row.get(3)?,
            pending: 0,
        })
    });
    let webhook = found.optional()?.unwrap_or_default();
    let mut statement = connection.prepare_cached("SELECT count FROM webhook_waiting WHERE user_id = ?1")?;
    let pending = statement.query_row(params![user], |row| row.get(0)).optional()?;
    Ok(Webhook { pending: pending.unwrap_or(0), ..webhook })
}

pub(super) fn page(
    connection: &Connection,
    query: &DeliveryQuery,
) -> Result<Vec<DeliveryRecord>, StoreError> {
    let mut statement = connection.prepare_cached(&page_sql(query))?;
    let before = query.before.map_or(i64::MAX, |seq| seq.0);
    let found = statement.query_map(params![before, query.user, query.limit], delivery)?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// The statement of [`page`]: ?1 is the cursor, ?2 the user, ?3 the limit.
pub(in crate::store::sqlite) fn page_sql(query: &DeliveryQuery) -> String {
    let mut filter = String::from(" WHERE delivery.seq < ?1");
    filter.push_str(match query.user {
        Some(_) => " AND delivery.user_id = ?2",
        None => " AND ?2 IS NULL",
    });
    filter.push_str(match query.state {
        None => "",
        // The literals let the partial indexes serve.
        Some(DeliveryState::Pending) => " AND delivery.state = 0",
        Some(DeliveryState::Delivered) => " AND delivery.state = 1",
        Some(DeliveryState::Failed) => " AND delivery.state = 2",
    });
    format!("{DELIVERY_SELECT}{filter} ORDER BY delivery.seq DESC LIMIT ?3")
}

pub(super) fn one(
    connection: &Connection,
    user: UserId,
    id: DeliveryId,
) -> Result<Option<DeliveryRecord>, StoreError> {
    let mut statement = connection
        .prepare_cached(&format!("{DELIVERY_SELECT} WHERE delivery.id = ?1 AND delivery.user_id = ?2"))?;
    Ok(statement.query_row(params![id, user], delivery).optional()?)
}

pub(super) fn outgoing(
    connection: &Connection,
    seq: DeliverySeq,
    now: Timestamp,
) -> Result<Option<Outgoing>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT delivery.id, delivery.user_id,
                coalesce(delivery.url, CASE WHEN webhook.disabled_at IS NULL THEN webhook.url END),
                delivery.tries, delivery.since, user.disabled_at IS NULL, body.body, webhook.secret,
                CASE WHEN webhook.previous_until > ?2 THEN webhook.previous_secret END,
                delivery.job_id, delivery.trace, delivery.request_id, body.trace_state
         FROM webhook_delivery AS delivery
         JOIN webhook_body AS body ON body.delivery_seq = delivery.seq
         JOIN user ON user.id = delivery.user_id
         LEFT JOIN webhook ON webhook.user_id = delivery.user_id
         WHERE delivery.seq = ?1 AND delivery.state = 0",
    )?;
    let found = statement.query_row(params![seq, now], |row| {
        let secrets = [row.get::<_, Option<Vec<u8>>>(7)?, row.get(8)?];
        let (id, job): (DeliveryId, Option<JobId>) = (row.get(0)?, row.get(9)?);
        // One from before origins were kept: its job's, or for a test one of its own.
        let old = job.unwrap_or(JobId(id.0));
        Ok(Outgoing {
            id,
            user: row.get(1)?,
            url: row.get(2)?,
            tries: row.get(3)?,
            since: row.get(4)?,
            user_stands: row.get(5)?,
            body: row.get(6)?,
            secrets: secrets.into_iter().flatten().collect(),
            job,
            origin: rows::origin(old, row.get(10)?, row.get(11)?, row.get(12)?),
        })
    });
    Ok(found.optional()?)
}

pub(super) fn each_pending(
    connection: &Connection,
    hand_over: &mut dyn FnMut(PendingDelivery),
) -> Result<(), StoreError> {
    let mut statement = connection.prepare(
        "SELECT seq, user_id, url, since, next_at FROM webhook_delivery WHERE state = 0 ORDER BY seq",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        hand_over(PendingDelivery {
            seq: row.get(0)?,
            user: row.get(1)?,
            url: row.get(2)?,
            since: row.get(3)?,
            next_at: row.get(4)?,
            is_asked_for: false,
        });
    }
    Ok(())
}
