//! One HTTP client per upstream: pooled, direct, never following a redirect.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, ClientBuilder, Response, Url};
use tokio::sync::oneshot;

use crate::domain::trace::TraceHeaders;

use super::endpoint::{Endpoint, EndpointError};
use super::{CallError, Listener, outcome};

/// How long a connection may take to be made.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// Shorter than what servers and load balancers allow, so that a connection taken from the pool
/// is rarely one that the other side is just closing.
const POOL_IDLE_MAX: Duration = Duration::from_secs(30);
/// What is called out on the wire.
const USER_AGENT: &str = concat!("diagramd/", env!("CARGO_PKG_VERSION"));

/// A way to one resource of one upstream.
#[derive(Debug)]
pub(super) struct Transport {
    client: Client,
    url: Url,
    silence_max: Duration,
}

impl Transport {
    /// A way to `resource` under `/v1` of the endpoint; `headers` go with every request.
    pub(super) fn new(
        endpoint: &Endpoint,
        resource: &str,
        mut headers: HeaderMap,
    ) -> Result<Self, EndpointError> {
        let url = endpoint.url(resource)?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let client = client(&url, endpoint.silence_max, &headers)
            .map_err(|fault| EndpointError::Client(root_cause(&fault)))?;
        Ok(Self { client, url, silence_max: endpoint.silence_max })
    }

    /// The host the requests go to.
    pub(super) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Posts `body` with the call's `trace` and waits for the answer's headers. `listener` hears of the sending when the
    /// connection stands and the request goes out, or never when no connection can be made.
    pub(super) async fn post(
        &self,
        body: Vec<u8>,
        trace: &TraceHeaders,
        listener: &mut dyn Listener,
    ) -> Result<Response, CallError> {
        let (announce, mut announced) = oneshot::channel();
        let body = Outgoing { bytes: Some(Bytes::from(body)), announce: Some(announce) };
        let request = self.client.post(self.url.clone()).body(reqwest::Body::wrap(body));
        let sending = trace.iter().fold(request, |request, (name, value)| request.header(name, value)).send();
        let mut sending = std::pin::pin!(sending);
        let outcome = tokio::select! {
            biased;
            Ok(()) = &mut announced => {
                listener.sent();
                sending.await
            }
            outcome = &mut sending => {
                // Both happened between two looks: the request did go out.
                if outcome.is_ok() || announced.try_recv().is_ok() {
                    listener.sent();
                }
                outcome
            }
        };
        outcome.map_err(|fault| self.trouble(&fault))
    }

    /// What a failure below HTTP means.
    pub(super) fn trouble(&self, fault: &reqwest::Error) -> CallError {
        if fault.is_connect() {
            return outcome::unreachable(&self.url.origin().ascii_serialization(), &root_cause(fault));
        }
        if fault.is_timeout() {
            return outcome::silent(self.silence_max);
        }
        outcome::broken(format!("connection to the upstream lost: {}", root_cause(fault)))
    }
}

/// The innermost error: the only one of the chain that says what happened, and free of URLs.
fn root_cause(fault: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = fault;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

fn client(url: &Url, silence_max: Duration, headers: &HeaderMap) -> reqwest::Result<Client> {
    let builder = || {
        let builder = Client::builder()
            .user_agent(USER_AGENT)
            .default_headers(headers.clone())
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .tcp_nodelay(true)
            .connect_timeout(CONNECT_MAX)
            .read_timeout(silence_max)
            .pool_idle_timeout(POOL_IDLE_MAX);
        // A proxy of the environment is for the internet, not for a model on this machine.
        if is_loopback(url) { builder.no_proxy() } else { builder }
    };
    if url.scheme() == "http" {
        // No certificate is ever looked at, so none is loaded.
        return builder().tls_certs_only([]).build();
    }
    builder().build().or_else(|_| with_embedded_roots(builder()))
}

/// A container image without certificates still reaches the public upstreams.
fn with_embedded_roots(builder: ClientBuilder) -> reqwest::Result<Client> {
    let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .map(|der| reqwest::Certificate::from_der(der))
        .collect::<reqwest::Result<Vec<_>>>()?;
    builder.tls_certs_only(roots).build()
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

/// A request body that tells when it is taken: the connection stands, and head and body are
/// written next.
struct Outgoing {
    bytes: Option<Bytes>,
    announce: Option<oneshot::Sender<()>>,
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Some(announce) = self.announce.take() {
            // Nobody hears it only when the call was given up.
            let _ = announce.send(());
        }
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        let loopback = |url: &str| is_loopback(&Url::parse(url).unwrap());
        assert!(loopback("http://127.0.0.1:8") && loopback("http://localhost") && loopback("http://[::1]:8"));
        assert!(!loopback("https://api.anthropic.com") && !loopback("http://10.0.0.1"));
    }

    #[test]
    fn a_machine_without_certificates_gets_the_embedded_ones() {
        assert!(with_embedded_roots(Client::builder()).is_ok());
    }
}
