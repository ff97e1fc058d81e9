//! Who is this: callers by key and by name.

use std::sync::Arc;

use tokio::sync::watch;

use crate::domain::user::{ApiKey, Role, User, valid_user_name};
use crate::domain::{KeyId, Tier, Timestamp, UserId};
use crate::store::{Priority, Reads, StoreError};

use super::{AccountError, Accounts, Caller, key};

/// When a good key ends, if it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyEnd(pub Option<Timestamp>);

impl Accounts {
    /// The caller that holds this key; `None` when the key is malformed, unknown, revoked or
    /// expired, or its user disabled.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn by_key(&self, text: &str) -> Result<Option<Caller>, StoreError> {
        if !key::looks_like_key(text) {
            return Ok(None);
        }
        let hash = key::hash(text);
        let now = (self.clock)();
        let known = match self.cache.key(&hash) {
            Some(known) => known,
            None => {
                let generation = self.cache.generation();
                let owner = self.reader.read(move |reads| reads.key_by_hash(&hash)).await?;
                let Some(owner) = owner else { return Ok(None) };
                if owner.key.revoked_at.is_some() || owner.user.disabled_at.is_some() {
                    return Ok(None);
                }
                let caller = caller(&owner.user, owner.key.role);
                let known =
                    Caller { key: Some(owner.key.id), by_key: true, until: owner.key.expires_at, ..caller };
                self.cache.remember_key(generation, hash, known.clone());
                known
            }
        };
        if known.until.is_some_and(|end| end <= now) {
            return Ok(None);
        }
        if let Some(id) = &known.key {
            self.cache.used(id, now);
        }
        Ok(Some(known))
    }

    /// The end of a key known by its public id, or that it has none; `None` when the key does not
    /// open anything any more.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn good_key(&self, id: &KeyId) -> Result<Option<KeyEnd>, StoreError> {
        let (id, now) = (id.clone(), (self.clock)());
        self.reader.read(move |reads| key_end(reads, &id, now)).await
    }

    /// Whether a caller's user is not disabled, and its key or session, if any, not revoked or
    /// over and still of the same role.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn still_stands(&self, caller: &Caller) -> Result<bool, StoreError> {
        let now = (self.clock)();
        let Caller { user, key, session, role, .. } = caller.clone();
        let read = self.reader.read(move |reads| {
            if let Some(session) = session {
                return Ok(reads.session(session, now)?.is_some_and(|found| found.role == role));
            }
            let user = reads.user_by_id(user)?;
            if user.is_none_or(|user| user.disabled_at.is_some()) {
                return Ok(false);
            }
            key.map_or(Ok(true), |key| Ok(key_end(reads, &key, now)?.is_some()))
        });
        read.await
    }

    /// A number that moves whenever a user or key changes, here at once and within a second after
    /// another process's change.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.cache.changes()
    }

    /// The user with this name as a caller, made on first sight. With `tier`, the user is moved
    /// to it (an operator's token says so). `None` when the user is disabled.
    ///
    /// # Errors
    /// [`AccountError::BadName`], or what the store reports.
    pub async fn by_name(&self, name: &str, tier: Option<Tier>) -> Result<Option<Caller>, AccountError> {
        if let Some(known) = self.cache.person(name).filter(|known| tier.is_none_or(|t| t == known.tier)) {
            return Ok(Some(known));
        }
        if !valid_user_name(name) {
            return Err(AccountError::BadName(name.to_owned()));
        }
        let generation = self.cache.generation();
        let owned = name.to_owned();
        let stored = self.reader.read(move |reads| reads.user(&owned)).await?;
        let user = match stored.filter(|user| tier.is_none_or(|t| t == user.tier)) {
            Some(user) => user,
            None => {
                let now = (self.clock)();
                let owned = name.to_owned();
                self.writer
                    .write(Priority::Control, 0, move |commands| commands.ensure_user(&owned, tier, now))
                    .await?
            }
        };
        if user.disabled_at.is_some() {
            return Ok(None);
        }
        let caller = caller(&user, Role::User);
        self.cache.remember_person(generation, caller.clone());
        Ok(Some(caller))
    }

    /// A known user as a caller, for tokens this server signed itself; `None` when the user is
    /// gone or disabled.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn by_id(&self, id: UserId, role: Role) -> Result<Option<Caller>, StoreError> {
        let user = self.reader.read(move |reads| reads.user_by_id(id)).await?;
        Ok(user.filter(|user| user.disabled_at.is_none()).map(|user| caller(&user, role)))
    }

    /// Looks whether another process changed users or keys; forgets what is stale. Returns the
    /// users whose tier changed; the first time, all whose tier ever did. Call at least once a second.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn notice_changes(&self) -> Result<Vec<(UserId, Tier)>, StoreError> {
        let epoch = self.reader.read(|reads| reads.identity_epoch()).await?;
        match self.cache.moved_to(epoch) {
            Some(before) => self.reader.read(move |reads| reads.tiers_changed_since(before)).await,
            None => Ok(Vec::new()),
        }
    }

    /// Writes down when keys were last used.
    ///
    /// # Errors
    /// What the store reports; these uses are then forgotten.
    pub async fn record_uses(&self) -> Result<(), StoreError> {
        let uses = self.cache.take_uses();
        if uses.is_empty() {
            return Ok(());
        }
        self.writer.write(Priority::Control, 0, move |commands| commands.touch_keys(&uses)).await
    }
}

fn key_end(reads: &dyn Reads, id: &KeyId, now: Timestamp) -> Result<Option<KeyEnd>, StoreError> {
    let good = |key: &ApiKey| key.revoked_at.is_none() && key.expires_at.is_none_or(|end| end > now);
    Ok(reads.key(id)?.filter(good).map(|key| KeyEnd(key.expires_at)))
}

fn caller(user: &User, role: Role) -> Caller {
    Caller {
        user: user.id,
        name: Arc::from(user.name.as_str()),
        tier: user.tier,
        role,
        key: None,
        by_key: false,
        session: None,
        until: None,
    }
}
