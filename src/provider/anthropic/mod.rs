//! Anthropic's Messages API.

mod errors;
mod limits;
mod request;
mod stream;

use reqwest::header::{HeaderMap, HeaderValue};

use self::stream::Reading;
use super::events::{Events, error_body};
use super::transport::Transport;
use super::{Answer, Call, CallError, CallFuture, Endpoint, EndpointError, Listener, Provider};
use crate::domain::Timestamp;

/// The version of the wire.
const API_VERSION: &str = "2023-06-01";

/// One Anthropic account.
#[derive(Debug)]
pub struct Anthropic {
    transport: Transport,
    now: fn() -> Timestamp,
}

impl Anthropic {
    /// An upstream at this endpoint (`https://api.anthropic.com`).
    ///
    /// # Errors
    /// When the address, the key or the TLS set-up can never work.
    pub fn new(endpoint: Endpoint) -> Result<Self, EndpointError> {
        let mut headers = HeaderMap::new();
        headers.insert("anthropic-version", HeaderValue::from_static(API_VERSION));
        if let Some(key) = &endpoint.key {
            headers.insert("x-api-key", key.header("")?);
        }
        Ok(Self { transport: Transport::new(&endpoint, "messages", headers)?, now: endpoint.now })
    }

    async fn answer(&self, call: &Call, listener: &mut dyn Listener) -> Result<Answer, CallError> {
        let response = self.transport.post(request::body(call), &call.trace, listener).await?;
        if let Some(seen) = limits::read(response.headers()) {
            listener.limits(seen);
        }
        let request_id = errors::request_id(response.headers());
        if response.status() != reqwest::StatusCode::OK {
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            return Err(errors::of_status(status, &headers, &error_body(response).await, (self.now)()));
        }
        let mut reading = Reading::new(request_id, (self.now)());
        let outcome = Events::new(&self.transport, response).read_into(&mut reading, listener).await;
        if outcome.is_err() {
            listener.usage(reading.usage_at_least());
        }
        outcome?;
        reading.answer()
    }
}

impl Provider for Anthropic {
    fn call<'a>(&'a self, call: &'a Call, listener: &'a mut dyn Listener) -> CallFuture<'a> {
        Box::pin(self.answer(call, listener))
    }

    fn kind(&self) -> &'static str {
        "anthropic"
    }
}
