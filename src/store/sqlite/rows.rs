//! Rows to domain types, shared by reads and writes.

use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use sha2::{Digest, Sha256};

use crate::domain::job::{Bill, JobRecord, Outcome};
use crate::domain::trace::{CONTEXT_BYTES, SpanContext};
use crate::domain::user::{ApiKey, Role, User};
use crate::domain::webhook::{DeliveryId, DeliverySeq, DeliveryState, MessageKind};
use crate::domain::{
    Brief, DiagramType, Failure, JobId, JobSeq, JobState, KeyId, Money, Origin, QueuedJob, SessionId, Tier,
    Timestamp, TokenUsage, UserId, Validation,
};

/// Implements the SQL traits of a newtype over `i64`.
macro_rules! integer_newtype {
    ($($name:ident),+) => {$(
        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::from(self.0))
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                i64::column_result(value).map($name)
            }
        }
    )+};
}

integer_newtype!(Timestamp, Money, JobSeq, UserId, DeliverySeq);

/// Implements the SQL traits of an enum stored by its name.
macro_rules! named_enum {
    ($($name:ident),+) => {$(
        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::from(self.name()))
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                value.as_str()?.parse().map_err(FromSqlError::other)
            }
        }
    )+};
}

named_enum!(Tier, DiagramType);

impl ToSql for JobId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.0.as_slice()))
    }
}

impl ToSql for SessionId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.0.as_slice()))
    }
}

impl ToSql for DeliveryId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.0.as_slice()))
    }
}

impl FromSql for DeliveryId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        <[u8; 16]>::column_result(value).map(Self)
    }
}

/// Implements the SQL traits of an enum stored by its code.
macro_rules! coded_enum {
    ($($name:ident),+) => {$(
        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::from(self.code()))
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                let code = i64::column_result(value)?;
                Self::ALL.into_iter().find(|one| one.code() == code).ok_or(FromSqlError::OutOfRange(code))
            }
        }
    )+};
}

coded_enum!(JobState, DeliveryState, MessageKind);

impl FromSql for JobId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        <[u8; 16]>::column_result(value).map(Self)
    }
}

/// A JSON column.
pub(super) struct Json<T>(pub(super) T);

impl<T: serde::de::DeserializeOwned> FromSql for Json<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?).map(Json).map_err(FromSqlError::other)
    }
}

impl<T: serde::Serialize> ToSql for Json<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let text = serde_json::to_string(&self.0)
            .map_err(|reason| rusqlite::Error::ToSqlConversionFailure(Box::new(reason)))?;
        Ok(ToSqlOutput::from(text))
    }
}

/// Token counts are stored as SQLite's signed integers.
pub(super) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(row: &Row<'_>, index: &str) -> rusqlite::Result<u64> {
    row.get::<_, i64>(index).map(|count| u64::try_from(count).unwrap_or(0))
}

/// Where a job comes from; one from before that was kept has an origin of its own, always the same.
pub(super) fn origin(
    id: JobId,
    trace: Option<[u8; CONTEXT_BYTES]>,
    request_id: Option<String>,
    state: Option<String>,
) -> Origin {
    let Some(trace) = trace else { return Origin::of_old(id, |id| Sha256::digest(id).into()) };
    Origin {
        context: SpanContext::from_bytes(trace),
        state: state.map(Into::into),
        request_id: request_id.map(Into::into),
    }
}

/// Columns of [`queued_job`].
pub(super) const QUEUED_COLUMNS: &str = "seq, id, user_id, tier, estimated_input, max_tokens, model_asked, run, strikes, created_at, retry_at, deadline_at";

pub(super) fn queued_job(row: &Row<'_>) -> rusqlite::Result<QueuedJob> {
    Ok(QueuedJob {
        seq: row.get(0)?,
        id: row.get(1)?,
        user: row.get(2)?,
        tier: row.get(3)?,
        estimated_input: row.get(4)?,
        max_tokens: row.get(5)?,
        model: row.get::<_, Option<String>>(6)?.map(Into::into),
        run: row.get(7)?,
        strikes: row.get(8)?,
        created_at: row.get(9)?,
        retry_at: row.get(10)?,
        deadline_at: row.get(11)?,
    })
}

