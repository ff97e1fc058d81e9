//! The WebSocket: one task a socket, small buffers, slow readers let go.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::upgrade::Upgraded;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, interval_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role as Side, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_util::sync::CancellationToken;

use crate::accounts::Caller;
use crate::domain::user::Role;
use crate::domain::{JobId, UserId};
use crate::events::{Envelope, Received, Subscriber};
use crate::http::api::Api;
use crate::http::body::Body;
use crate::http::problem::Problem;
use crate::http::respond::Answer;

use super::messages;
use super::watch::{self, Begun, Refused};

/// Bytes of a buffer of each direction; tungstenite's own default is 128 KiB.
const BUFFER_BYTES: usize = 2 << 10;
/// Bytes that may wait to be written before the socket counts as slow.
const UNWRITTEN_BYTES_MAX: usize = 4 << 20;
/// Bytes of a client's message.
const MESSAGE_BYTES_MAX: usize = 16 << 10;
/// Requests watched by one socket.
const WATCHED_MAX: usize = 1000;
/// Ended requests remembered by one socket: as many as its mailbox may hold events of.
const ENDED_MAX: usize = 256;
/// Wrong messages in a row before the socket is closed.
const WRONG_MAX: u32 = 20;
/// A write that makes no progress for so long ends the socket.
const WRITE_TIME_MAX: Duration = Duration::from_secs(30);
/// Between two pings, and how many may go unanswered.
const PING_EVERY: Duration = Duration::from_secs(30);
const UNANSWERED_MAX: u32 = 3;
/// Between two looks at the queue for admins.
const QUEUE_EVERY: Duration = Duration::from_secs(1);

/// What a client sends.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Asked {
    Subscribe {
        #[serde(rename = "requestId")]
        request_id: Option<String>,
        scope: Option<String>,
    },
    Unsubscribe {
        #[serde(rename = "requestId")]
        request_id: Option<String>,
        scope: Option<String>,
    },
    Auth {
        token: String,
    },
    Ping,
}

type Stream = WebSocketStream<TokioIo<Upgraded>>;

