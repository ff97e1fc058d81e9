//! `GET /api/diagram/events/{id}`: the WebSocket's events as `text/event-stream`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::Response;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use tokio_util::sync::CancellationToken;

use crate::accounts::Caller;
use crate::domain::JobId;
use crate::events::{Received, Subscriber};
use crate::http::api::Api;
use crate::http::body::Body;
use crate::http::problem::Problem;

use super::messages;
use super::watch::{self, Begun, Refused};

/// A comment keeps proxies from closing a quiet stream.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// One stream's state between two pieces.
struct Streaming {
    api: Arc<Api>,
    subscriber: Subscriber,
    stop: CancellationToken,
    begun: Option<Begun>,
    over: bool,
}

/// Follows one request to its end.
///
/// # Errors
/// 401 or 404.
pub async fn events(
    api: Arc<Api>,
    id: JobId,
    caller: Option<Caller>,
    stop: CancellationToken,
) -> Result<Response<Body>, Problem> {
    let mut subscriber = api.bus.subscriber();
    let begun =
        watch::begin(&api, &mut subscriber, caller.as_ref(), id).await.map_err(|refused| match refused {
            Refused::Unauthorized => Problem::unauthorized("Send your API key to follow a request here."),
            Refused::Unknown => Problem::not_found("There is no such request."),
            Refused::Store(reason) => Problem::from(reason),
        })?;
    let streaming = Streaming { api, subscriber, stop, begun: Some(begun), over: false };
    let pieces = futures_util::stream::unfold(streaming, |mut streaming| async move {
        let piece = streaming.next().await?;
        Some((piece, streaming))
    });
    let mut response = Response::new(Body::stream(pieces));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

impl Streaming {
    async fn next(&mut self) -> Option<Bytes> {
        if self.over {
            return None;
        }
        if let Some(Begun { subscribed: (seq, message), terminal }) = self.begun.take() {
            let mut text = format!("retry: 2000\n{}", framed(seq, "subscribed", &message));
            if let Some((seq, name, message)) = terminal {
                text.push_str(&framed(seq, name, &message));
                self.over = true;
            }
            return Some(Bytes::from(text));
        }
        tokio::select! {
            () = self.stop.cancelled() => None,
            () = tokio::time::sleep(HEARTBEAT) => Some(Bytes::from_static(b": still here\n\n")),
            received = self.subscriber.recv() => match received {
                Received::Overflowed => None,
                Received::Event(envelope) => {
                    self.over = envelope.event.what.is_terminal();
                    let url = &self.api.options.public_url;
                    let message = envelope.rendered(|envelope| messages::event(envelope, url));
                    let message = String::from_utf8_lossy(&message);
                    Some(Bytes::from(framed(envelope.seq, messages::name(&envelope.event.what), &message)))
                }
            },
        }
    }
}

/// JSON has no line breaks of its own, so one data line is enough.
fn framed(seq: u64, name: &str, message: &str) -> String {
    format!("id: {seq}\nevent: {name}\ndata: {message}\n\n")
}
