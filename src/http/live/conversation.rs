//! What is said over a WebSocket: the client's wishes, and the events that answer them.

use std::collections::HashSet;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_util::sync::CancellationToken;

use crate::accounts::Caller;
use crate::domain::user::Role;
use crate::domain::{JobId, UserId};
use crate::events::{Envelope, Received, Subscriber};
use crate::http::api::{Api, ClientAddress};
use crate::http::auth::AuthError;

use super::board::{self, Eyes};
use super::ends::Ends;
use super::guard::{self, Guard};
use super::messages;
use super::socket::{End, Said, Socket};
use super::watch::{self, Begun, Refused};

/// Requests that one socket watches by name.
const NAMED_MAX: usize = 1000;
/// Of a caller's own requests, so many are watched one by one; of more, events come without the
/// status before them.
const MINE_MAX: usize = 2000;
/// Wrong messages in a row before the socket is closed.
const WRONG_MAX: u32 = 20;

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
    let Conversation { socket, subscriber, .. } = conversation;
    // Nothing is told any more: the watches end before the client has heard the good-bye.
    drop(subscriber);
    Box::pin(socket.end(end)).await;
}

struct Conversation<S> {
    socket: Socket<S>,
    subscriber: Subscriber,
    guard: Option<Box<Guard>>,
    /// Set while the queue's figures are watched.
    eyes: Option<Box<Eyes>>,
    mine: Option<Box<Mine>>,
    ends: Ends,
    wrong: u32,
    api: Arc<Api>,
    address: ClientAddress,
    stop: CancellationToken,
}

/// The watch of everything that is the caller's.
struct Mine {
    user: UserId,
    /// Requests that are watched for its sake alone.
    jobs: HashSet<JobId>,
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

    async fn write(&mut self, text: Utf8Bytes) -> Result<(), End> {
        let hurried = async {
            tokio::select! {
                () = self.subscriber.overflowed() => TOO_SLOW,
                () = self.stop.cancelled() => STOPPING,
            }
        };
        self.socket.write(text, hurried).await
    }

    async fn say(&mut self, message: String) -> Result<(), End> {
        self.write(Utf8Bytes::from(message)).await
    }

    async fn refuse(&mut self, code: &str, message: &str) -> Result<(), End> {
        self.refuse_with(json!({ "code": code, "message": message })).await
    }

    async fn refuse_with(&mut self, mut error: Value) -> Result<(), End> {
        self.wrong += 1;
        if self.wrong > WRONG_MAX {
            return Err(End::Close(CloseCode::Policy, "too many wrong messages"));
        }
        error["type"] = "error".into();
        error["seq"] = self.api.bus.next_seq().into();
        self.say(error.to_string()).await
    }

