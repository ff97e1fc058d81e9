//! `GET /client.js`: the JavaScript client of this very version, for pages without a bundler.

use bytes::Bytes;
use hyper::Response;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use crate::http::body::Body;
use crate::http::respond;

const SCRIPT: &str = include_str!("../../../clients/js/index.js");

/// The script. A browser asks again each time and is told 304 until the server is another.
pub fn show(headers: &HeaderMap) -> Response<Body> {
    let script = Bytes::from_static(SCRIPT.as_bytes());
    let mut response = respond::tagged(headers, script, HeaderValue::from_static("public, no-cache"));
    let kind = HeaderValue::from_static("text/javascript; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
