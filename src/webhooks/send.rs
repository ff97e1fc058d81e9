//! One signed message to one address: a name is looked up once, every address that it stands for is
//! checked, and the connection goes to one of these and no other. No redirect is followed, no proxy
//! is used, little of the answer is read and none of it is kept.

use std::error::Error;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, ClientBuilder};

use crate::domain::Timestamp;

use super::target::{Reach, Target};

/// What is called out on the wire.
const USER_AGENT: &str = concat!("diagramd/", env!("CARGO_PKG_VERSION"));
/// How long a connection may take to be made, name and TLS included.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
/// Connections to one host that are kept for the next message, and for how long.
const IDLE_MAX: usize = 2;
const IDLE_TIME_MAX: Duration = Duration::from_secs(20);
/// Bytes of an answer that are read, so that its connection can serve again.
const ANSWER_BYTES_MAX: usize = 16 << 10;
/// The longest wait that a receiver can ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3600);
/// Characters of a reason that are kept.
const REASON_CHARS_MAX: usize = 200;

/// What a name stands for now.
pub type Looking<'a> = Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Looks names up: the system does, and tests do.
pub trait Lookup: Send + Sync {
    /// Every address of the name.
    ///
    /// # Errors
    /// When it has none, or nobody can say.
    fn addresses<'a>(&'a self, name: &'a str) -> Looking<'a>;
}

/// The system's way to look names up.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Lookup for System {
    fn addresses<'a>(&'a self, name: &'a str) -> Looking<'a> {
        Box::pin(
            async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|found| found.ip()).collect()) },
        )
    }
}

/// An answer: what its receiver made of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// `Retry-After`, at most a day; `None` when there is none that can be read.
    pub retry_after: Option<Duration>,
}

impl Answer {
    /// Whether the receiver took the message: any 2xx.
    pub const fn is_taken(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// Whether the receiver wants nothing more of this: 410.
    pub const fn is_gone(&self) -> bool {
        self.status == 410
    }
}

/// Why there is no answer. Each is half a sentence without the address, which may hold a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The name stands for an address that may not be sent to.
    #[error("the name stands for a private address, which is not sent to")]
    Forbidden,
    /// Nobody knows the name.
    #[error("the name cannot be looked up")]
    Unknown,
    /// No connection.
    #[error("no connection could be made: {0}")]
    Unreachable(String),
    /// No answer in time.
    #[error("there was no answer within {0} s")]
    TooSlow(u64),
    /// The connection broke, or what came back was not HTTP.
    #[error("the connection broke: {0}")]
    Broken(String),
}

/// Sends messages; cheap to clone.
#[derive(Clone)]
pub struct Sender {
    client: Client,
    reach: Reach,
    timeout: Duration,
    clock: fn() -> Timestamp,
}

impl Sender {
    /// A sender that reaches so far. `timeout` bounds one message from the look-up of its name to the
    /// end of the answer; `clock` dates a `Retry-After` that is a date.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(reach: Reach, timeout: Duration, clock: fn() -> Timestamp) -> Result<Self, String> {
        Self::with_lookup(reach, timeout, clock, Arc::new(System))
    }

    /// As [`Sender::new`], with another way to look names up.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn with_lookup(
        reach: Reach,
        timeout: Duration,
        clock: fn() -> Timestamp,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, String> {
        let guard = Arc::new(Guard { reach, lookup });
        let builder = || {
            Client::builder()
                .user_agent(USER_AGENT)
                .dns_resolver(Arc::clone(&guard))
                // A proxy would look the name up by itself.
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .https_only(reach == Reach::Public)
                .connect_timeout(CONNECT_TIME_MAX.min(timeout))
                .timeout(timeout)
                .pool_max_idle_per_host(IDLE_MAX)
                .pool_idle_timeout(IDLE_TIME_MAX)
        };
        let client = builder().build().or_else(|_| with_embedded_roots(builder()));
        let client = client.map_err(|reason| reason.without_url().to_string())?;
        Ok(Self { client, reach, timeout, clock })
    }

    /// How far it reaches.
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// Posts a JSON body with these headers, once.
    ///
    /// # Errors
    /// [`SendError`] when there is no answer; any status is one.
    pub async fn post(
        &self,
        target: &Target,
        headers: &[(&'static str, String)],
        body: Bytes,
    ) -> Result<Answer, SendError> {
        // A written address is never looked up, so the guard does not see it.
        if target.address().is_some_and(|written| !self.reach.allows(written)) {
            return Err(SendError::Forbidden);
        }
        let mut request = self.client.post(target.url().clone()).header(CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let mut response = request.body(body).send().await.map_err(|reason| self.trouble(&reason))?;
        let answer = Answer {
            status: response.status().as_u16(),
            retry_after: response
                .headers()
                .get(RETRY_AFTER)
                .and_then(|value| retry_after(value.to_str().ok()?, (self.clock)())),
        };
        // The status stands whatever becomes of the rest.
        let mut read = 0;
        while let Ok(Some(piece)) = response.chunk().await {
            read += piece.len();
            if read > ANSWER_BYTES_MAX {
                break;
            }
        }
        Ok(answer)
    }

    fn trouble(&self, reason: &reqwest::Error) -> SendError {
        let mut cause: &dyn Error = reason;
        while let Some(inner) = cause.source() {
            cause = inner;
            if let Some(refused) = cause.downcast_ref::<Unresolved>() {
                return match refused {
                    Unresolved::Forbidden => SendError::Forbidden,
                    Unresolved::Unknown => SendError::Unknown,
                };
            }
        }
        let why = || cause.to_string().chars().filter(|c| !c.is_control()).take(REASON_CHARS_MAX).collect();
        // Connecting has a shorter time of its own.
        if reason.is_connect() {
            SendError::Unreachable(why())
        } else if reason.is_timeout() {
            SendError::TooSlow(self.timeout.as_secs().max(1))
        } else {
            SendError::Broken(why())
        }
    }
}

/// A container image without certificates still reaches the internet.
fn with_embedded_roots(builder: ClientBuilder) -> reqwest::Result<Client> {
    let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .map(|der| reqwest::Certificate::from_der(der))
        .collect::<reqwest::Result<Vec<_>>>()?;
    builder.tls_certs_only(roots).build()
}

/// `Retry-After`: seconds or a date.
fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = httpdate::parse_http_date(text).ok()?;
            let since_epoch = date.duration_since(std::time::SystemTime::UNIX_EPOCH).ok()?;
            Timestamp(0).after(since_epoch).since(now)
        }
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

/// Stands between a name and the connection: the addresses that it lets through are the ones that
/// are connected to.
struct Guard {
    reach: Reach,
    lookup: Arc<dyn Lookup>,
}

/// Why a name leads nowhere.
#[derive(Clone, Copy, Debug, thiserror::Error)]
enum Unresolved {
    #[error("a private address")]
    Forbidden,
    #[error("an unknown name")]
    Unknown,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (reach, lookup) = (self.reach, Arc::clone(&self.lookup));
        Box::pin(async move {
            let found = lookup.addresses(name.as_str()).await.unwrap_or_default();
            if found.is_empty() {
                return Err(Unresolved::Unknown.into());
            }
            // One private address among public ones is a mistake or a trick: nothing is sent.
            if !found.iter().all(|address| reach.allows(*address)) {
                return Err(Unresolved::Forbidden.into());
            }
            let addresses: Addrs = Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

#[cfg(test)]
#[path = "send_tests.rs"]
mod tests;
