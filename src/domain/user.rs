//! People and their keys.

use serde::{Deserialize, Serialize};

use super::{KeyId, Tier, Timestamp, UserId};

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Own requests and usage.
    User,
    /// Everything.
    Admin,
}

impl Role {
    /// The name used in the database and in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
        }
    }
}

/// A user as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Row number.
    pub id: UserId,
    /// Unique name: the `sub` of an operator's token, or what `key create --user` was given.
    pub name: String,
    /// Current tier.
    pub tier: Tier,
    /// First sight.
    pub created_at: Timestamp,
    /// Set when the operator disabled the user; every credential is then refused.
    pub disabled_at: Option<Timestamp>,
    /// Whether a password is set (for the dashboard).
    pub has_password: bool,
    /// Whether the user may open the operator's page, also without an admin key.
    pub is_admin: bool,
}

impl User {
    /// What the user may do when signed in; an admin key that is good gives more.
    pub const fn role(&self) -> Role {
        if self.is_admin { Role::Admin } else { Role::User }
    }
}

/// The longest user name, in bytes.
pub const USER_NAME_BYTES_MAX: usize = 128;

/// Whether `name` may be a user's name: 1..=128 bytes, no control characters, no `/`, no space
/// at either end.
pub fn valid_user_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= USER_NAME_BYTES_MAX
        && name.trim() == name
        && !name.chars().any(|c| c.is_control() || c == '/')
}

/// An API key's record; the key itself is shown once and stored only as SHA-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Public id, for revoking.
    pub id: KeyId,
    /// Owner.
    pub user: UserId,
    /// Owner's name.
    pub user_name: String,
    /// What the key's holder may do.
    pub role: Role,
    /// First characters of the key, for recognising it.
    pub prefix: String,
    /// Creation time.
    pub created_at: Timestamp,
    /// The key is refused from this instant on.
    pub expires_at: Option<Timestamp>,
    /// Last use, exact to about ten seconds.
    pub last_used_at: Option<Timestamp>,
    /// Set when revoked.
    pub revoked_at: Option<Timestamp>,
}
