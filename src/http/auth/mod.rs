//! Credentials to callers: keys, our own short-lived tokens, the operator's tokens, tickets.

use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;

use crate::accounts::{AccountError, Accounts, Caller, KEY_PREFIX};
use crate::domain::Timestamp;
use crate::domain::time::Clock;
use crate::http::problem::Problem;
use crate::store::StoreError;

mod operator;
mod own;
mod tickets;

pub use operator::{FetchKeys, Keys, Operator};
use own::OwnTokens;
use tickets::Tickets;

/// Why there is no caller.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Malformed, unknown, revoked, expired: the same words for all, so that nothing is told.
    #[error("The key or token is wrong, expired or revoked.")]
    Wrong,
    /// The store cannot tell.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<AccountError> for AuthError {
    fn from(reason: AccountError) -> Self {
        match reason {
            AccountError::Store(reason) => Self::Store(reason),
            AccountError::BadName(_) | AccountError::ShortPassword | AccountError::Hashing(_) => Self::Wrong,
        }
    }
}

/// Turns credentials into callers.
pub struct Auth {
    accounts: Accounts,
    own: OwnTokens,
    operator: Option<Operator>,
    tickets: Tickets,
    clock: Clock,
}

impl Auth {
    /// Keys of `accounts`, own tokens signed with `secret`, and the operator's tokens if any.
    pub fn new(accounts: Accounts, secret: [u8; 32], operator: Option<Operator>, clock: Clock) -> Self {
        Self { accounts, own: OwnTokens::new(secret), operator, tickets: Tickets::default(), clock }
    }

    /// The caller of these headers; `None` when they hold no credential.
    ///
    /// # Errors
    /// [`AuthError`].
    pub async fn caller(&self, headers: &HeaderMap) -> Result<Option<Caller>, AuthError> {
        let text = |value: &hyper::header::HeaderValue| value.to_str().map(str::to_owned);
        let key = headers.get("x-api-key").map(text).transpose().map_err(|_| AuthError::Wrong)?;
        let bearer = headers.get(AUTHORIZATION).map(text).transpose().map_err(|_| AuthError::Wrong)?;
        let bearer = match bearer.as_deref().map(|value| value.split_once(' ')) {
            None => None,
            Some(Some((scheme, token))) if scheme.eq_ignore_ascii_case("bearer") => {
                Some(token.trim().to_owned())
            }
            Some(_) => return Err(AuthError::Wrong),
        };
        let credential = match (key, bearer) {
            (None, None) => return Ok(None),
            (Some(one), Some(other)) if one != other => return Err(AuthError::Wrong),
            (Some(one), _) | (None, Some(one)) => one,
        };
        self.caller_of_token(&credential).await.map(Some)
    }

    /// The caller of a key or a token.
    ///
    /// # Errors
    /// [`AuthError`].
    pub async fn caller_of_token(&self, text: &str) -> Result<Caller, AuthError> {
        if text.starts_with(KEY_PREFIX) {
            return self.accounts.by_key(text).await?.ok_or(AuthError::Wrong);
        }
        let now = (self.clock)();
        if let Some(claims) = self.own.read(text, now) {
            return self.own_caller(claims).await;
        }
        let operator = self.operator.as_ref().ok_or(AuthError::Wrong)?;
        let (name, tier) = operator.read(text, now).await.ok_or(AuthError::Wrong)?;
        self.accounts.by_name(&name, Some(tier)).await?.ok_or(AuthError::Wrong)
    }

    async fn own_caller(&self, claims: own::Claims) -> Result<Caller, AuthError> {
        let caller = self.accounts.by_id(claims.user(), claims.role).await?.ok_or(AuthError::Wrong)?;
        // A token made from a key ends with it.
        match claims.key {
            Some(key) if self.accounts.is_key_good(&key).await? => Ok(Caller { key: Some(key), ..caller }),
            Some(_) => Err(AuthError::Wrong),
            None => Ok(caller),
        }
    }

    /// A token for a browser, and its end.
    ///
    /// # Errors
    /// 500 when it cannot be signed.
    pub fn issue_token(&self, caller: &Caller, ttl: Duration) -> Result<(String, Timestamp), Problem> {
        self.own.issue(caller, (self.clock)(), ttl).map_err(|reason| Problem::internal(&reason))
    }

    /// A ticket for one WebSocket, and its end.
    pub fn issue_ticket(&self, caller: &Caller) -> (String, Timestamp) {
        self.tickets.issue(caller, (self.clock)())
    }

    /// The caller a ticket was made for; once.
    pub fn redeem_ticket(&self, ticket: &str) -> Option<Caller> {
        self.tickets.redeem(ticket, (self.clock)())
    }
}
