//! Errors as callers see them: `application/problem+json` (RFC 9457).

use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use serde::Serialize;

use crate::domain::{Tier, Timestamp};

use super::body::Body;

/// One fault of a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// JSON pointer into the body.
    pub pointer: String,
    /// What to do about it.
    pub detail: String,
}

/// The limit that stands against a call.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LimitInfo {
    /// `hour`, `day`, `concurrent`, `budget`, `queued`, `server_queue`, `calls_per_minute`.
    pub name: &'static str,
    /// `user` or `server`.
    pub scope: &'static str,
    /// Its size: a number, or dollars as a string for a budget.
    pub limit: serde_json::Value,
    /// What of it is used.
    pub used: serde_json::Value,
    /// What is left.
    pub remaining: serde_json::Value,
    /// When there is room again.
    pub resets_at: Timestamp,
}

/// The tier that would lift the limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UpgradeInfo {
    /// Its name.
    pub tier: Tier,
    /// What it gives.
    pub message: String,
    /// Where to upgrade.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// An error answer. Build with [`Problem::new`] and the `with_…` methods.
#[derive(Clone, Debug)]
pub struct Problem {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable and machine-readable, the last part of `type`.
    pub code: &'static str,
    /// What to do next, in plain words. Never holds a secret or a prompt.
    pub detail: String,
    /// Faults of the body.
    pub errors: Vec<FieldError>,
    /// The limit that stands against it.
    pub limit: Option<LimitInfo>,
    /// The tier that would lift it.
    pub upgrade: Option<UpgradeInfo>,
    /// `Retry-After`, whole seconds.
    pub retry_after_seconds: Option<u64>,
    /// More headers (`Allow`, `WWW-Authenticate`, `RateLimit`).
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// What the log says of it, for a fault of the server's: a sentence and the reason.
    fault: Option<(&'static str, String)>,
}

/// A problem as it is written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    trace_id: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: &'a Option<LimitInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upgrade: &'a Option<UpgradeInfo>,
}

impl Problem {
    /// A problem with a status, a stable code and a sentence.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            errors: Vec::new(),
            limit: None,
            upgrade: None,
            retry_after_seconds: None,
            headers: Vec::new(),
            fault: None,
        }
    }

    /// 401, with the challenge that RFC 9110 asks for.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        let challenge = HeaderValue::from_static("Bearer realm=\"diagramd\"");
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
            .with_header(hyper::header::WWW_AUTHENTICATE, challenge)
    }

    /// 404. The same words for what is unknown and for what is another user's.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// 500. The reason goes to the log, not to the caller.
    pub fn internal(reason: &dyn std::fmt::Display) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "The server made a mistake; nothing was lost. Try again, and tell the operator the traceId.",
        )
        .because("a call failed through a fault of the server", reason)
    }

    /// With what the log says of it, under the answer's id: a sentence and the reason.
    #[must_use]
    pub fn because(mut self, sentence: &'static str, reason: &dyn std::fmt::Display) -> Self {
        self.fault = Some((sentence, reason.to_string()));
        self
    }

    /// With field errors.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    /// With `Retry-After`.
    #[must_use]
    pub fn with_retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// With one more header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// After which the connection is closed.
    #[must_use]
    pub fn closing(self) -> Self {
        self.with_header(hyper::header::CONNECTION, HeaderValue::from_static("close"))
    }

    /// The problem as an HTTP answer; `trace_id` is the answer's `X-Request-Id`.
    pub fn into_response(self, trace_id: &str) -> Response<Body> {
        if let Some((sentence, reason)) = &self.fault {
            tracing::error!(reason, request_id = trace_id, "{sentence}");
        }
        let body = Written {
            r#type: format!("https://diagramd.dev/problems/{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            trace_id,
            errors: &self.errors,
            limit: &self.limit,
            upgrade: &self.upgrade,
        };
        let json = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = Response::new(Body::from(json));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        headers.extend(self.headers);
        response
    }
}
