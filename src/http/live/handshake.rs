//! From a call that asks for an upgrade to a socket in a task of its own.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_util::sync::CancellationToken;

use crate::accounts::Caller;
use crate::http::api::{Api, ClientAddress};
use crate::http::body::Body;
use crate::http::origin;
use crate::http::problem::Problem;
use crate::http::respond::Answer;

use super::conversation::{self, Party};

/// Seconds after which a socket may have become free.
const FULL_SECONDS: u64 = 5;

/// Answers the handshake and serves the socket in a task of its own.
///
/// # Errors
/// 426 for a call that is no handshake, 401 for a ticket that is not good, 403 for a cookie that
/// another page sends, 503 when there are as
/// many sockets as may be.
pub async fn accept(
    api: &Arc<Api>,
    request: Request<Incoming>,
    address: ClientAddress,
    caller: Option<Caller>,
    stop: CancellationToken,
) -> Answer {
    let accepted = accept_key(request.headers()).ok_or_else(no_handshake)?;
    let permit = api.live.room().ok_or_else(full)?;
    let caller = match ticket(request.uri().query()) {
        Some(ticket) => Some(redeemed(api, &ticket).await?),
        None => of_our_own_page(caller, request.headers(), &api.options.public_url)?,
    };
    let upgrade = hyper::upgrade::on(request);
    let party = Party { api: Arc::clone(api), address, caller, stop };
    api.live.tasks.spawn(async move {
        let cut = party.api.live.cut.clone();
        tokio::select! {
            () = Box::pin(serve(upgrade, party)) => {}
            () = cut.cancelled() => {}
        }
        drop(permit);
    });
    switching(&accepted)
}

async fn serve(upgrade: hyper::upgrade::OnUpgrade, party: Party) {
    match upgrade.await {
        Ok(upgraded) => conversation::hold(TokioIo::new(upgraded), party).await,
        Err(reason) => tracing::debug!(%reason, "a WebSocket was not opened"),
    }
}

/// What the client's key is answered with (RFC 6455, 4.2.2); `None` when this is no handshake.
fn accept_key(headers: &HeaderMap) -> Option<String> {
    let is_upgrade =
        headers.get(UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"));
    let is_version = headers.get(SEC_WEBSOCKET_VERSION).is_some_and(|value| value == "13");
    let key = headers.get(SEC_WEBSOCKET_KEY)?;
    (is_upgrade && is_version).then(|| derive_accept_key(key.as_bytes()))
}

fn switching(accepted: &str) -> Answer {
    let accepted = HeaderValue::from_str(accepted).map_err(|reason| Problem::internal(&reason))?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accepted);
    Ok(response)
}

fn ticket(query: Option<&str>) -> Option<String> {
    let mut parameters = form_urlencoded::parse(query?.as_bytes());
    parameters.find(|(name, _)| name == "ticket").map(|(_, ticket)| ticket.into_owned())
}

/// The caller a ticket was made for, if its credential is still good.
async fn redeemed(api: &Api, ticket: &str) -> Result<Caller, Problem> {
    let wrong = || Problem::unauthorized("The ticket is used or over; get another from /api/auth/ws-ticket.");
    let caller = api.auth.redeem_ticket(ticket).ok_or_else(wrong)?;
    if api.auth.still_stands(&caller).await? { Ok(caller) } else { Err(wrong()) }
}

/// A browser sends the cookie along with the sockets of other pages, too, which could then read
/// what is told.
fn of_our_own_page(
    caller: Option<Caller>,
    headers: &HeaderMap,
    public_url: &str,
) -> Result<Option<Caller>, Problem> {
    let by_cookie = caller.as_ref().is_some_and(|caller| caller.session.is_some());
    if by_cookie && !origin::is_ours(headers, public_url) { Err(origin::forged()) } else { Ok(caller) }
}

fn no_handshake() -> Problem {
    Problem::new(
        StatusCode::UPGRADE_REQUIRED,
        "upgrade_required",
        "This is a WebSocket; open it with a WebSocket client (version 13).",
    )
    .with_header(CONNECTION, HeaderValue::from_static("Upgrade"))
    .with_header(UPGRADE, HeaderValue::from_static("websocket"))
    .with_header(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"))
}

fn full() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "too_many_connections",
        "The server has as many WebSockets open as it may; try again soon.",
    )
    .with_retry_after(FULL_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(upgrade: &'static str, version: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(UPGRADE, HeaderValue::from_static(upgrade));
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static(version));
        headers.insert(SEC_WEBSOCKET_KEY, HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ=="));
        headers
    }

    #[test]
    fn a_handshake_is_answered_as_the_rfc_shows() {
        // RFC 6455, 1.3.
        let accepted = Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".to_owned());
        assert_eq!(accept_key(&headers("WebSocket", "13")), accepted);
        assert_eq!(accept_key(&headers("websocket", "8")), None);
        assert_eq!(accept_key(&headers("h2c", "13")), None);
        assert_eq!(accept_key(&HeaderMap::new()), None);
    }

    #[test]
    fn the_ticket_stands_in_the_query() {
        assert_eq!(ticket(Some("a=b&ticket=x%2Fy")), Some("x/y".to_owned()));
        assert_eq!(ticket(Some("tickets=x")), None);
        assert_eq!(ticket(None), None);
    }
}
