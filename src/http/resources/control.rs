//! The operator's hand on the queue.

use std::sync::Arc;

use hyper::StatusCode;

use super::{generate, request};
use crate::http::api::Api;
use crate::http::problem::Problem;
use crate::http::respond::{self, Answer};

/// `POST /api/admin/queue/pause|resume`.
///
/// # Errors
/// What the store reports.
pub async fn pause(api: &Arc<Api>, paused: bool) -> Answer {
    api.queue.set_paused(paused).await?;
    respond::json(StatusCode::OK, &serde_json::json!({ "paused": paused }))
}

/// `POST /api/admin/requests/{id}/retry`.
///
/// # Errors
/// 404 for an unknown request, 409 for one that has not failed.
pub async fn retry(api: &Arc<Api>, text: &str) -> Answer {
    let id = request::id(text)?;
    if let Some(receipt) = api.queue.retry_failed(id).await? {
        return generate::receipt(api, &receipt);
    }
    match api.reader.read(move |reads| reads.job(id)).await? {
        Some(job) => Err(Problem::new(
            StatusCode::CONFLICT,
            "not_retryable",
            format!("Only a failed request can be tried again; this one is {}.", job.state.name()),
        )),
        None => Err(Problem::not_found("There is no such request.")),
    }
}
