//! `GET /metrics`: figures for Prometheus, on the main listener or on one of their own.

use hyper::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Method, Response};
use subtle::ConstantTimeEq;

use crate::http::api::Api;
use crate::http::body::Body;
use crate::http::problem::Problem;
use crate::http::respond::Answer;
use crate::http::router::{self, Route};

/// The page, for who may read it.
///
/// # Errors
/// 404 when it is served elsewhere.
pub fn page(api: &Api, headers: &HeaderMap) -> Answer {
    if api.figures.has_own_listener {
        return Err(Problem::not_found("The figures have a listener of their own: metrics.listen."));
    }
    written(api, headers)
}

/// Whether a call brings `metrics.token`.
pub fn has_token(api: &Api, headers: &HeaderMap) -> bool {
    let Some(token) = &api.figures.token else { return false };
    let brought = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
    let Some((scheme, brought)) = brought.split_at_checked("bearer ".len()) else { return false };
    scheme.eq_ignore_ascii_case(b"bearer ") && bool::from(brought.ct_eq(token.expose().as_bytes()))
}

/// A call of the page's own listener. Who reaches it may read, unless there is a token.
///
/// # Errors
/// 404 for any other path, 405 for another method, 401 without the token.
pub fn on_own_listener(api: &Api, method: &Method, path: &str, headers: &HeaderMap) -> Answer {
    match router::find(method, path) {
        Ok(Route::Metrics) if api.figures.token.is_none() || has_token(api, headers) => written(api, headers),
        Ok(Route::Metrics) => Err(Problem::unauthorized(
            "Send metrics.token as Authorization: Bearer TOKEN to read the figures.",
        )),
        Err(miss @ router::Miss::Method(_)) if path == "/metrics" => Err(Problem::from(miss)),
        _ => Err(Problem::not_found("This listener serves /metrics and nothing else.")),
    }
}

fn written(api: &Api, headers: &HeaderMap) -> Answer {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    let Some((content_type, text)) = (api.figures.write)(accept) else {
        return Err(Problem::internal(&"the figures could not be written"));
    };
    let mut response = Response::new(Body::from(text.into_bytes()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
