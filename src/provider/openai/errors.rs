//! What an error of a chat completions server means for lane and job.

use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::domain::Timestamp;
use crate::provider::CallError;
use crate::provider::outcome::{self, Said};
use crate::provider::retry_after::RetryHints;

/// A fixed key or a pulled model is noticed after at most this long.
const PROBE_EVERY: Duration = Duration::from_secs(60);
/// A paid bill is noticed after at most this long.
const QUOTA_PROBE_EVERY: Duration = Duration::from_secs(300);

/// An answer with an error status. The body may be JSON, HTML or nothing.
pub(super) fn of_status(status: u16, headers: &HeaderMap, body: &[u8], now: Timestamp) -> CallError {
    let data: Value = serde_json::from_slice(body).unwrap_or_default();
    classify(&said(status, &data, request_id(headers)), RetryHints::read(headers, now), now)
}

/// An error in the middle of a stream that began as a 200.
pub(super) fn of_chunk(data: &Value, request_id: &str, now: Timestamp) -> CallError {
    let said = said(0, data, request_id.to_owned());
    let told = said.code.parse().ok().filter(|status| (400..600).contains(status));
    let status = told.unwrap_or(match said.kind.as_str() {
        "invalid_request_error" => 400,
        "insufficient_quota" | "rate_limit_error" | "rate_limit_exceeded" | "tokens" | "requests" => 429,
        _ => 500,
    });
    classify(&Said { status, ..said }, RetryHints::default(), now)
}

/// The upstream's id of a request; empty when there is none.
pub(super) fn request_id(headers: &HeaderMap) -> String {
    headers.get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned()
}

fn classify(said: &Said, hints: RetryHints, now: Timestamp) -> CallError {
    let probe = Some(now.after(PROBE_EVERY));
    match said.status {
        401 | 402 | 403 | 407 => outcome::paused(probe, said),
        400 | 404 if is_unknown_model(said) => outcome::paused(probe, said),
        429 if is_quota(said) => outcome::paused(Some(now.after(QUOTA_PROBE_EVERY)), said),
        429 => outcome::limited(hints.after, said),
        300..=399 => outcome::redirected(probe, said),
        408 | 409 | 425 | 500.. | 200..=299 if hints.should == Some(false) => {
            outcome::rejected("The model's server gave this request up for good.", said)
        }
        408 | 409 | 425 | 500.. | 200..=299 => outcome::failed(hints.after, said),
        _ if hints.should == Some(true) => outcome::failed(hints.after, said),
        400 if said.code == "content_filter" || said.code == "content_policy_violation" => {
            outcome::refused(said.summary(), None)
        }
        400 if said.code == "context_length_exceeded" => {
            outcome::rejected("The prompt is too long for this model. Shorten it.", said)
        }
        413 => {
            outcome::rejected("The request is too large for the model's server. Shorten the prompt.", said)
        }
        _ => outcome::rejected("The model's server rejected this request as invalid.", said),
    }
}

/// OpenAI's code; Ollama and vLLM say it in words only.
fn is_unknown_model(said: &Said) -> bool {
    let words = said.message.to_ascii_lowercase();
    let names_model = words.starts_with("model") || words.starts_with("the model");
    let missing = words.contains("not found") || words.contains("does not exist");
    said.code == "model_not_found" || (said.status == 404 && names_model && missing)
}

/// No waiting helps: the operator has to pay or to raise a limit.
fn is_quota(said: &Said) -> bool {
    said.kind == "insufficient_quota"
        || matches!(
            said.code.as_str(),
            "insufficient_quota"
                | "credit_balance_exhausted"
                | "billing_hard_limit_reached"
                | "organization_usage_limit_exceeded"
                | "organization_spend_limit_exceeded"
                | "project_spend_limit_exceeded"
        )
}

/// `{"error": {…}}`, `{"error": "text"}` (Ollama) or the fields without a wrapper (old vLLM).
fn said(status: u16, data: &Value, request_id: String) -> Said {
    let error = if data["error"].is_null() { data } else { &data["error"] };
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let message = if error.is_string() { text(error) } else { text(&error["message"]) };
    Said { status, kind: text(&error["type"]), code: text(&error["code"]), message, request_id }
}
