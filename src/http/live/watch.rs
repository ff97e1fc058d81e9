//! What every subscription needs, whichever way it is carried: watch, then read, then tell.

use crate::accounts::Caller;
use crate::domain::user::Role;
use crate::domain::{JobId, JobState};
use crate::events::Subscriber;
use crate::http::api::Api;
use crate::store::StoreError;

use super::messages;

/// Why a request cannot be watched.
pub(super) enum Refused {
    /// It takes credentials that were not given.
    Unauthorized,
    /// Unknown, or not the caller's to watch.
    Unknown,
    /// The store cannot tell.
    Store(StoreError),
}

/// The first messages of a subscription.
pub(super) struct Begun {
    pub(super) subscribed: (u64, String),
    /// Present when the request has ended: then nothing more is watched.
    pub(super) terminal: Option<(u64, &'static str, String)>,
}

/// Watches a request. Nothing falls between: the watch begins before the row is read.
pub(super) async fn begin(
    api: &Api,
    subscriber: &mut Subscriber,
    caller: Option<&Caller>,
    id: JobId,
) -> Result<Begun, Refused> {
    if api.options.websocket_require_auth && caller.is_none() {
        return Err(Refused::Unauthorized);
    }
    let read = || api.reader.read(move |reads| reads.job(id));
    let first = read().await.map_err(Refused::Store)?.ok_or(Refused::Unknown)?;
    let may_see = caller.is_some_and(|caller| caller.role == Role::Admin || caller.user == first.user);
    if api.options.websocket_require_auth && !may_see {
        return Err(Refused::Unknown);
    }
    // Before the watch: whatever the watch brings has a larger number.
    let seq = api.bus.next_seq();
    let (job, partial) = if first.state.is_terminal() {
        (first, String::new())
    } else {
        let partial = subscriber.watch_job(id, first.seq, first.user);
        (read().await.map_err(Refused::Store)?.ok_or(Refused::Unknown)?, partial)
    };
    let place = if job.state == JobState::Queued { api.queue.place(job.seq) } else { None };
    let url = &api.options.public_url;
    let subscribed = (seq, messages::subscribed(&job, place, &partial, seq, url));
    let seq = api.bus.next_seq();
    let terminal = messages::terminal(&job, seq, url).map(|(name, message)| (seq, name, message));
    if terminal.is_some() {
        subscriber.unwatch_job(id);
    }
    Ok(Begun { subscribed, terminal })
}
