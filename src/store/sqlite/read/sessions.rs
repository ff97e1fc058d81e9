//! Sessions, and who is an admin.

use rusqlite::{Connection, OptionalExtension, params};

use crate::domain::session::Session;
use crate::domain::user::{Role, User};
use crate::domain::{SessionId, Timestamp, UserId};
use crate::store::StoreError;
use crate::store::sqlite::rows::{self, USER_COLUMN_COUNT, USER_COLUMNS};

/// An admin key that is good at `?1`.
const IS_GOOD: &str =
    "api_key.role = 'admin' AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?1)";

pub(super) fn session(
    connection: &Connection,
    id: SessionId,
    now: Timestamp,
) -> Result<Option<Session>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {USER_COLUMNS}, session.by_link, session.expires_at
         FROM session JOIN user ON user.id = session.user_id
         WHERE session.hash = ?1 AND session.kind = 0 AND session.expires_at > ?2 AND user.disabled_at IS NULL"
    ))?;
    let found = statement.query_row(params![id, now], |row| {
        let by_link = row.get(USER_COLUMN_COUNT)?;
        Ok((rows::user(row)?, by_link, row.get::<_, Timestamp>(USER_COLUMN_COUNT + 1)?))
    });
    let Some((user, by_link, expires_at)) = found.optional()? else { return Ok(None) };
    let session = match admin_until(connection, &user, now)? {
        None => Session { user, role: Role::User, by_link, expires_at },
        // What rests on a key ends with it; whoever asks then is a user.
        Some(until) => Session { user, role: Role::Admin, by_link, expires_at: expires_at.min(until) },
    };
    Ok(Some(session))
}

/// Until when a user may do everything; `None`: not now.
fn admin_until(
    connection: &Connection,
    user: &User,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    if user.is_admin {
        return Ok(Some(Timestamp(i64::MAX)));
    }
    let mut statement = connection.prepare_cached(&format!(
        "SELECT max(coalesce(expires_at, {})) FROM api_key WHERE user_id = ?2 AND {IS_GOOD}",
        i64::MAX
    ))?;
    Ok(statement.query_row(params![now, user.id], |row| row.get(0))?)
}

pub(super) fn is_admin(connection: &Connection, user: UserId, now: Timestamp) -> Result<bool, StoreError> {
    match super::accounts::user_by_id(connection, user)? {
        Some(user) => Ok(admin_until(connection, &user, now)?.is_some()),
        None => Ok(false),
    }
}

/// Whether anybody may open the operator's page by a password or an admin key.
pub(in crate::store::sqlite) fn has_operator(
    connection: &Connection,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT EXISTS (SELECT 1 FROM user WHERE admin = 1 AND password IS NOT NULL AND disabled_at IS NULL)
             OR EXISTS (SELECT 1 FROM api_key JOIN user ON user.id = user_id
                        WHERE disabled_at IS NULL AND {IS_GOOD})"
    ))?;
    Ok(statement.query_row(params![now], |row| row.get(0))?)
}