/// Why a socket ends.
enum End {
    Gone,
    Close(CloseCode, &'static str),
}

/// Answers the handshake and serves the socket in a task of its own.
pub async fn accept(
    api: Arc<Api>,
    mut request: Request<Incoming>,
    caller: Option<Caller>,
    stop: CancellationToken,
) -> Answer {
    match handshake(&api, &mut request, caller) {
        Err(problem) => Err(problem),
        Ok((caller, accept)) => {
            let Ok(permit) = Arc::clone(&api.sockets).try_acquire_owned() else {
                let full = "The server has as many WebSockets open as it may; try again soon.";
                let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_connections", full);
                return Err(problem.with_retry_after(5));
            };
            let upgrade = hyper::upgrade::on(request);
            tokio::spawn(async move {
                match upgrade.await {
                    Ok(upgraded) => Box::pin(serve(api, upgraded, caller, stop)).await,
                    Err(reason) => tracing::debug!(%reason, "a WebSocket was not opened"),
                }
                drop(permit);
            });
            Ok(accept)
        }
    }
}

fn handshake(
    api: &Api,
    request: &mut Request<Incoming>,
    caller: Option<Caller>,
) -> Result<(Option<Caller>, Response<Body>), Problem> {
    let headers = request.headers();
    let upgrade =
        headers.get(UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"));
    let version = headers.get(SEC_WEBSOCKET_VERSION).is_some_and(|value| value == "13");
    let (Some(key), true, true) = (headers.get(SEC_WEBSOCKET_KEY), upgrade, version) else {
        return Err(Problem::new(
            StatusCode::UPGRADE_REQUIRED,
            "upgrade_required",
            "This is a WebSocket; open it with a WebSocket client (version 13).",
        )
        .with_header(UPGRADE, HeaderValue::from_static("websocket"))
        .with_header(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13")));
    };
    let query = request.uri().query().unwrap_or_default();
    let ticket = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "ticket");
    let caller = match ticket {
        None => caller,
        Some((_, ticket)) => Some(api.auth.redeem_ticket(&ticket).ok_or_else(|| {
            Problem::unauthorized("The ticket is used or over; get another from /api/auth/ws-ticket.")
        })?),
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes()))
        .map_err(|reason| Problem::internal(&reason))?;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    Ok((caller, response))
}

async fn serve(api: Arc<Api>, upgraded: Upgraded, caller: Option<Caller>, stop: CancellationToken) {
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(UNWRITTEN_BYTES_MAX)
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    let stream = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Side::Server, Some(config)).await;
    let subscriber = api.bus.subscriber();
    let mut socket = Socket {
        api,
        stream,
        subscriber,
        caller,
        mine: None,
        queue: false,
        last_queue: String::new(),
        ended: VecDeque::new(),
        wrong: 0,
    };
    let end = socket.run(stop).await;
    if let End::Close(code, reason) = end {
        let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
        drop(tokio::time::timeout(WRITE_TIME_MAX, socket.stream.close(Some(frame))).await);
    }
}

struct Socket {
    api: Arc<Api>,
    stream: Stream,
    subscriber: Subscriber,
    caller: Option<Caller>,
    /// Whose requests are all watched.
    mine: Option<UserId>,
    /// Whether the queue's figures are watched.
    queue: bool,
    last_queue: String,
    /// Requests whose end was told last: an event of theirs that still waits is not told again.
    ended: VecDeque<JobId>,
    wrong: u32,
}

impl Socket {
    async fn run(&mut self, stop: CancellationToken) -> End {
        let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        let mut looks = interval_at(Instant::now() + QUEUE_EVERY, QUEUE_EVERY);
        let mut unanswered = 0;
        loop {
            let step = tokio::select! {
                () = stop.cancelled() => return End::Close(CloseCode::Away, "the server stops"),
                received = self.subscriber.recv() => match received {
                    Received::Overflowed => return End::Close(CloseCode::Again, "too slow; subscribe again"),
                    Received::Event(envelope) => Box::pin(self.event(&envelope)).await,
                },
                message = self.stream.next() => {
                    unanswered = 0;
                    match message {
                        Some(Ok(Message::Text(text))) => Box::pin(self.asked(&text)).await,
                        Some(Ok(Message::Binary(_))) => self.refuse("invalid_message", "Send text, not binary.").await,
                        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(()),
                        Some(Ok(Message::Close(_)) | Err(_)) | None => return End::Gone,
                    }
                }
                _ = looks.tick(), if self.queue => self.look().await,
                _ = pings.tick() => {
                    unanswered += 1;
                    if unanswered > UNANSWERED_MAX {
                        return End::Gone;
                    }
                    self.write(Message::Ping(bytes::Bytes::new())).await
                }
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    async fn write(&mut self, message: Message) -> Result<(), End> {
        match tokio::time::timeout(WRITE_TIME_MAX, self.stream.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(End::Gone),
        }
    }

    async fn say(&mut self, text: String) -> Result<(), End> {
        self.write(Message::text(text)).await
    }

    async fn refuse(&mut self, code: &str, message: &str) -> Result<(), End> {
        self.wrong += 1;
        if self.wrong > WRONG_MAX {
            return Err(End::Close(CloseCode::Policy, "too many wrong messages"));
        }
        let seq = self.api.bus.next_seq();
        self.say(json!({ "type": "error", "seq": seq, "code": code, "message": message }).to_string()).await
    }

    async fn asked(&mut self, text: &str) -> Result<(), End> {
        let Ok(asked) = serde_json::from_str::<Asked>(text) else {
            return self
                .refuse("invalid_message", "Send JSON with a type: subscribe, unsubscribe, auth or ping.")
                .await;
        };
        match asked {
            Asked::Ping => {
                let seq = self.api.bus.next_seq();
                self.say(json!({ "type": "pong", "seq": seq }).to_string()).await
            }
            Asked::Auth { token } => match self.api.auth.caller_of_token(&token).await {
                Ok(caller) => {
                    self.wrong = 0;
                    let seq = self.api.bus.next_seq();
                    let user = caller.name.to_string();
                    self.caller = Some(caller);
                    self.say(json!({ "type": "authenticated", "seq": seq, "user": user }).to_string()).await
                }
                Err(reason) => self.refuse("unauthorized", &reason.to_string()).await,
            },
            Asked::Subscribe { request_id: Some(id), scope: None } => match id.parse() {
                Ok(id) => self.subscribe(id).await,
                Err(_) => self.refuse("not_found", "There is no such request.").await,
            },
            Asked::Subscribe { request_id: None, scope: Some(scope) } => self.subscribe_scope(&scope).await,
            Asked::Unsubscribe { request_id: Some(id), .. } => {
                if let Ok(id) = id.parse() {
                    self.subscriber.unwatch_job(id);
                }
                Ok(())
            }
            Asked::Unsubscribe { request_id: None, scope } => {
                self.queue &= scope.as_deref() != Some("queue");
                Ok(())
            }
            Asked::Subscribe { .. } => {
                self.refuse("invalid_message", "Name either a requestId or a scope (mine or queue).").await
            }
        }
    }

    async fn subscribe(&mut self, id: JobId) -> Result<(), End> {
        if self.subscriber.jobs_watched() >= WATCHED_MAX {
            return self
                .refuse("too_many_subscriptions", "At most 1000 requests can be watched at once.")
                .await;
        }
        match watch::begin(&self.api, &mut self.subscriber, self.caller.as_ref(), id).await {
            Ok(Begun { subscribed: (_, message), terminal }) => {
                self.wrong = 0;
                // Asked for again, or queued again by an operator: its end is news again.
                self.ended.retain(|ended| *ended != id);
                self.say(message).await?;
                match terminal {
                    Some((_, _, message)) => {
                        self.note_end(id);
                        self.say(message).await
                    }
                    None => Ok(()),
                }
            }
            Err(Refused::Unauthorized) => {
                self.refuse("unauthorized", "Send {\"type\":\"auth\",\"token\":…} first.").await
            }
            Err(Refused::Unknown) => self.refuse("not_found", "There is no such request.").await,
            Err(Refused::Store(reason)) => {
                tracing::error!(%reason, "a subscription could not be read");
                self.refuse("unavailable", "The server cannot read its database just now; try again.").await
            }
        }
    }

    async fn subscribe_scope(&mut self, scope: &str) -> Result<(), End> {
        let Some(caller) = self.caller.clone() else {
            return self.refuse("unauthorized", "Send {\"type\":\"auth\",\"token\":…} first.").await;
        };
        match scope {
            "mine" => {
                self.subscriber.watch_user(caller.user);
                self.mine = Some(caller.user);
                let user = caller.user;
                let live = self.api.reader.read(move |reads| reads.live_jobs(user)).await;
                for job in live.unwrap_or_default() {
                    self.subscribe(job.id).await?;
                }
                let seq = self.api.bus.next_seq();
                self.say(json!({ "type": "subscribed", "seq": seq, "scope": "mine" }).to_string()).await
            }
            "queue" if caller.role == Role::Admin => {
                self.queue = true;
                self.look().await
            }
            "queue" => self.refuse("forbidden", "Only an admin may watch the queue.").await,
            _ => self.refuse("invalid_message", "The scope is mine or queue.").await,
        }
    }

    /// An event, preceded by `subscribed` when its job is new to this socket.
    async fn event(&mut self, envelope: &Arc<Envelope>) -> Result<(), End> {
        let job = envelope.event.job;
        if self.ended.contains(&job) {
            return Ok(());
        }
        let is_new = self.mine == Some(envelope.event.user) && !self.subscriber.is_watching(job);
        if is_new && !envelope.event.what.is_terminal() {
            self.subscribe(job).await?;
        }
        let api = Arc::clone(&self.api);
        let message = envelope.rendered(|envelope| messages::event(envelope, &api.options.public_url));
        // Rendered from a String.
        let text = Utf8Bytes::try_from(message).unwrap_or_default();
        if envelope.event.what.is_terminal() {
            self.subscriber.unwatch_job(job);
            self.note_end(job);
        }
        self.write(Message::Text(text)).await
    }

    fn note_end(&mut self, job: JobId) {
        if self.ended.len() >= ENDED_MAX {
            self.ended.pop_front();
        }
        self.ended.push_back(job);
    }

    /// The queue's figures, when they have changed.
    async fn look(&mut self) -> Result<(), End> {
        let Some(overview) = self.api.queue.overview() else { return Ok(()) };
        let text = serde_json::to_string(&overview).unwrap_or_default();
        if text == self.last_queue {
            return Ok(());
        }
        self.last_queue = text;
        let mut message = serde_json::to_value(&overview).unwrap_or_default();
        message["type"] = "queue".into();
        message["seq"] = self.api.bus.next_seq().into();
        self.say(message.to_string()).await
    }
}
