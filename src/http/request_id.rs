//! The id by which a call is found in the log: the caller's own, or a random one.

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use rand::Rng;

/// The header.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Characters of a caller's own id.
const CHARS_MAX: usize = 64;

/// The caller's id if it is harmless in a log, else 128 random bits.
pub fn of(headers: &HeaderMap) -> HeaderValue {
    headers.get(X_REQUEST_ID).filter(|id| is_harmless(id.as_bytes())).cloned().unwrap_or_else(random)
}

fn is_harmless(id: &[u8]) -> bool {
    (1..=CHARS_MAX).contains(&id.len())
        && id.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

fn random() -> HeaderValue {
    let mut bits = [0; 16];
    rand::rng().fill_bytes(&mut bits);
    let mut digits = [0; 32];
    // 32 digits are exactly what 16 bytes need, and digits are a legal header value.
    let written = hex::encode_to_slice(bits, &mut digits).is_ok();
    HeaderValue::from_bytes(&digits).ok().filter(|_| written).unwrap_or(HeaderValue::from_static("none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_id_is_kept_only_if_harmless() {
        let mut headers = HeaderMap::new();
        assert_eq!(of(&headers).len(), 32);
        assert_ne!(of(&headers), of(&headers));
        headers.insert(X_REQUEST_ID, HeaderValue::from_static("order-7.b_2"));
        assert_eq!(of(&headers), "order-7.b_2");
        for bad in ["", "a b", "a\"b", &"x".repeat(65)] {
            headers.insert(X_REQUEST_ID, HeaderValue::from_str(bad).unwrap());
            assert_ne!(of(&headers), bad);
        }
    }
}
