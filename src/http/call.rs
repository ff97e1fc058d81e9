//! One call on its way through the server: its head, its body still unread, where it comes from.

use hyper::Request;
use hyper::body::Incoming;
use hyper::header::{HeaderMap, UPGRADE};
use hyper::http::request::Parts;
use tokio_util::sync::CancellationToken;

use crate::domain::Origin;

use super::api::ClientAddress;
use super::inbound;

/// A call.
pub struct Call {
    /// Method, path, headers.
    pub head: Parts,
    /// The body as it comes in.
    pub body: Incoming,
    /// Its place in its caller's trace: what follows of it carries that.
    pub origin: Origin,
    /// Where it comes from.
    pub address: ClientAddress,
    /// Whether the client speaks https, as far as a trusted proxy says.
    pub is_secure: bool,
    /// Fires when the server stops.
    pub stop: CancellationToken,
}

impl Call {
    /// A call; handlers that take the request whole find the address among its extensions.
    pub fn new(
        request: Request<Incoming>,
        origin: Origin,
        address: ClientAddress,
        is_secure: bool,
        stop: CancellationToken,
    ) -> Self {
        let (mut head, body) = request.into_parts();
        head.extensions.insert(address);
        Self { head, body, origin, address, is_secure, stop }
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// What stands behind the question mark.
    pub fn query(&self) -> Option<&str> {
        self.head.uri.query()
    }

    /// Whether it asks to leave HTTP.
    pub fn asks_for_upgrade(&self) -> bool {
        self.head.headers.contains_key(UPGRADE)
    }

    /// The request as it came.
    pub fn into_request(self) -> Request<Incoming> {
        Request::from_parts(self.head, self.body)
    }

    /// Reads and forgets what is left of the body, within limits.
    pub async fn discard_body(&mut self) {
        inbound::discard(&self.head.headers, self.head.version, &mut self.body).await;
    }
}
