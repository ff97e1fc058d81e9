//! Making, listing and revoking: blocking, for the command line; http wraps them.

use rand::Rng;

use crate::domain::user::{ApiKey, Role, User, valid_user_name};
use crate::domain::{KeyId, Tier, Timestamp};
use crate::store::StoreError;
use crate::store::commands::Commands;
use crate::store::people::NewKey;

use super::{AccountError, Accounts, IssuedKey, key, password};

/// Whether an email-like or other name is fine; the same rule everywhere.
fn checked(name: &str) -> Result<String, AccountError> {
    if valid_user_name(name) { Ok(name.to_owned()) } else { Err(AccountError::BadName(name.to_owned())) }
}

impl Accounts {
    /// Makes a key for a user, who is made on first sight (tier `free` unless given).
    ///
    /// # Errors
    /// [`AccountError::BadName`], or what the store reports.
    pub fn create_key(
        &self,
        user: &str,
        tier: Option<Tier>,
        role: Role,
        expires_at: Option<Timestamp>,
    ) -> Result<IssuedKey, AccountError> {
        let name = checked(user)?;
        let text = key::generate();
        let mut id = [0; 8];
        rand::rng().fill_bytes(&mut id);
        let id = KeyId(format!("key_{}", hex::encode(id)));
        let (hash, prefix, created_at) = (key::hash(&text), key::shown(&text), (self.clock)());
        let key = self.change(move |commands| {
            let user = commands.ensure_user(&name, tier, created_at)?;
            let new = NewKey {
                id: id.clone(),
                user: user.id,
                role,
                hash,
                prefix: prefix.clone(),
                expires_at,
                created_at,
            };
            commands.create_key(&new)?;
            Ok(ApiKey {
                id: new.id,
                user: user.id,
                user_name: user.name,
                role,
                prefix: new.prefix,
                created_at,
                expires_at,
                last_used_at: None,
                revoked_at: None,
            })
        })?;
        Ok(IssuedKey { text, key })
    }

    /// Makes a user, or returns the one there is, moved to `tier` when given.
    ///
    /// # Errors
    /// [`AccountError::BadName`], or what the store reports.
    pub fn ensure_user(&self, name: &str, tier: Option<Tier>) -> Result<User, AccountError> {
        let name = checked(name)?;
        let now = (self.clock)();
        Ok(self.change(move |commands| commands.ensure_user(&name, tier, now))?)
    }

    /// Every key, newest first.
    ///
    /// # Errors
    /// What the store reports.
    pub fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        self.reader.blocking().keys()
    }

    /// Revokes a key, from now on and for ever; `false` when there is no such key.
    ///
    /// # Errors
    /// What the store reports.
    pub fn revoke_key(&self, id: &KeyId) -> Result<bool, StoreError> {
        let (id, now) = (id.clone(), (self.clock)());
        self.change(move |commands| commands.revoke_key(&id, now))
    }

    /// Every user, by name.
    ///
    /// # Errors
    /// What the store reports.
    pub fn users(&self) -> Result<Vec<User>, StoreError> {
        self.reader.blocking().users()
    }

    /// One user.
    ///
    /// # Errors
    /// What the store reports.
    pub fn user(&self, name: &str) -> Result<Option<User>, StoreError> {
        self.reader.blocking().user(name)
    }

    /// Moves a user to a tier; `None` when there is no such user.
    ///
    /// # Errors
    /// What the store reports.
    pub fn set_tier(&self, name: &str, tier: Tier) -> Result<Option<User>, StoreError> {
        let (name, now) = (name.to_owned(), (self.clock)());
        self.change(move |commands| commands.set_tier(&name, tier, now))
    }

    /// Lets a user open the operator's page, or no more but by an admin key; `None` when there is no
    /// such user.
    ///
    /// # Errors
    /// What the store reports.
    pub fn set_role(&self, name: &str, role: Role) -> Result<Option<User>, StoreError> {
        let name = name.to_owned();
        self.change(move |commands| commands.set_role(&name, role))
    }

    /// Whether a user may open the operator's page now, by the role or by an admin key.
    ///
    /// # Errors
    /// What the store reports.
    pub fn is_operator(&self, user: &User) -> Result<bool, StoreError> {
        self.reader.blocking().is_admin(user.id, (self.clock)())
    }

    /// Disables a user (every credential is refused) or enables one again; `None` when there is
    /// no such user.
    ///
    /// # Errors
    /// What the store reports.
    pub fn set_disabled(&self, name: &str, disabled: bool) -> Result<Option<User>, StoreError> {
        let (name, now) = (name.to_owned(), (self.clock)());
        self.change(move |commands| commands.set_disabled(&name, disabled, now))
    }

    /// Sets a user's password and ends the user's sessions; `false` when there is no such user.
    ///
    /// # Errors
    /// [`AccountError::ShortPassword`], or what the store reports.
    pub fn set_password(&self, name: &str, text: &str) -> Result<bool, AccountError> {
        let (name, phc) = (name.to_owned(), password::hash(text)?);
        Ok(self.change(move |commands| commands.set_password(&name, &phc))?)
    }

    /// As [`Accounts::set_password`], for a user who may open the operator's page from then on, and
    /// who is made if there is none of that name.
    ///
    /// # Errors
    /// [`AccountError::BadName`], [`AccountError::ShortPassword`], or what the store reports.
    pub fn set_admin_password(&self, name: &str, text: &str) -> Result<(), AccountError> {
        let (name, phc) = (checked(name)?, password::hash(text)?);
        let now = (self.clock)();
        Ok(self.change(move |commands| {
            commands.make_admin(&name, now)?;
            commands.set_password(&name, &phc).map(drop)
        })?)
    }

    fn change<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut dyn Commands) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let outcome = self.writer.write_blocking(work);
        self.cache.forget();
        outcome
    }
}
