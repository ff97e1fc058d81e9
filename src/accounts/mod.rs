//! Users and their credentials: API keys (random, stored as SHA-256), passwords (argon2id), and the
//! sessions and one-time links of browsers.
//!
//! Called by http (who is this?) and by the command line (make, list, revoke). It writes users
//! and keys, never jobs.

use std::sync::Arc;

use crate::domain::time::Clock;
use crate::domain::user::{ApiKey, Role};
use crate::domain::{KeyId, SessionId, Tier, Timestamp, UserId};
use crate::store::{Reader, StoreError, Writer};

mod cache;
mod key;
mod manage;
mod password;
mod people;
mod sessions;
mod slow;

use cache::Cache;
pub use key::{KEY_PREFIX, looks_like_key};
pub use password::PASSWORD_CHARS_MIN;
pub use people::KeyEnd;
pub use sessions::{FIRST_ADMIN, Link, OwnPassword, SignedIn};
use slow::Slow;

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
    /// The session, when the credential is its cookie or was made from it.
    pub session: Option<SessionId>,
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
    /// As many passwords are checked as may be.
    #[error("too many passwords are being checked; try again in a second")]
    Busy,
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
    slow: Arc<Slow>,
}

impl Accounts {
    /// Accounts over a store.
    pub fn new(writer: Writer, reader: Reader, clock: Clock) -> Self {
        Self { writer, reader, clock, cache: Arc::default(), slow: Arc::default() }
    }
}
