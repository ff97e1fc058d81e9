//! One request: its status and its end.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::HeaderMap;

use crate::accounts::Caller;
use crate::domain::job::JobRecord;
use crate::domain::user::Role;
use crate::domain::{JobId, JobState};
use crate::http::api::Api;
use crate::http::problem::Problem;
use crate::http::respond::{self, Answer};
use crate::http::view::StatusView;
use crate::store::commands::{Cancellation, Owner};

const UNKNOWN: &str = "There is no such request of yours.";

/// A request's id out of a path.
///
/// # Errors
/// 404: what is no id is no request.
pub fn id(text: &str) -> Result<JobId, Problem> {
    text.parse().map_err(|_| unknown())
}

/// 404 for an unknown id, and for another user's.
pub fn unknown() -> Problem {
    Problem::not_found(UNKNOWN)
}

/// Whose requests a caller may touch.
fn owner(caller: &Caller) -> Owner {
    match caller.role {
        Role::Admin => Owner::Anyone,
        Role::User => Owner::User(caller.user),
    }
}

/// Whether the caller may see the request.
pub fn may_see(caller: &Caller, job: &JobRecord) -> bool {
    match owner(caller) {
        Owner::Anyone => true,
        Owner::User(user) => user == job.user,
    }
}

/// `GET /api/diagram/status/{id}`.
///
/// # Errors
/// 404 for an unknown id and for another user's.
pub async fn status(api: &Arc<Api>, caller: &Caller, text: &str, headers: &HeaderMap) -> Answer {
    let id = id(text)?;
    let job = api.reader.read(move |reads| reads.job(id)).await?;
    let job = job.filter(|job| may_see(caller, job)).ok_or_else(unknown)?;
    let place = if job.state == JobState::Queued { api.queue.place(job.seq) } else { None };
    respond::json_tagged(headers, &StatusView::of(&job, place, &api.options.public_url))
}

/// `DELETE /api/diagram/cancel/{id}`.
///
/// # Errors
/// 404, or 409 for a request that ended otherwise.
pub async fn cancel(api: &Arc<Api>, caller: &Caller, text: &str) -> Answer {
    let id = id(text)?;
    match api.queue.cancel(id, owner(caller)).await? {
        Cancellation::Cancelled | Cancellation::AlreadyCancelled => {
            respond::json(StatusCode::OK, &serde_json::json!({ "requestId": id, "status": "cancelled" }))
        }
        Cancellation::NotCancellable => Err(Problem::new(
            StatusCode::CONFLICT,
            "not_cancellable",
            "The request has already ended; look at its status.",
        )),
        Cancellation::Unknown => Err(unknown()),
    }
}
