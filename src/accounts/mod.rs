//! Users and their credentials: API keys (random, stored as SHA-256) and passwords (argon2id).
//!
//! Called by http (who is this?) and by the command line (make, list, revoke). It writes users
//! and keys, never jobs.

use std::sync::Arc;

use crate::domain::time::Clock;
use crate::domain::user::{ApiKey, Role};
use crate::domain::{KeyId, Tier, Timestamp, UserId};
use crate::store::{Reader, StoreError, Writer};

mod cache;
mod key;
mod manage;
mod password;
mod people;

use cache::Cache;
pub use key::{KEY_PREFIX, looks_like_key};
pub use password::PASSWORD_CHARS_MIN;
pub use people::KeyEnd;

/// Who makes a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Row number.
    pub user: UserId,
    /// Name.
    pub name: Arc<str>,
    /// Tier now.
    pub tier: Tier,
    /// What the credential allows.
    pub role: Role,
    /// The API key, when the credential is one or was made from one.
    pub key: Option<KeyId>,
    /// Whether the credential is the API key itself.
    pub by_key: bool,
    /// When the credential ends, if it does.
    pub until: Option<Timestamp>,
}

/// A key just made: the only time its text is seen.
#[derive(Clone)]
pub struct IssuedKey {
    /// The key.
    pub text: String,
    /// Its record.
    pub key: ApiKey,
}

/// Why an account operation failed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The name cannot be a user's.
    #[error("{0:?} cannot be a user name: use 1 to 128 bytes without slashes or control characters")]
    BadName(String),
    /// The password is too short.
    #[error("the password is too short: use at least {PASSWORD_CHARS_MIN} characters")]
    ShortPassword,
    /// The password could not be hashed.
    #[error("the password could not be hashed: {0}")]
    Hashing(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Users and credentials; cheap to clone.
#[derive(Clone)]
pub struct Accounts {
    writer: Writer,
    reader: Reader,
    clock: Clock,
    cache: Arc<Cache>,
}

impl Accounts {
    /// Accounts over a store.
    pub fn new(writer: Writer, reader: Reader, clock: Clock) -> Self {
        Self { writer, reader, clock, cache: Arc::default() }
    }
}