/// Everything the status object shows; add `WHERE …` on `job`. What follows another job shows how
/// that one's call goes.
pub(super) const RECORD_SELECT: &str = "
    SELECT job.seq, job.id, job.user_id, job.tier, coalesce(lead.state, job.state) AS state, job.diagram_type,
           coalesce(lead.attempts, job.attempts) AS attempts, job.created_at,
           coalesce(max(lead.started_at, job.created_at), job.started_at) AS started_at, job.ended_at,
           coalesce(lead.retry_at, job.retry_at) AS retry_at, job.cached, job.coalesced,
           coalesce(lead.model, job.model) AS model, coalesce(lead.provider, job.provider) AS provider, job.calls, job.input, job.output, job.cache_read, job.cache_write, job.cost, job.estimated,
           result.source, result.title, result.validation, result.failure, body.brief
    FROM job
    JOIN job_body AS body ON body.job_seq = job.seq
    LEFT JOIN job_result AS result ON result.job_seq = job.seq
    LEFT JOIN job AS lead ON lead.seq = job.follows";

/// Tokens and cost, of a job or of one call.
pub(super) fn bill(row: &Row<'_>) -> rusqlite::Result<Bill> {
    Ok(Bill { tokens: tokens(row)?, cost: row.get("cost")?, estimated: row.get("estimated")? })
}

pub(super) fn tokens(row: &Row<'_>) -> rusqlite::Result<TokenUsage> {
    Ok(TokenUsage {
        input: unsigned(row, "input")?,
        output: unsigned(row, "output")?,
        cache_read: unsigned(row, "cache_read")?,
        cache_write: unsigned(row, "cache_write")?,
    })
}

pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<JobRecord> {
    let cached: bool = row.get("cached")?;
    let bill = match row.get::<_, i64>("calls")? {
        // No call was made, and none had to be: zero, exactly.
        0 if cached || row.get("coalesced")? => Some(Bill::default()),
        0 => None,
        _ => Some(bill(row)?),
    };
    let json = |name| -> rusqlite::Result<Option<Json<Validation>>> { row.get(name) };
    let failure: Option<Json<Failure>> = row.get("failure")?;
    let brief: Json<Brief> = row.get("brief")?;
    Ok(JobRecord {
        seq: row.get("seq")?,
        id: row.get("id")?,
        user: row.get("user_id")?,
        tier: row.get("tier")?,
        state: row.get("state")?,
        diagram_type: row.get("diagram_type")?,
        attempts: row.get("attempts")?,
        created_at: row.get("created_at")?,
        started_at: row.get("started_at")?,
        completed_at: row.get("ended_at")?,
        retry_at: row.get("retry_at")?,
        outcome: Outcome {
            source: row.get("source")?,
            title: row.get("title")?,
            validation: json("validation")?.map(|Json(validation)| validation),
            failure: failure.map(|Json(failure)| failure),
            cut_off: false,
        },
        bill,
        model: row.get("model")?,
        provider: row.get("provider")?,
        cached,
        metadata: brief.0.metadata,
    })
}

/// Columns of [`user`].
pub(super) const USER_COLUMNS: &str =
    "user.id, user.name, user.tier, user.created_at, user.disabled_at, user.password IS NOT NULL, user.admin";

pub(super) fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    user_from(row, 0)
}

pub(super) fn user_from(row: &Row<'_>, first: usize) -> rusqlite::Result<User> {
    Ok(User {
        id: row.get(first)?,
        name: row.get(first + 1)?,
        tier: row.get(first + 2)?,
        created_at: row.get(first + 3)?,
        disabled_at: row.get(first + 4)?,
        has_password: row.get(first + 5)?,
        is_admin: row.get(first + 6)?,
    })
}

/// How many columns these are.
pub(super) const USER_COLUMN_COUNT: usize = 7;

/// Columns of [`api_key`]; join `user`.
pub(super) const KEY_COLUMNS: &str = "api_key.id, api_key.user_id, user.name, api_key.role, api_key.prefix, api_key.created_at, api_key.expires_at, api_key.last_used_at, api_key.revoked_at";
/// How many columns these are.
pub(super) const KEY_COLUMN_COUNT: usize = 9;

pub(super) fn api_key(row: &Row<'_>) -> rusqlite::Result<ApiKey> {
    let role: String = row.get(3)?;
    Ok(ApiKey {
        id: KeyId(row.get(0)?),
        user: row.get(1)?,
        user_name: row.get(2)?,
        role: if role == Role::Admin.name() { Role::Admin } else { Role::User },
        prefix: row.get(4)?,
        created_at: row.get(5)?,
        expires_at: row.get(6)?,
        last_used_at: row.get(7)?,
        revoked_at: row.get(8)?,
    })
}
