//! Credentials to callers: keys, our own short-lived tokens, the operator's tokens, tickets, the
//! cookie of a session.

use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HeaderName};

use crate::accounts::{AccountError, Accounts, Caller, KEY_PREFIX, KeyEnd};
use crate::domain::Timestamp;
use crate::domain::time::Clock;
use crate::http::problem::Problem;
use crate::store::StoreError;

pub mod cookie;
mod key_set;
#[cfg(test)]
pub(crate) mod minted;
mod operator;
mod own;
mod standing;
mod tickets;
mod trusted;

pub use key_set::{FetchKeys, KeySet};
pub use operator::{Keys, Operator, OperatorError, Trust};
use own::OwnTokens;
use standing::Standing;
use tickets::Tickets;

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Why there is no caller.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Malformed, unknown, revoked, expired: the same words for all, so that nothing is told.
    #[error("The key or token is wrong, expired or revoked.")]
    Wrong,
    /// Two credentials in one call: nothing says which is meant.
    #[error("Send only one of X-API-Key and Authorization; this call has two different credentials.")]
    Both,
    /// The store cannot tell.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<AccountError> for AuthError {
    fn from(reason: AccountError) -> Self {
        match reason {
            AccountError::Store(reason) => Self::Store(reason),
            AccountError::BadName(_)
            | AccountError::ShortPassword
            | AccountError::Hashing(_)
            | AccountError::Busy => Self::Wrong,
        }
    }
}

/// Turns credentials into callers.
pub struct Auth {
    accounts: Accounts,
    own: OwnTokens,
    operator: Option<Operator>,
    tickets: Tickets,
    standing: Standing,
    clock: Clock,
}

impl Auth {
    /// Keys of `accounts`, own tokens signed with `secret`, and the operator's tokens if any.
    pub fn new(accounts: Accounts, secret: [u8; 32], operator: Option<Operator>, clock: Clock) -> Self {
        let standing = Standing::new(accounts.clone());
        let own = OwnTokens::new(secret);
        Self { accounts, own, operator, tickets: Tickets::default(), standing, clock }
    }

    /// The caller of these headers; `None` when they hold no credential. A key or a token comes
    /// before the cookie of a session.
    ///
    /// # Errors
    /// [`AuthError`].
    pub async fn caller(&self, headers: &HeaderMap) -> Result<Option<Caller>, AuthError> {
        let key = single(headers, &X_API_KEY)?;
        let bearer = match single(headers, &AUTHORIZATION)?.map(|value| value.split_once(' ')) {
            None => None,
            Some(Some((scheme, token))) if scheme.eq_ignore_ascii_case("bearer") => Some(token.trim()),
            Some(_) => return Err(AuthError::Wrong),
        };
        let credential = match (key, bearer) {
            (None, None) => return self.caller_of_cookie(headers).await,
            (Some(one), Some(other)) if one != other => return Err(AuthError::Both),
            (Some(one), _) | (None, Some(one)) => one,
        };
        self.caller_of_token(credential).await.map(Some)
    }

    /// A cookie that opens nothing is none: a browser sends the one it has, also when it is over.
    async fn caller_of_cookie(&self, headers: &HeaderMap) -> Result<Option<Caller>, AuthError> {
        match cookie::token(headers) {
            Some(token) => Ok(self.accounts.by_session(token).await?),
            None => Ok(None),
        }
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
        let claimed = operator.read(text, now).await.ok_or(AuthError::Wrong)?;
        let caller = self.accounts.by_name(&claimed.user, Some(claimed.tier)).await?;
        Ok(Caller { until: Some(claimed.until), ..caller.ok_or(AuthError::Wrong)? })
    }

    async fn own_caller(&self, claims: own::Claims) -> Result<Caller, AuthError> {
        let caller = self.accounts.by_id(claims.user(), claims.role).await?.ok_or(AuthError::Wrong)?;
        let until = claims.until();
        let Some(key) = claims.key else { return Ok(Caller { until: Some(until), ..caller }) };
        // A token made from a key ends with it.
        let KeyEnd(end) = self.accounts.good_key(&key).await?.ok_or(AuthError::Wrong)?;
        let until = end.map_or(until, |end| end.min(until));
        Ok(Caller { key: Some(key), until: Some(until), ..caller })
    }

    /// Whether a caller that was let in earlier would still be: its credential has not ended, its
    /// key is not revoked, its user not disabled. Cheap between two changes of users and keys.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn still_stands(&self, caller: &Caller) -> Result<bool, StoreError> {
        if caller.until.is_some_and(|until| until <= (self.clock)()) {
            return Ok(false);
        }
        self.standing.is_good(caller).await
    }

    /// Moves whenever a user or key changes: then [`Auth::still_stands`] may answer otherwise.
    pub fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        self.standing.changes()
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

/// A header's text. Two lines of one could be read differently by a proxy in front.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, AuthError> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Ok(None),
        (Some(line), None) => line.to_str().map(Some).map_err(|_| AuthError::Wrong),
        (Some(_), Some(_)) => Err(AuthError::Wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_comes_twice_or_is_no_text_is_no_credential() {
        let mut headers = HeaderMap::new();
        assert!(matches!(single(&headers, &X_API_KEY), Ok(None)));
        headers.append(X_API_KEY, "one".parse().unwrap());
        assert!(matches!(single(&headers, &X_API_KEY), Ok(Some("one"))));
        headers.append(X_API_KEY, "one".parse().unwrap());
        assert!(single(&headers, &X_API_KEY).is_err());
        headers.insert(X_API_KEY, hyper::header::HeaderValue::from_bytes(b"\xFF").unwrap());
        assert!(single(&headers, &X_API_KEY).is_err());
    }
}
