//! What is said over a WebSocket: reads the client's wishes, answers them, and ends the talk when
//! the credential ends, the client is too slow, or the server stops.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_util::sync::CancellationToken;

use crate::accounts::Caller;
use crate::domain::user::Role;
use crate::events::{Received, Subscriber};
use crate::http::api::{Api, ClientAddress};
use crate::http::auth::AuthError;
use crate::http::call_limits::TooManyCalls;

use super::board::{self, Eyes};
use super::ends::Ends;
use super::following::Mine;
use super::guard::{self, Guard};
use super::socket::{End, Said, Socket};

/// Wrong messages in a row before the socket is closed.
const WRONG_MAX: u32 = 20;

const ONE_OF_TWO: &str = "Name either a requestId or a scope (mine or queue).";

const TOO_SLOW: End = End::Close(CloseCode::Again, "too slow; subscribe again");
const STOPPING: End = End::Close(CloseCode::Away, "the server stops");

/// What a client sends.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Asked {
    Subscribe(What),
    Unsubscribe(What),
    Auth { token: String },
    Ping,
}

/// What to watch: a request or a scope.
#[derive(Deserialize)]
struct What {
    #[serde(rename = "requestId")]
    request_id: Option<String>,
    scope: Option<String>,
}

/// Who talks, and through what.
pub(super) struct Party {
    pub(super) api: Arc<Api>,
    pub(super) address: ClientAddress,
    pub(super) caller: Option<Caller>,
    pub(super) stop: CancellationToken,
}

/// Talks until one side ends it.
pub(super) async fn hold(io: impl AsyncRead + AsyncWrite + Unpin + Send, party: Party) {
    let Party { api, address, caller, stop } = party;
    let mut conversation = Conversation {
        socket: Socket::new(io).await,
        subscriber: api.bus.subscriber(),
        guard: caller.map(|caller| Guard::of(&api, caller)),
        eyes: None,
        mine: None,
        ends: Ends::default(),
        wrong: 0,
        api,
        address,
        stop,
    };
    let end = loop {
        if let Err(end) = conversation.step().await {
            break end;
        }
    };
    if end == TOO_SLOW {
        conversation.api.live.too_slow.fetch_add(1, Ordering::Relaxed);
    }
    let Conversation { socket, subscriber, .. } = conversation;
    // Nothing is told any more: the watches end before the client has heard the good-bye.
    drop(subscriber);
    Box::pin(socket.end(end)).await;
}

