//! What a browser signs in with: sessions, and one-time links that open one.

use std::time::Duration;

use super::user::{Role, User};
use super::{Timestamp, UserId};

/// How long a session lives, from its beginning.
pub const SESSION_LIFE: Duration = Duration::from_secs(12 * 3600);
/// How long a link may be used.
pub const LINK_LIFE: Duration = Duration::from_secs(30 * 60);

/// Names a session or a link: the SHA-256 of its token, which opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionId(pub [u8; 32]);

/// A session that is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Who is signed in.
    pub user: User,
    /// What they may do: everything, if the user is an admin or holds an admin key that is good.
    pub role: Role,
    /// Whether a link opened it.
    pub by_link: bool,
    /// From then on it opens nothing.
    pub expires_at: Timestamp,
}

/// Whom a link signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkFor {
    /// A user.
    User(UserId),
    /// The operator of a server that has none yet: an admin is made when it is used.
    Setup,
}
