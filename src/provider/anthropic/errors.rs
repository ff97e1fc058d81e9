//! What an error of the Messages API means for lane and job.

use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::domain::Timestamp;
use crate::provider::CallError;
use crate::provider::outcome::{self, Said};
use crate::provider::retry_after::RetryHints;

/// A fixed key, a paid bill or a corrected model name is noticed after at most this long.
const PROBE_EVERY: std::time::Duration = std::time::Duration::from_secs(60);
/// When a usage limit ends at a time that cannot be read.
const UNREADABLE_LIMIT_PROBE: std::time::Duration = std::time::Duration::from_secs(3600);

/// An answer with an error status. The body may be JSON, HTML or nothing.
pub(super) fn of_status(status: u16, headers: &HeaderMap, body: &[u8], now: Timestamp) -> CallError {
    let data: Value = serde_json::from_slice(body).unwrap_or_default();
    let said = said(status, &data, &request_id(headers));
    classify(&said, RetryHints::read(headers, now), now)
}

/// An `error` event inside a 200: the same as the status its type stands for.
pub(super) fn of_event(data: &Value, request_id: &str, now: Timestamp) -> CallError {
    let said = said(status_of(data["error"]["type"].as_str().unwrap_or_default()), data, request_id);
    classify(&said, RetryHints::default(), now)
}

/// The upstream's id of a request, for its support; empty when there is none.
pub(super) fn request_id(headers: &HeaderMap) -> String {
    headers.get("request-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned()
}

fn classify(said: &Said, hints: RetryHints, now: Timestamp) -> CallError {
    let probe = Some(now.after(PROBE_EVERY));
    match said.status {
        // A limit or credit of the account, dressed as a bad request.
        400 if said.message.starts_with("You have reached your specified") => {
            let until = access_regained(&said.message).unwrap_or(now.after(UNREADABLE_LIMIT_PROBE));
            outcome::paused(Some(until.max(now.after(PROBE_EVERY))), said)
        }
        400 if said.message.starts_with("Your credit balance is too low") => outcome::paused(probe, said),
        401 | 402 | 403 | 407 => outcome::paused(probe, said),
        404 if said.message.starts_with("model:") => outcome::paused(probe, said),
        429 => limited(said, hints, now),
        300..=399 => outcome::redirected(probe, said),
        408 | 409 | 425 | 500.. | 200..=299 if hints.should == Some(false) => {
            outcome::rejected("The model's server gave this request up for good.", said)
        }
        408 | 409 | 425 | 500.. | 200..=299 => outcome::failed(hints.after, said),
        _ if hints.should == Some(true) => outcome::failed(hints.after, said),
        413 => {
            outcome::rejected("The request is too large for the model's server. Shorten the prompt.", said)
        }
        400 if said.message.starts_with("prompt is too long") => {
            outcome::rejected("The prompt is too long for this model. Shorten it.", said)
        }
        _ => outcome::rejected("The model's server rejected this request as invalid.", said),
    }
}

/// A 429: `retry-after` wins; without one, a spend limit ends with the month, and an upstream
/// that wants no retry is asked again once a minute rather than never.
fn limited(said: &Said, hints: RetryHints, now: Timestamp) -> CallError {
    if hints.after.is_some() {
        return outcome::limited(hints.after, said);
    }
    if said.code == "enforced_spend_limit_reached" {
        return outcome::paused(Some(now.next_month()), said);
    }
    if hints.should == Some(false) {
        return outcome::paused(Some(now.after(PROBE_EVERY)), said);
    }
    outcome::limited(None, said)
}

/// The time in `… You will regain access on 2026-12-01 at 00:00 UTC.`
fn access_regained(message: &str) -> Option<Timestamp> {
    let (_, rest) = message.split_once("regain access on ")?;
    let (date, rest) = rest.split_once(" at ")?;
    let (time, _) = rest.split_once(" UTC")?;
    Timestamp::parse(&format!("{date}T{time}:00Z"))
}

fn status_of(kind: &str) -> u16 {
    match kind {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "conflict_error" => 409,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        _ => 500,
    }
}

fn said(status: u16, data: &Value, request_id: &str) -> Said {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let error = &data["error"];
    let request_id = if request_id.is_empty() { text(&data["request_id"]) } else { request_id.to_owned() };
    Said {
        status,
        kind: text(&error["type"]),
        code: text(&error["details"]["error_code"]),
        message: text(&error["message"]),
        request_id,
    }
}
