//! What every subscription needs, whichever way it is carried: watch, then read, then tell.

use crate::accounts::Caller;
use crate::domain::job::JobRecord;
use crate::domain::user::Role;
use crate::domain::{JobId, JobState, Timestamp};
use crate::events::Subscriber;
use crate::http::api::Api;
use crate::store::StoreError;

use super::messages;

/// Reads of a row that changes under the reader; the last is told even if it has changed again:
/// then an event tells once more what the row showed.
const READS_MAX: u32 = 5;

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
    /// The number of the first message.
    pub(super) seq: u64,
    /// The status as it stands.
    pub(super) subscribed: String,
    /// Present when the request has ended: then nothing more is watched.
    pub(super) ending: Option<Ending>,
}

/// The end of a request that ended before one subscribed.
pub(super) struct Ending {
    pub(super) seq: u64,
    pub(super) name: &'static str,
    pub(super) message: String,
    pub(super) ended_at: Option<Timestamp>,
}

/// Watches a request. Nothing falls between, and nothing comes twice: the snapshot is taken
/// before the row is read, and both again when an event came in between that the row may show.
pub(super) async fn begin(
    api: &Api,
    subscriber: &mut Subscriber,
    caller: Option<&Caller>,
    id: JobId,
) -> Result<Begun, Refused> {
    if api.options.websocket_require_auth && caller.is_none() {
        return Err(Refused::Unauthorized);
    }
    let mut job = read(api, id).await?;
    let may_see = caller.is_some_and(|caller| caller.role == Role::Admin || caller.user == job.user);
    if api.options.websocket_require_auth && !may_see {
        return Err(Refused::Unknown);
    }
    for reads in 1..=READS_MAX {
        if job.state.is_terminal() {
            break;
        }
        let snapshot = subscriber.watch_job(id, job.seq, job.user);
        job = match read(api, id).await {
            Ok(job) => job,
            Err(refused) => {
                subscriber.unwatch_job(id);
                return Err(refused);
            }
        };
        if !job.state.is_terminal() && (subscriber.is_current(id, snapshot.seq) || reads == READS_MAX) {
            return Ok(living(api, &job, snapshot.seq, &snapshot.text));
        }
    }
    subscriber.unwatch_job(id);
    Ok(ended(api, &job))
}

async fn read(api: &Api, id: JobId) -> Result<JobRecord, Refused> {
    api.reader.read(move |reads| reads.job(id)).await.map_err(Refused::Store)?.ok_or(Refused::Unknown)
}

fn living(api: &Api, job: &JobRecord, seq: u64, partial: &str) -> Begun {
    let place = if job.state == JobState::Queued { api.queue.place(job.seq) } else { None };
    let subscribed = messages::subscribed(job, place, partial, seq, &api.options.public_url);
    Begun { seq, subscribed, ending: None }
}

fn ended(api: &Api, job: &JobRecord) -> Begun {
    let url = &api.options.public_url;
    let seq = api.bus.next_seq();
    let subscribed = messages::subscribed(job, None, "", seq, url);
    let end_seq = api.bus.next_seq();
    let ending = messages::terminal(job, end_seq, url).map(|(name, message)| Ending {
        seq: end_seq,
        name,
        message,
        ended_at: job.completed_at,
    });
    Begun { seq, subscribed, ending }
}
