//! One server and one key: sends calls, and turns what is no success into a [`ClientError`].

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response};
use serde::de::DeserializeOwned;

use super::problem::{ClientError, Problem};
use super::roots;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a call may take; the longest is a read of a whole list.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);
/// The largest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A server and the key it is asked with.
#[derive(Clone)]
pub struct Client {
    server: String,
    key: Option<String>,
    http: reqwest::Client,
}

/// The server's URL cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadServer {
    /// Not an http or https URL.
    #[error("{0:?} is not a server's URL; expected something like http://127.0.0.1:3000")]
    Url(String),
    /// The key cannot be sent in a header.
    #[error("the key has characters that no key has; copy it again")]
    Key,
    /// TLS or the resolver could not be set up.
    #[error("the HTTP client could not be set up: {0}")]
    Setup(String),
}

impl Client {
    /// A client for `server` (`http://host:port`, a path allowed).
    ///
    /// # Errors
    /// When the URL or the key cannot be used; nothing is sent yet.
    pub fn new(server: &str, key: Option<&str>) -> Result<Self, BadServer> {
        let url = url::Url::parse(server).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let url = url.ok_or_else(|| BadServer::Url(server.to_owned()))?;
        if key.is_some_and(|key| key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(BadServer::Key);
        }
        let builder = || {
            let builder = reqwest::Client::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .redirect(reqwest::redirect::Policy::none())
                .user_agent(concat!("diagramd/", env!("CARGO_PKG_VERSION")));
            // A proxy of the environment is for the internet, not for a server on this machine.
            if is_loopback(&url) { builder.no_proxy() } else { builder }
        };
        let http = roots::build(builder).map_err(|error| BadServer::Setup(error.to_string()))?;
        Ok(Self { server: server.trim_end_matches('/').to_owned(), key: key.map(str::to_owned), http })
    }

    /// A call of `path`, credentials set.
    pub(super) fn call(&self, method: Method, path: &str) -> RequestBuilder {
        let call = self.http.request(method, format!("{}{path}", self.server));
        match &self.key {
            Some(key) => call.header("x-api-key", key),
            None => call,
        }
    }

    /// Sends a call and reads its JSON answer.
    pub(super) async fn json<T: DeserializeOwned>(&self, call: RequestBuilder) -> Result<T, ClientError> {
        let response = self.send(call.timeout(CALL_TIMEOUT)).await?;
        let status = response.status();
        let body = self.body(response).await?;
        serde_json::from_slice(&body).map_err(|error| {
            self.foreign(format!("HTTP {status} with a body that is not as expected ({error})"))
        })
    }

    /// Sends a call and reads its answer as it is.
    pub(super) async fn bytes(&self, call: RequestBuilder) -> Result<Vec<u8>, ClientError> {
        let response = self.send(call.timeout(CALL_TIMEOUT)).await?;
        self.body(response).await
    }

    /// Sends a call; anything but a success, or a switch of protocols, is an error.
    pub(super) async fn send(&self, call: RequestBuilder) -> Result<Response, ClientError> {
        let response = call.send().await.map_err(|error| self.no_answer(&error))?;
        let status = response.status();
        if status.is_success() || status.as_u16() == 101 {
            return Ok(response);
        }
        let retry_after =
            response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let body = self.body(response).await?;
        match serde_json::from_slice::<Problem>(&body) {
            Ok(mut problem) => {
                problem.retry_after = retry_after;
                Err(ClientError::Refused(Box::new(problem)))
            }
            Err(_) => Err(self.foreign(format!("HTTP {status} without an explanation"))),
        }
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, ClientError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.no_answer(&error))? {
            body.extend_from_slice(&chunk);
            if body.len() > ANSWER_BYTES_MAX {
                return Err(self.foreign(format!("with more than {ANSWER_BYTES_MAX} bytes")));
            }
        }
        Ok(body)
    }

    pub(super) fn foreign(&self, what: String) -> ClientError {
        ClientError::Foreign { server: self.server.clone(), what }
    }

    pub(super) fn silent(&self, reason: String) -> ClientError {
        ClientError::Lost { server: self.server.clone(), reason }
    }

    fn no_answer(&self, error: &reqwest::Error) -> ClientError {
        // The innermost cause is the one that says something ("connection refused").
        let mut cause: &dyn std::error::Error = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        let (server, reason) = (self.server.clone(), cause.to_string());
        if error.is_connect() || error.is_builder() {
            ClientError::Unreachable { server, reason }
        } else {
            ClientError::Lost { server, reason }
        }
    }
}

fn is_loopback(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
