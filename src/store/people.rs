//! What is stored of people's ways in: keys, sessions, links, passwords.

use crate::domain::session::LinkFor;
use crate::domain::user::Role;
use crate::domain::{KeyId, SessionId, Timestamp, UserId};

/// A key to store; the key's text itself never gets here.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Public id.
    pub id: KeyId,
    /// Owner.
    pub user: UserId,
    /// What its holder may do.
    pub role: Role,
    /// SHA-256 of the key.
    pub hash: [u8; 32],
    /// First characters, for recognising it.
    pub prefix: String,
    /// Refused from then on.
    pub expires_at: Option<Timestamp>,
    /// Now.
    pub created_at: Timestamp,
}

/// A session to store, or the session that a link is changed for.
#[derive(Clone, Copy, Debug)]
pub struct NewSession {
    /// Its name.
    pub id: SessionId,
    /// Refused from then on.
    pub expires_at: Timestamp,
    /// Now.
    pub created_at: Timestamp,
}

/// Another password for a user who is signed in; both are argon2id hashes.
#[derive(Clone)]
pub struct PasswordChange {
    /// The user.
    pub user: UserId,
    /// The session by which it is changed.
    pub session: SessionId,
    /// The password so far, if there is one, as it was when the change was allowed.
    pub was: Option<String>,
    /// The password from now on.
    pub phc: String,
    /// Now.
    pub at: Timestamp,
}

/// A one-time link to store.
#[derive(Clone, Copy, Debug)]
pub struct NewLink {
    /// Its name.
    pub id: SessionId,
    /// Whom it signs in.
    pub whom: LinkFor,
    /// Refused from then on.
    pub expires_at: Timestamp,
    /// Now.
    pub created_at: Timestamp,
}