    async fn said(&mut self, text: &str) -> Result<(), End> {
        let Ok(asked) = serde_json::from_str::<Asked>(text) else {
            let expected = "Send JSON with a type: subscribe, unsubscribe, auth or ping.";
            return self.refuse("invalid_message", expected).await;
        };
        match asked {
            Asked::Ping => {
                let seq = self.api.bus.next_seq();
                self.say(json!({ "type": "pong", "seq": seq }).to_string()).await
            }
            Asked::Auth { token } => self.authenticate(&token).await,
            Asked::Subscribe(What { request_id: Some(id), scope: None }) => self.subscribe(&id).await,
            Asked::Subscribe(What { request_id: None, scope: Some(scope) }) => {
                self.subscribe_scope(&scope).await
            }
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
            Asked::Subscribe(_) | Asked::Unsubscribe(_) => {
                self.refuse("invalid_message", "Name either a requestId or a scope (mine or queue).").await
            }
        }
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
            Err(AuthError::Wrong) => {
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

    async fn subscribe(&mut self, id: &str) -> Result<(), End> {
        let Ok(job) = id.parse::<JobId>() else {
            return self.refuse("not_found", "There is no such request.").await;
        };
        let mine = self.mine.as_ref().map_or(0, |mine| mine.jobs.len());
        if self.subscriber.jobs_watched().saturating_sub(mine) >= NAMED_MAX
            && !self.subscriber.is_watching(job)
        {
            let message = format!("At most {NAMED_MAX} requests can be watched by name at once.");
            return self.refuse("too_many_subscriptions", &message).await;
        }
        match self.begin(job).await {
            Ok(begun) => {
                self.wrong = 0;
                if let Some(mine) = &mut self.mine {
                    mine.jobs.remove(&job);
                }
                self.tell(job, begun).await
            }
            Err(Refused::Unauthorized) => {
                self.refuse("unauthorized", "Send {\"type\":\"auth\",\"token\":…} first.").await
            }
            Err(Refused::Unknown) => {
                let id = job.to_string();
                let message = "There is no such request.";
                self.refuse_with(json!({ "code": "not_found", "message": message, "requestId": id })).await
            }
            Err(Refused::Store(reason)) => {
                tracing::error!(%reason, "a subscription could not be read");
                self.refuse("unavailable", "The server cannot read its database just now; try again.").await
            }
        }
    }

    async fn begin(&mut self, job: JobId) -> Result<Begun, Refused> {
        let caller = self.guard.as_ref().map(|guard| guard.caller());
        watch::begin(&self.api, &mut self.subscriber, caller, job).await
    }

    /// The first messages of a subscription.
    async fn tell(&mut self, job: JobId, begun: Begun) -> Result<(), End> {
        self.say(begun.subscribed).await?;
        let Some(ending) = begun.ending else { return Ok(()) };
        self.forget(job);
        self.ends.note(job, ending.ended_at, ending.seq);
        self.say(ending.message).await
    }

    async fn subscribe_scope(&mut self, scope: &str) -> Result<(), End> {
        let Some(guard) = &self.guard else {
            return self.refuse("unauthorized", "Send {\"type\":\"auth\",\"token\":…} first.").await;
        };
        let (user, role) = (guard.caller().user, guard.caller().role);
        match scope {
            "mine" => self.join_mine(user).await,
            "queue" if role == Role::Admin => {
                self.eyes = Some(self.api.live.board.watch(&self.api));
                Ok(())
            }
            "queue" => self.refuse("forbidden", "Only an admin may watch the queue.").await,
            _ => self.refuse("invalid_message", "The scope is mine or queue.").await,
        }
    }

    /// Tells every request of the caller's that lives, and then that this is all.
    async fn join_mine(&mut self, user: UserId) -> Result<(), End> {
        // Before the list is read: nothing falls between.
        self.subscriber.watch_user(user);
        self.mine.get_or_insert_with(|| Box::new(Mine { user, jobs: HashSet::new() }));
        let live = match self.api.reader.read(move |reads| reads.live_jobs(user)).await {
            Ok(live) => live,
            Err(reason) => {
                tracing::error!(%reason, "a caller's requests could not be read");
                self.leave_mine();
                let message = "The server cannot read its database just now; try again.";
                return self.refuse("unavailable", message).await;
            }
        };
        for job in live {
            self.follow_mine(job.id).await?;
        }
        let seq = self.api.bus.next_seq();
        self.say(json!({ "type": "subscribed", "seq": seq, "scope": "mine" }).to_string()).await
    }

    /// Begins to watch a request of the caller's, unless its end is told already.
    async fn follow_mine(&mut self, job: JobId) -> Result<(), End> {
        let was_named = self.subscriber.is_watching(job)
            && self.mine.as_ref().is_none_or(|mine| !mine.jobs.contains(&job));
        match self.begin(job).await {
            Ok(begun) => {
                let ending = begun.ending.as_ref();
                if ending.is_some_and(|ending| self.ends.has(job, ending.ended_at)) {
                    self.forget(job);
                    return Ok(());
                }
                if let Some(mine) = self.mine.as_mut().filter(|_| !was_named && ending.is_none()) {
                    mine.jobs.insert(job);
                }
                self.tell(job, begun).await
            }
            // Deleted meanwhile.
            Err(Refused::Unknown | Refused::Unauthorized) => Ok(()),
            Err(Refused::Store(reason)) => {
                tracing::error!(%reason, "a caller's request could not be read");
                self.refuse("unavailable", "The server cannot read its database just now; try again.").await
            }
        }
    }

    fn leave_mine(&mut self) {
        let Some(mine) = self.mine.take() else { return };
        self.subscriber.unwatch_user(mine.user);
        mine.jobs.iter().for_each(|job| self.subscriber.unwatch_job(*job));
    }

    fn unsubscribe(&mut self, job: JobId) {
        // With everything of the caller's watched, the request stays watched as one of these.
        match &mut self.mine {
            Some(mine) if self.subscriber.owner_of(job) == Some(mine.user) => {
                mine.jobs.insert(job);
            }
            _ => self.subscriber.unwatch_job(job),
        }
    }

    fn forget(&mut self, job: JobId) {
        self.subscriber.unwatch_job(job);
        if let Some(mine) = &mut self.mine {
            mine.jobs.remove(&job);
        }
    }

    async fn received(&mut self, received: Received) -> Result<(), End> {
        match received {
            Received::Overflowed => Err(TOO_SLOW),
            Received::Event(envelope) => self.event(&envelope).await,
        }
    }

    async fn event(&mut self, envelope: &Envelope) -> Result<(), End> {
        let (job, is_end) = (envelope.event.job, envelope.event.what.is_terminal());
        if !self.subscriber.is_watching(job) {
            let is_mine = self.mine.as_ref().is_some_and(|mine| mine.user == envelope.event.user);
            if !is_mine || self.ends.is_past(envelope) {
                return Ok(());
            }
            if !is_end && self.subscriber.jobs_watched() < MINE_MAX {
                // New to this socket: the status as it stands says what the event says.
                return self.follow_mine(job).await;
            }
        }
        let url = &self.api.options.public_url;
        let message = envelope.rendered(|envelope| messages::event(envelope, url));
        if is_end {
            self.forget(job);
            self.ends.note(job, envelope.ended_at, envelope.seq);
        }
        // Rendered from a `String`.
        self.write(Utf8Bytes::try_from(message).unwrap_or_default()).await
    }
}
