//! Good answers: JSON, serialised once, with its entity tag where one is asked for.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH};
use hyper::{Response, StatusCode};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::body::Body;
use super::problem::Problem;

/// What a handler gives.
pub type Answer = Result<Response<Body>, Problem>;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// `value` as the answer.
///
/// # Errors
/// 500 when it cannot be serialised, which would be our mistake.
pub fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    let bytes = serde_json::to_vec(value).map_err(|reason| Problem::internal(&reason))?;
    Ok(written(status, bytes, HeaderValue::from_static("no-store")))
}

/// `value` as the answer to a `GET` that a client may ask again: with a strong tag over the bytes,
/// and 304 when the client has these bytes already.
///
/// # Errors
/// As [`json`].
pub fn json_tagged(headers: &HeaderMap, value: &impl Serialize) -> Answer {
    let bytes = serde_json::to_vec(value).map_err(|reason| Problem::internal(&reason))?;
    let mut response = tagged(headers, bytes.into(), HeaderValue::from_static("private, no-cache"));
    if response.status() == StatusCode::OK {
        response.headers_mut().insert(CONTENT_TYPE, JSON);
    }
    Ok(response)
}

/// `bytes` as the answer to a `GET` that a client may ask again: with a strong tag over them, and
/// 304 when the client has them already. Their type is the caller's to say.
pub fn tagged(headers: &HeaderMap, bytes: Bytes, cache: HeaderValue) -> Response<Body> {
    let tag = tag(&bytes);
    let mut response = if matches(headers, &tag) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.headers_mut().insert(CACHE_CONTROL, cache);
        response
    } else {
        self::bytes(bytes, cache)
    };
    set(response.headers_mut(), ETAG, &tag);
    response
}

/// `bytes` as the answer. Their type is the caller's to say.
pub fn bytes(bytes: Bytes, cache: HeaderValue) -> Response<Body> {
    let mut response = Response::new(Body::from(bytes));
    response.headers_mut().insert(CACHE_CONTROL, cache);
    response
}

fn written(status: StatusCode, bytes: Vec<u8>, cache: HeaderValue) -> Response<Body> {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(CACHE_CONTROL, cache);
    response
}

/// Sets a header whose text this server made; text that is no header value is left out.
pub fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// A strong entity tag: 128 bits of SHA-256.
fn tag(bytes: &[u8]) -> String {
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(&Sha256::digest(bytes)[..16]))
}

/// Whether `If-None-Match` names the tag (compared weakly, as RFC 9110 says) or `*`.
fn matches(headers: &HeaderMap, tag: &str) -> bool {
    let lines = headers.get_all(IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .any(|candidate| candidate == "*" || candidate.strip_prefix("W/").unwrap_or(candidate) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_none_match_takes_lists_weak_tags_and_the_star() {
        let tag = tag(b"body");
        let asks = |lines: &[String]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(IF_NONE_MATCH, line.parse().unwrap());
            }
            matches(&headers, &tag)
        };
        assert!(!asks(&[]));
        assert!(asks(std::slice::from_ref(&tag)));
        assert!(asks(&[format!("\"other\", W/{tag}")]));
        assert!(asks(&["\"other\"".into(), tag.clone()]));
        assert!(asks(&["*".into()]));
        assert!(!asks(&["\"other\"".into(), tag.trim_matches('"').into()]));
    }

    #[test]
    fn the_same_bytes_are_sent_once() {
        let mut headers = HeaderMap::new();
        let first = json_tagged(&headers, &[1, 2]).unwrap();
        headers.insert(IF_NONE_MATCH, first.headers()[ETAG].clone());
        let second = json_tagged(&headers, &[1, 2]).unwrap();
        assert_eq!((second.status(), second.body().is_empty()), (StatusCode::NOT_MODIFIED, true));
        assert_eq!(second.headers()[ETAG], first.headers()[ETAG]);
        assert_eq!(json_tagged(&headers, &[1, 3]).unwrap().status(), StatusCode::OK);
    }
}
