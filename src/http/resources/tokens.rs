//! Short-lived credentials for browsers.

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use serde::Deserialize;

use crate::accounts::Caller;
use crate::http::api::Api;
use crate::http::call::Call;
use crate::http::inbound;
use crate::http::json::{self, Field, JsonBody, refused_field};
use crate::http::problem::Problem;
use crate::http::respond::{self, Answer};

const TTL_SECONDS: std::ops::RangeInclusive<u64> = 60..=86_400;
const TTL_SECONDS_DEFAULT: u64 = 3600;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TokenRequest {
    ttl_seconds: Option<u64>,
}

impl JsonBody for TokenRequest {
    const FIELDS: &'static [Field] = &[Field::optional::<u64>("ttlSeconds", "a whole number from 1 on")];
}

/// `POST /api/auth/token`: with an API key only, so that a token cannot prolong itself.
///
/// # Errors
/// 403 for a caller without a key, 422 for a time out of bounds.
pub async fn token(api: &Arc<Api>, caller: &Caller, call: &mut Call) -> Answer {
    let bytes = inbound::read_json_if_any(&call.head.headers, &mut call.body, api.options.max_body).await?;
    let request: TokenRequest = json::decode(&bytes)?;
    if !caller.by_key {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "A token is made with an API key; send the key itself.",
        ));
    }
    let seconds = request.ttl_seconds.unwrap_or(TTL_SECONDS_DEFAULT);
    if !TTL_SECONDS.contains(&seconds) {
        let detail = format!("Must be from {} to {}.", TTL_SECONDS.start(), TTL_SECONDS.end());
        return Err(refused_field("/ttlSeconds", detail));
    }
    let (token, expires_at) = api.auth.issue_token(caller, Duration::from_secs(seconds))?;
    let body = serde_json::json!({ "token": token, "tokenType": "Bearer", "expiresAt": expires_at });
    respond::json(StatusCode::OK, &body)
}

/// `POST /api/auth/ws-ticket`.
///
/// # Errors
/// 500 when it cannot be rendered.
pub fn ticket(api: &Arc<Api>, caller: &Caller) -> Answer {
    let (ticket, expires_at) = api.auth.issue_ticket(caller);
    respond::json(StatusCode::OK, &serde_json::json!({ "ticket": ticket, "expiresAt": expires_at }))
}
