//! What a conversation follows: requests by name, everything of the caller's, the queue. It tells
//! each of them from where it stands, and its end once.

use std::collections::HashSet;

use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::domain::user::Role;
use crate::domain::{JobId, UserId};
use crate::events::Envelope;

use super::conversation::Conversation;
use super::messages;
use super::socket::End;
use super::watch::{self, Begun, Refused};

/// Requests that one socket watches by name.
const NAMED_MAX: usize = 1000;
/// Of a caller's own requests, so many are watched one by one; of more, events come without the
/// status before them.
const MINE_MAX: usize = 2000;
/// The watch of everything that is the caller's.
pub(super) struct Mine {
    pub(super) user: UserId,
    /// Requests that are watched for its sake alone.
    jobs: HashSet<JobId>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Conversation<S> {
    pub(super) async fn subscribe(&mut self, id: &str) -> Result<(), End> {
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

    pub(super) async fn subscribe_scope(&mut self, scope: &str) -> Result<(), End> {
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

    pub(super) fn leave_mine(&mut self) {
        let Some(mine) = self.mine.take() else { return };
        self.subscriber.unwatch_user(mine.user);
        mine.jobs.iter().for_each(|job| self.subscriber.unwatch_job(*job));
    }

    pub(super) fn unsubscribe(&mut self, job: JobId) {
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

    pub(super) async fn event(&mut self, envelope: &Envelope) -> Result<(), End> {
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
