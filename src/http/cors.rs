//! Which pages may call from a browser: exact origins from the configuration, none by default.

use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap,
    HeaderValue, ORIGIN, VARY,
};
use hyper::{Method, Response, StatusCode};

use super::body::Body;

const METHODS: &str = "GET, POST, PUT, PATCH, DELETE";
const ASK: &str = "Authorization, X-API-Key, Content-Type, Idempotency-Key, Prefer, If-None-Match, X-Request-Id, \
     traceparent, tracestate";
const SHOW: &str = "X-Request-Id, RateLimit, RateLimit-Policy, Retry-After, ETag, Location, \
                    Preference-Applied, Idempotency-Replayed";
/// Seconds that a browser remembers the answer to a preflight.
const REMEMBERED: &str = "600";

/// The origin of the page that calls, when the configuration names it.
pub fn allowed(headers: &HeaderMap, origins: &[String]) -> Option<HeaderValue> {
    let origin = headers.get(ORIGIN)?;
    origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes()).then(|| origin.clone())
}

/// Whether a browser asks for permission before the call itself.
pub fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to a preflight of an allowed origin; the same for every path.
pub fn preflight() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(ASK));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(REMEMBERED));
    response
}

/// Lets the page read the answer. Without an allowed origin only the caches are warned.
pub fn mark(headers: &mut HeaderMap, origin: Option<HeaderValue>) {
    headers.append(VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(SHOW));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_exact() {
        let origins = ["https://app.example".to_owned()];
        let mut headers = HeaderMap::new();
        assert_eq!(allowed(&headers, &origins), None);
        for (origin, fine) in [
            ("https://app.example", true),
            ("https://app.example.evil.example", false),
            ("http://app.example", false),
            ("https://app.example:8443", false),
            ("null", false),
        ] {
            headers.insert(ORIGIN, origin.parse().unwrap());
            assert_eq!(allowed(&headers, &origins).is_some(), fine, "{origin}");
        }
    }
}
