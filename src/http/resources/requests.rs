//! `GET /api/diagram/requests`: the caller's own, newest first.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::StatusCode;
use serde::Serialize;

use crate::accounts::Caller;
use crate::domain::{JobSeq, JobState};
use crate::http::api::Api;
use crate::http::query::Query;
use crate::http::respond::{self, Answer};
use crate::http::view::StatusView;
use crate::store::reads::JobQuery;

const LIMIT_DEFAULT: u32 = 20;
const LIMIT_MAX: u32 = 100;

#[derive(Serialize)]
struct Page<'a> {
    requests: Vec<StatusView<'a>>,
    next: Option<String>,
}

/// A page of the caller's requests.
///
/// # Errors
/// 422 for a parameter that cannot be read.
pub async fn list(api: &Arc<Api>, caller: &Caller, query: &Query<'_>) -> Answer {
    let (limit, state, before) = query.read(|query| {
        let expected = "queued, processing, completed, failed, cancelled or expired";
        let state: Option<JobState> = query.value("status", expected);
        (query.limit(LIMIT_DEFAULT, LIMIT_MAX), state, query.cursor(read_cursor))
    })?;
    let asked = JobQuery { user: Some(caller.user), state, before, limit: limit + 1 };
    let mut jobs = api.reader.read(move |reads| reads.jobs(&asked)).await?;
    let more = jobs.len() > limit as usize;
    jobs.truncate(limit as usize);
    let next = jobs.last().filter(|_| more).map(|job| cursor(job.seq));
    let requests = jobs
        .iter()
        .map(|job| {
            let place = if job.state == JobState::Queued { api.queue.place(job.seq) } else { None };
            StatusView::of(job, place, &api.options.public_url)
        })
        .collect();
    respond::json(StatusCode::OK, &Page { requests, next })
}

/// Where a list goes on, as callers give it back.
pub(super) fn cursor(seq: JobSeq) -> String {
    URL_SAFE_NO_PAD.encode(seq.0.to_be_bytes())
}

/// What [`cursor`] made.
pub(super) fn read_cursor(text: &str) -> Option<JobSeq> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| <[u8; 8]>::try_from(bytes).ok());
    bytes.map(i64::from_be_bytes).filter(|seq| *seq > 0).map(JobSeq)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_survive_a_round_trip_and_refuse_tampering() {
        assert_eq!(read_cursor(&cursor(JobSeq(42))).unwrap(), JobSeq(42));
        for bad in ["", "x", "AAAAAAAAAAA", "////////////"] {
            assert!(read_cursor(bad).is_none(), "{bad}");
        }
    }
}
