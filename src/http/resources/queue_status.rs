//! `GET /api/diagram/queue/status`.

use std::sync::Arc;

use hyper::StatusCode;

use crate::http::api::Api;
use crate::http::problem::Problem;
use crate::http::respond::{self, Answer};

/// The queue's figures.
///
/// # Errors
/// 503 while the server starts.
pub fn overview(api: &Arc<Api>) -> Answer {
    let starting = || {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "starting", "The server is starting.")
            .with_retry_after(1)
    };
    respond::json(StatusCode::OK, &api.queue.overview().ok_or_else(starting)?)
}
