//! Sessions, one-time links, and who is an admin.

use rusqlite::{OptionalExtension, params};

use crate::domain::session::LinkFor;
use crate::domain::user::{Role, User};
use crate::domain::{SessionId, Tier, Timestamp, UserId};
use crate::store::StoreError;
use crate::store::people::{NewLink, NewSession, PasswordChange};
use crate::store::sqlite::read::has_operator;

use super::Batch;

/// Sessions and links of one user; the oldest make room for a new one.
const SESSIONS_MAX: u32 = 50;

const SESSION: u8 = 0;
const LINK: u8 = 1;
const SETUP: u8 = 2;

impl Batch<'_> {
    pub(super) fn ensure_admin(&mut self, name: &str, at: Timestamp) -> Result<User, StoreError> {
        let known = self.user(name)?;
        // Whoever runs the server is not held up by a tier's limits.
        let tier = known.is_none().then_some(Tier::Enterprise);
        self.ensure(name, tier, at)?;
        self.transaction.execute("UPDATE user SET admin = 1 WHERE name = ?1 AND admin = 0", params![name])?;
        self.user(name)?.ok_or_else(|| StoreError::Failed("a user just written is missing".to_owned()))
    }

    pub(super) fn change_role(&mut self, name: &str, role: Role) -> Result<Option<User>, StoreError> {
        let is_admin = role == Role::Admin;
        self.transaction
            .execute("UPDATE user SET admin = ?2 WHERE name = ?1 AND admin <> ?2", params![name, is_admin])?;
        self.user(name)
    }

    pub(super) fn session_by_password(
        &mut self,
        user: UserId,
        phc: &str,
        new: &NewSession,
    ) -> Result<bool, StoreError> {
        let stands: bool = self.transaction.query_row(
            "SELECT EXISTS (SELECT 1 FROM user WHERE id = ?1 AND password = ?2 AND disabled_at IS NULL)",
            params![user, phc],
            |row| row.get(0),
        )?;
        if stands {
            self.insert_session(user, new, false)?;
        }
        Ok(stands)
    }

    pub(super) fn password_by_session(&mut self, change: &PasswordChange) -> Result<bool, StoreError> {
        let PasswordChange { user, session, was, phc, at } = change;
        let is_changed = self.transaction.execute(
            "UPDATE user SET password = ?3 WHERE id = ?1 AND password IS ?4 AND disabled_at IS NULL
                AND EXISTS (SELECT 1 FROM session WHERE hash = ?2 AND kind = ?5 AND user_id = ?1 AND expires_at > ?6)",
            params![user, session, phc, was, SESSION, at],
        )? > 0;
        if is_changed {
            self.transaction
                .execute("DELETE FROM session WHERE user_id = ?1 AND hash <> ?2", params![user, session])?;
            self.transaction.execute("UPDATE session SET by_link = 0 WHERE hash = ?1", params![session])?;
        }
        Ok(is_changed)
    }

    fn insert_session(&mut self, user: UserId, new: &NewSession, by_link: bool) -> Result<(), StoreError> {
        self.make_room(user)?;
        self.transaction.execute(
            "INSERT INTO session (hash, kind, user_id, by_link, created_at, expires_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![new.id, SESSION, user, by_link, new.created_at, new.expires_at],
        )?;
        Ok(())
    }

    pub(super) fn insert_link(&mut self, link: &NewLink) -> Result<(), StoreError> {
        let (kind, user) = match link.whom {
            LinkFor::User(user) => (LINK, Some(user)),
            LinkFor::Setup => (SETUP, None),
        };
        match user {
            Some(user) => self.make_room(user)?,
            None => self.forget_setup()?,
        }
        self.transaction.execute(
            "INSERT INTO session (hash, kind, user_id, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![link.id, kind, user, link.created_at, link.expires_at],
        )?;
        Ok(())
    }

    pub(super) fn redeem(
        &mut self,
        link: SessionId,
        new: &NewSession,
        admin: &str,
    ) -> Result<bool, StoreError> {
        let found: Option<Option<UserId>> = self
            .transaction
            .query_row(
                "DELETE FROM session WHERE hash = ?1 AND kind <> ?2 AND expires_at > ?3
                    AND (user_id IS NULL OR user_id IN (SELECT id FROM user WHERE disabled_at IS NULL))
                 RETURNING user_id",
                params![link, SESSION, new.created_at],
                |row| row.get(0),
            )
            .optional()?;
        let user = match found {
            None => return Ok(false),
            Some(Some(user)) => user,
            Some(None) => {
                self.forget_setup()?;
                if has_operator(self.transaction, new.created_at)? {
                    return Ok(false);
                }
                self.first_admin(admin, new.created_at)?
            }
        };
        self.insert_session(user, new, true)?;
        Ok(true)
    }

    /// The admin whom nobody made before. Whoever had the name has no way in that is left of it.
    fn first_admin(&mut self, name: &str, at: Timestamp) -> Result<UserId, StoreError> {
        let user = self.ensure_admin(name, at)?.id;
        self.transaction
            .execute("UPDATE user SET password = NULL, disabled_at = NULL WHERE id = ?1", params![user])?;
        self.transaction.execute("DELETE FROM session WHERE user_id = ?1", params![user])?;
        Ok(user)
    }

    pub(super) fn delete_session(&mut self, id: SessionId) -> Result<(), StoreError> {
        self.transaction
            .execute("DELETE FROM session WHERE hash = ?1 AND kind = ?2", params![id, SESSION])?;
        Ok(())
    }

    fn forget_setup(&self) -> Result<(), StoreError> {
        self.transaction.execute("DELETE FROM session WHERE kind = ?1", params![SETUP])?;
        Ok(())
    }

    fn make_room(&self, user: UserId) -> Result<(), StoreError> {
        self.transaction.execute(
            "DELETE FROM session WHERE hash IN
                (SELECT hash FROM session WHERE user_id = ?1 ORDER BY created_at DESC LIMIT -1 OFFSET ?2)",
            params![user, SESSIONS_MAX - 1],
        )?;
        Ok(())
    }
}
