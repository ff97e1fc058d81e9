//! Credentials to callers: keys, our own short-lived tokens, the operator's tokens, tickets.

/// Turns credentials into callers.
pub struct Auth {}
