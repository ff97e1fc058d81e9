//! OpenAI-compatible chat completions: Ollama, vLLM, OpenAI itself and many more.

mod errors;
mod limits;
mod request;
mod stream;

use reqwest::header::{AUTHORIZATION, HeaderMap};

use self::stream::Reading;
use super::events::{Events, error_body};
use super::transport::Transport;
use super::{Answer, Call, CallError, CallFuture, Endpoint, EndpointError, Listener, Provider};
use crate::domain::Timestamp;

/// One server that speaks chat completions.
#[derive(Debug)]
pub struct Openai {
    transport: Transport,
    now: fn() -> Timestamp,
}

impl Openai {
    /// An upstream at this endpoint (`http://localhost:11434`, with or without `/v1`).
    ///
    /// # Errors
    /// When the address, the key or the TLS set-up can never work.
    pub fn new(endpoint: Endpoint) -> Result<Self, EndpointError> {
        let mut headers = HeaderMap::new();
        if let Some(key) = &endpoint.key {
            headers.insert(AUTHORIZATION, key.header("Bearer ")?);
        }
        Ok(Self { transport: Transport::new(&endpoint, "chat/completions", headers)?, now: endpoint.now })
    }

    async fn answer(&self, call: &Call, listener: &mut dyn Listener) -> Result<Answer, CallError> {
        let body = request::body(call, request::LengthField::of_host(self.transport.host()));
        let response = self.transport.post(body, &call.trace, listener).await?;
        if let Some(seen) = limits::read(response.headers()) {
            listener.limits(seen);
        }
        if response.status() != reqwest::StatusCode::OK {
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            return Err(errors::of_status(status, &headers, &error_body(response).await, (self.now)()));
        }
        let mut reading = Reading::new(
            call.system.len() + call.user.len(),
            errors::request_id(response.headers()),
            (self.now)(),
        );
        let outcome = Events::new(&self.transport, response).read_into(&mut reading, listener).await;
        if reading.has_started() {
            listener.usage(reading.usage());
        }
        outcome?;
        reading.answer()
    }
}

impl Provider for Openai {
    fn call<'a>(&'a self, call: &'a Call, listener: &'a mut dyn Listener) -> CallFuture<'a> {
        Box::pin(self.answer(call, listener))
    }

    fn kind(&self) -> &'static str {
        "openai"
    }
}
