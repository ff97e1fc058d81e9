//! Users and keys.

use rusqlite::{OptionalExtension, params};

use crate::domain::user::User;
use crate::domain::{Change, KeyId, Tier, Timestamp};
use crate::store::StoreError;
use crate::store::people::NewKey;
use crate::store::sqlite::rows::{self, USER_COLUMNS};

use super::Batch;

impl Batch<'_> {
    pub(super) fn user(&self, name: &str) -> Result<Option<User>, StoreError> {
        let mut statement =
            self.transaction.prepare_cached(&format!("SELECT {USER_COLUMNS} FROM user WHERE name = ?1"))?;
        Ok(statement.query_row(params![name], rows::user).optional()?)
    }

    pub(super) fn ensure(
        &mut self,
        name: &str,
        tier: Option<Tier>,
        at: Timestamp,
    ) -> Result<User, StoreError> {
        let mut statement = self.transaction.prepare_cached(
            "INSERT INTO user (name, tier, created_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        )?;
        let is_new = statement.execute(params![name, tier.unwrap_or_default(), at])? > 0;
        drop(statement);
        if is_new {
            self.note_tier(name, at)?;
        } else if let Some(tier) = tier {
            self.change_tier(name, tier, at)?;
        }
        self.user(name)?.ok_or_else(|| StoreError::Failed("a user just written is missing".to_owned()))
    }

    pub(super) fn change_tier(
        &mut self,
        name: &str,
        tier: Tier,
        at: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        let mut statement =
            self.transaction.prepare_cached("UPDATE user SET tier = ?2 WHERE name = ?1 AND tier <> ?2")?;
        let moved = statement.execute(params![name, tier])? > 0;
        drop(statement);
        if moved {
            self.note_tier(name, at)?;
        }
        let user = self.user(name)?;
        if let Some(user) = user.as_ref().filter(|_| moved) {
            self.changes.push(Change::UserChanged { user: user.id, tier });
        }
        Ok(user)
    }

    pub(super) fn disable(
        &mut self,
        name: &str,
        disabled: bool,
        at: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        // Disabling twice keeps the first time.
        self.transaction.execute(
            "UPDATE user SET disabled_at = CASE WHEN ?2 IS NULL THEN NULL ELSE coalesce(disabled_at, ?2) END
             WHERE name = ?1",
            params![name, disabled.then_some(at)],
        )?;
        self.note_tier(name, at)?;
        self.user(name)
    }

    pub(super) fn password(&mut self, name: &str, phc: &str) -> Result<bool, StoreError> {
        let updated =
            self.transaction.execute("UPDATE user SET password = ?2 WHERE name = ?1", params![name, phc])?;
        self.transaction.execute(
            "DELETE FROM session WHERE user_id = (SELECT id FROM user WHERE name = ?1)",
            params![name],
        )?;
        Ok(updated > 0)
    }

    pub(super) fn insert_key(&mut self, key: &NewKey) -> Result<(), StoreError> {
        self.transaction.execute(
            "INSERT INTO api_key (id, user_id, role, hash, prefix, created_at, expires_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                key.id.0,
                key.user,
                key.role.name(),
                key.hash.as_slice(),
                key.prefix,
                key.created_at,
                key.expires_at
            ],
        )?;
        Ok(())
    }

    pub(super) fn revoke(&mut self, id: &KeyId, at: Timestamp) -> Result<bool, StoreError> {
        let known: Option<Option<Timestamp>> = self
            .transaction
            .query_row("SELECT revoked_at FROM api_key WHERE id = ?1", params![id.0], |row| row.get(0))
            .optional()?;
        if known == Some(None) {
            self.transaction
                .execute("UPDATE api_key SET revoked_at = ?2 WHERE id = ?1", params![id.0, at])?;
        }
        Ok(known.is_some())
    }

    pub(super) fn touch(&mut self, uses: &[(KeyId, Timestamp)]) -> Result<(), StoreError> {
        let mut statement = self.transaction.prepare_cached(
            "UPDATE api_key SET last_used_at = max(coalesce(last_used_at, 0), ?2) WHERE id = ?1",
        )?;
        for (id, at) in uses {
            statement.execute(params![id.0, at])?;
        }
        Ok(())
    }
}
