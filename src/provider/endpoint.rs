//! Where an upstream is, and what is needed to speak to it. Built once by `app`.

use std::fmt;
use std::time::Duration;

use crate::domain::Timestamp;

/// How long an upstream may send no byte at all (its pings count) before a call is given up.
pub const SILENCE_MAX: Duration = Duration::from_secs(60);

/// An upstream's address, credentials and clock.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub(super) base_url: String,
    pub(super) key: Option<ApiKey>,
    pub(super) now: fn() -> Timestamp,
    pub(super) silence_max: Duration,
}

impl Endpoint {
    /// An upstream at `base_url`, which may or may not end in `/v1` or a slash. `now` dates the
    /// end of pauses.
    pub fn new(base_url: impl Into<String>, key: Option<ApiKey>, now: fn() -> Timestamp) -> Self {
        Self { base_url: base_url.into(), key, now, silence_max: SILENCE_MAX }
    }

    /// Another bound than [`SILENCE_MAX`].
    #[must_use]
    pub fn silence_max(mut self, silence_max: Duration) -> Self {
        self.silence_max = silence_max;
        self
    }

    /// The address of `resource` under `/v1`.
    pub(super) fn url(&self, resource: &str) -> Result<reqwest::Url, EndpointError> {
        let base = self.base_url.trim_end_matches('/');
        let base = base.strip_suffix("/v1").unwrap_or(base);
        let url = reqwest::Url::parse(&format!("{base}/v1/{resource}"))
            .map_err(|fault| EndpointError::Url(fault.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(EndpointError::Url("only http and https are spoken".to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EndpointError::Url("credentials belong in the key, not in the address".to_owned()));
        }
        Ok(url)
    }
}

/// A key for an upstream. No formatter prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// Wraps a key.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// `prefix` and the key as a header value that no log shows.
    pub(super) fn header(&self, prefix: &str) -> Result<reqwest::header::HeaderValue, EndpointError> {
        let mut value = reqwest::header::HeaderValue::from_str(&format!("{prefix}{}", self.0))
            .map_err(|_| EndpointError::Key)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

/// Why an upstream cannot be spoken to at all; found at start, never during a call.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// `base_url` is not an address.
    #[error("the upstream's base_url is not a usable address: {0}")]
    Url(String),
    /// The key has line breaks or other bytes that no header may hold.
    #[error("the upstream's key has characters that cannot be sent in a header")]
    Key,
    /// TLS could not be set up.
    #[error("the HTTP client could not be set up: {0}")]
    Client(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_may_end_in_v1_or_not() {
        let url =
            |base: &str| Endpoint::new(base, None, Timestamp::default).url("messages").unwrap().to_string();
        assert_eq!(url("http://h:11434"), "http://h:11434/v1/messages");
        assert_eq!(url("http://h:11434/"), "http://h:11434/v1/messages");
        assert_eq!(url("http://h:11434/v1"), "http://h:11434/v1/messages");
        assert_eq!(url("https://h/openai/v1/"), "https://h/openai/v1/messages");
        assert!(Endpoint::new("http://me:pw@h", None, Timestamp::default).url("messages").is_err());
        assert!(Endpoint::new("ftp://h", None, Timestamp::default).url("messages").is_err());
    }

    #[test]
    fn a_key_is_never_printed() {
        let endpoint = Endpoint::new("http://h", Some(ApiKey::new("sk-secret")), Timestamp::default);
        assert!(!format!("{endpoint:?}").contains("secret"));
        assert!(!format!("{:?}", ApiKey::new("sk-secret").header("Bearer ").unwrap()).contains("secret"));
        assert!(ApiKey::new("a\nb").header("").is_err());
    }
}
