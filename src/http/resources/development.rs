//! `POST /api/auth/dev`: under `serve --dev`, a short-lived token of the user `dev-pro` for the
//! server's own pages, so that a newcomer needs no account. Without `--dev` there is no such path.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{HOST, HeaderMap};

use crate::domain::Tier;
use crate::http::api::{Api, ClientAddress};
use crate::http::origin;
use crate::http::problem::Problem;
use crate::http::respond::{self, Answer};

/// Made by `serve --dev`, with a key of its own.
const USER: &str = "dev-pro";
const TTL: Duration = Duration::from_secs(3600);

/// A token.
///
/// # Errors
/// 404 without `--dev`, 403 to other machines and to all but this server's own pages.
pub async fn token(api: &Arc<Api>, address: ClientAddress, headers: &HeaderMap) -> Answer {
    if !api.is_in_development {
        return Err(Problem::not_found("Only a server that runs with --dev gives tokens without a key."));
    }
    if !address.0.to_canonical().is_loopback() {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "A token without a key is for pages opened on the server's own machine; use a key that --dev printed.",
        ));
    }
    if !is_own_page(headers) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "Only this server's own pages get a token here, opened by its number or as localhost; use a key that --dev printed.",
        ));
    }
    // A page may be quicker than the keys that `serve --dev` makes at its start.
    let caller = api.accounts.by_name(USER, Some(Tier::Pro)).await;
    let caller = caller.map_err(|reason| Problem::internal(&reason))?;
    let caller = caller.ok_or_else(|| {
        Problem::new(StatusCode::FORBIDDEN, "forbidden", format!("The user {USER} is disabled."))
    })?;
    let (token, expires_at) = api.auth.issue_token(&caller, TTL)?;
    let body = serde_json::json!({ "token": token, "tokenType": "Bearer", "expiresAt": expires_at });
    respond::json(StatusCode::OK, &body)
}

/// Browsers say in `Origin` whose page calls, and pages cannot change it. A name other than
/// `localhost` could be pointed here by whoever owns it, so that his page would be of this origin.
fn is_own_page(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    origin::is_ours(headers, "") && host.is_some_and(is_nobodys_name)
}

/// Whether a `Host` is a number or `localhost`.
fn is_nobodys_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use hyper::header::ORIGIN;

    use super::*;

    #[test]
    fn only_own_pages_under_a_name_that_nobody_owns_get_a_token() {
        for (origin, host, is_own) in [
            (Some("http://127.0.0.1:3000"), "127.0.0.1:3000", true),
            (Some("http://localhost:3000"), "localhost:3000", true),
            (Some("http://[::1]:3000"), "[::1]:3000", true),
            (Some("https://192.168.0.7"), "192.168.0.7", true),
            (None, "127.0.0.1:3000", false),
            (Some("null"), "127.0.0.1:3000", false),
            (Some("http://127.0.0.1:3001"), "127.0.0.1:3000", false),
            (Some("http://evil.example"), "127.0.0.1:3000", false),
            // A name that was pointed at this machine.
            (Some("http://evil.example:3000"), "evil.example:3000", false),
            (Some("http://localhost.evil.example"), "localhost.evil.example", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, host.parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(ORIGIN, origin.parse().unwrap());
            }
            assert_eq!(is_own_page(&headers), is_own, "{origin:?} to {host}");
        }
    }
}
