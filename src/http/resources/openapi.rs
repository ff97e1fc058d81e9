//! `GET /openapi.json`: the description of the API, written by hand in `docs/openapi.json`. Tests
//! hold it to the route table, the parameters, the bodies and the problem codes of this code.

use bytes::Bytes;
use hyper::Response;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use crate::http::body::Body;
use crate::http::respond;

/// The document as it is served.
const DOCUMENT: &str = include_str!("../../../docs/openapi.json");
/// It changes with the server only.
const CHECKED: HeaderValue = HeaderValue::from_static("no-cache");

/// The document, or 304 for who has it.
pub fn document(headers: &HeaderMap) -> Response<Body> {
    let mut response = respond::tagged(headers, Bytes::from_static(DOCUMENT.as_bytes()), CHECKED);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
#[path = "openapi_tests.rs"]
mod tests;
