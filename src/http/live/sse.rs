//! `GET /api/diagram/events/{id}`: the WebSocket's events as `text/event-stream`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use hyper::Response;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::accounts::Caller;
use crate::domain::JobId;
use crate::events::{Received, Subscriber};
use crate::http::api::Api;
use crate::http::body::Body;
use crate::http::problem::Problem;

use super::guard::{self, Guard};
use super::messages;
use super::watch::{self, Begun, Refused};

/// A comment keeps proxies from closing a quiet stream.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// A stream is counted for as long as it has this.
struct Open(Arc<Api>);

impl Open {
    fn new(api: &Arc<Api>) -> Self {
        api.live.streams.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(api))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.live.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One stream's state between two pieces.
struct Streaming {
    _open: Open,
    api: Arc<Api>,
    subscriber: Subscriber,
    guard: Option<Box<Guard>>,
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
    let guard = caller.map(|caller| Guard::of(&api, caller));
    let streaming =
        Streaming { _open: Open::new(&api), api, subscriber, guard, stop, begun: Some(begun), over: false };
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
        if let Some(begun) = self.begun.take() {
            return Some(self.first(begun));
        }
        tokio::select! {
            received = self.subscriber.recv() => self.received(received),
            () = guard::ended(&mut self.guard, &self.api) => Some(self.credential_ended()),
            () = tokio::time::sleep(HEARTBEAT) => Some(Bytes::from_static(b": still here\n\n")),
            // What has happened before the stop is told before the end.
            () = self.stop.cancelled() => {
                let received = self.subscriber.try_recv()?;
                self.received(received)
            }
        }
    }

    fn first(&mut self, begun: Begun) -> Bytes {
        let mut text = format!("retry: 2000\n{}", framed(begun.seq, "subscribed", &begun.subscribed));
        if let Some(ending) = begun.ending {
            text.push_str(&framed(ending.seq, ending.name, &ending.message));
            self.over = true;
        }
        Bytes::from(text)
    }

    /// `None` for a reader that was too slow: it comes back and reads the status.
    fn received(&mut self, received: Received) -> Option<Bytes> {
        let Received::Event(envelope) = received else { return None };
        self.over = envelope.event.what.is_terminal();
        let url = &self.api.options.public_url;
        let message = envelope.rendered(|envelope| messages::event(envelope, url));
        let message = String::from_utf8_lossy(&message);
        Some(Bytes::from(framed(envelope.seq, messages::name(&envelope.event.what), &message)))
    }

    fn credential_ended(&mut self) -> Bytes {
        self.over = true;
        let seq = self.api.bus.next_seq();
        let error = json!({ "type": "error", "seq": seq, "code": "unauthorized", "message": guard::ENDED });
        Bytes::from(framed(seq, "error", &error.to_string()))
    }
}

/// JSON has no line breaks of its own, so one data line is enough.
fn framed(seq: u64, name: &str, message: &str) -> String {
    format!("id: {seq}\nevent: {name}\ndata: {message}\n\n")
}
