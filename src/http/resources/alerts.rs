//! `GET /api/admin/alerts`: what stands, and what is over.

use std::sync::Arc;

use hyper::StatusCode;

use crate::http::api::Api;
use crate::http::respond::{self, Answer};

/// Alerts in one answer.
const LIMIT: u32 = 200;

/// The alerts that stand, then the latest that are over; at most 200.
///
/// # Errors
/// What the store reports.
pub async fn list(api: &Arc<Api>) -> Answer {
    let alerts = api.reader.read(|reads| reads.alerts(LIMIT)).await?;
    respond::json(StatusCode::OK, &serde_json::json!({ "alerts": alerts }))
}