pub(super) struct Conversation<S> {
    pub(super) socket: Socket<S>,
    pub(super) subscriber: Subscriber,
    pub(super) guard: Option<Box<Guard>>,
    /// Set while the queue's figures are watched.
    pub(super) eyes: Option<Box<Eyes>>,
    pub(super) mine: Option<Box<Mine>>,
    pub(super) ends: Ends,
    pub(super) wrong: u32,
    pub(super) api: Arc<Api>,
    pub(super) address: ClientAddress,
    pub(super) stop: CancellationToken,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Conversation<S> {
    async fn step(&mut self) -> Result<(), End> {
        tokio::select! {
            said = self.socket.next() => match said? {
                Said::Text(text) => Box::pin(self.said(&text)).await,
                Said::Binary => self.refuse("invalid_message", "Send text, not binary.").await,
            },
            received = self.subscriber.recv() => Box::pin(self.received(received)).await,
            message = board::next(&mut self.eyes) => self.write(message).await,
            () = guard::ended(&mut self.guard, &self.api) => Err(End::Close(CloseCode::Policy, guard::ENDED)),
            () = self.stop.cancelled() => Box::pin(self.tell_rest()).await,
        }
    }

    /// What has happened before the stop is told before the good-bye.
    async fn tell_rest(&mut self) -> Result<(), End> {
        while let Some(received) = self.subscriber.try_recv() {
            self.received(received).await?;
        }
        Err(STOPPING)
    }

    pub(super) async fn write(&mut self, text: Utf8Bytes) -> Result<(), End> {
        let hurried = async {
            tokio::select! {
                () = self.subscriber.overflowed() => TOO_SLOW,
                () = self.stop.cancelled() => STOPPING,
            }
        };
        self.socket.write(text, hurried).await?;
        self.api.live.messages.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    pub(super) async fn say(&mut self, message: String) -> Result<(), End> {
        self.write(Utf8Bytes::from(message)).await
    }

    pub(super) async fn refuse(&mut self, code: &str, message: &str) -> Result<(), End> {
        self.refuse_with(json!({ "code": code, "message": message })).await
    }

    pub(super) async fn refuse_with(&mut self, mut error: Value) -> Result<(), End> {
        self.wrong += 1;
        if self.wrong > WRONG_MAX {
            return Err(End::Close(CloseCode::Policy, "too many wrong messages"));
        }
        error["type"] = "error".into();
        error["seq"] = self.api.bus.next_seq().into();
        self.say(error.to_string()).await
    }

    async fn said(&mut self, text: &str) -> Result<(), End> {
        // To serde a list of a message's parts is as good as the message.
        let asked = Some(text).filter(|text| text.trim_start().starts_with('{'));
        let Some(Ok(asked)) = asked.map(serde_json::from_str::<Asked>) else {
            let expected = "Send JSON with a type: subscribe, unsubscribe, auth or ping.";
            return self.refuse("invalid_message", expected).await;
        };
        match asked {
            Asked::Ping => {
                let seq = self.api.bus.next_seq();
                self.say(json!({ "type": "pong", "seq": seq }).to_string()).await
            }
            Asked::Auth { token } => self.authenticate(&token).await,
            Asked::Subscribe(what) => match self.take_call() {
                Ok(()) => self.subscribe_to(what).await,
                Err(refused) => self.refuse_call(refused, what.request_id).await,
            },
            Asked::Unsubscribe(What { request_id: Some(id), scope: None }) => {
                if let Ok(id) = id.parse() {
                    self.unsubscribe(id);
                }
                Ok(())
            }
            Asked::Unsubscribe(What { request_id: None, scope: Some(scope) }) => match scope.as_str() {
                "mine" => {
                    self.leave_mine();
                    Ok(())
                }
                "queue" => {
                    self.eyes = None;
                    Ok(())
                }
                _ => self.refuse("invalid_message", "The scope is mine or queue.").await,
            },
            Asked::Unsubscribe(_) => self.refuse("invalid_message", ONE_OF_TWO).await,
        }
    }

    async fn subscribe_to(&mut self, what: What) -> Result<(), End> {
        match what {
            What { request_id: Some(id), scope: None } => self.subscribe(&id).await,
            What { request_id: None, scope: Some(scope) } => self.subscribe_scope(&scope).await,
            What { .. } => self.refuse("invalid_message", ONE_OF_TWO).await,
        }
    }

    /// A subscription costs what a call costs, for it reads as much.
    fn take_call(&self) -> Result<(), TooManyCalls> {
        let now = (self.api.clock)();
        match &self.guard {
            Some(guard) => self.api.calls.known(guard.caller().user, now),
            None => self.api.calls.anonymous(self.address, now),
        }
    }

    /// Says when there is room again. A call too many is no wrong message: the socket stays.
    async fn refuse_call(&mut self, refused: TooManyCalls, id: Option<String>) -> Result<(), End> {
        let TooManyCalls { limit, retry_after_seconds: seconds, .. } = refused;
        let mut error = json!({
            "type": "error",
            "seq": self.api.bus.next_seq(),
            "code": "rate_limited",
            "message": format!("More than {limit} calls and subscriptions a minute; try again in {seconds} s."),
            "retryAfterSeconds": seconds,
        });
        if let Some(id) = id {
            error["requestId"] = id.into();
        }
        self.say(error.to_string()).await
    }

    /// A good credential is not answered: the next message may follow at once. A wrong one is
    /// slowed as it is over HTTP.
    async fn authenticate(&mut self, token: &str) -> Result<(), End> {
        match self.api.auth.caller_of_token(token).await {
            Ok(caller) => {
                self.wrong = 0;
                self.change_caller(caller);
                Ok(())
            }
            Err(AuthError::Store(reason)) => {
                tracing::error!(%reason, "a socket's credential could not be looked up");
                self.refuse("unavailable", "The server cannot read its database just now; try again.").await
            }
            Err(AuthError::Wrong | AuthError::Both) => {
                match self.api.calls.wrong_credential(self.address, (self.api.clock)()) {
                    Ok(delay) => {
                        tokio::select! {
                            () = tokio::time::sleep(delay) => {}
                            () = self.stop.cancelled() => {}
                        }
                        self.refuse("unauthorized", &AuthError::Wrong.to_string()).await
                    }
                    Err(refused) => {
                        let seconds = refused.retry_after_seconds;
                        let message = format!("Too many wrong credentials; try again in {seconds} s.");
                        self.refuse_with(
                        json!({ "code": "rate_limited", "message": message, "retryAfterSeconds": seconds }),
                    )
                    .await
                    }
                }
            }
        }
    }

    /// What was watched by another's right is not watched any more.
    fn change_caller(&mut self, caller: Caller) {
        if self.mine.as_ref().is_some_and(|mine| mine.user != caller.user) {
            self.leave_mine();
        }
        if caller.role != Role::Admin {
            self.eyes = None;
        }
        let is_another = self.guard.as_ref().is_some_and(|guard| guard.caller().user != caller.user);
        if self.api.options.websocket_require_auth && is_another {
            self.subscriber.unwatch_jobs();
        }
        self.guard = Some(Guard::of(&self.api, caller));
    }

    async fn received(&mut self, received: Received) -> Result<(), End> {
        match received {
            Received::Overflowed => Err(TOO_SLOW),
            Received::Event(envelope) => self.event(&envelope).await,
        }
    }
}
