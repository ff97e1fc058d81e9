//! The id by which a call is found in the log: the caller's own, or a random one.

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use rand::Rng;

/// The header.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Characters of a caller's own id.
const CHARS_MAX: usize = 64;

/// A call's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId {
    value: HeaderValue,
    own_bits: Option<[u8; 16]>,
}

impl RequestId {
    /// As it is written.
    pub fn text(&self) -> &str {
        // Only what is text becomes one.
        self.value.to_str().unwrap_or_default()
    }

    /// The caller's own, if it is that.
    pub fn given(&self) -> Option<&str> {
        if self.own_bits.is_none() { Some(self.text()) } else { None }
    }

    /// The random bits that it is, if it is not the caller's.
    pub fn own_bits(&self) -> Option<[u8; 16]> {
        self.own_bits
    }

    /// As a header.
    pub fn into_value(self) -> HeaderValue {
        self.value
    }
}

/// The caller's id if it is harmless in a log, else 128 random bits.
pub fn of(headers: &HeaderMap) -> RequestId {
    match headers.get(X_REQUEST_ID).filter(|id| is_harmless(id.as_bytes())) {
        Some(value) => RequestId { value: value.clone(), own_bits: None },
        None => random(),
    }
}

fn is_harmless(id: &[u8]) -> bool {
    (1..=CHARS_MAX).contains(&id.len())
        && id.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

fn random() -> RequestId {
    let mut bits = [0; 16];
    rand::rng().fill_bytes(&mut bits);
    let mut digits = [0; 32];
    // 32 digits are exactly what 16 bytes need, and digits are a legal header value.
    let written = hex::encode_to_slice(bits, &mut digits).is_ok();
    let value = HeaderValue::from_bytes(&digits).ok().filter(|_| written);
    RequestId { value: value.unwrap_or(HeaderValue::from_static("none")), own_bits: Some(bits) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_id_is_kept_only_if_harmless() {
        let mut headers = HeaderMap::new();
        assert_eq!(of(&headers).text().len(), 32);
        assert_eq!(of(&headers).given(), None);
        assert_ne!(of(&headers), of(&headers));
        headers.insert(X_REQUEST_ID, HeaderValue::from_static("order-7.b_2"));
        assert_eq!((of(&headers).text(), of(&headers).given()), ("order-7.b_2", Some("order-7.b_2")));
        for bad in ["", "a b", "a\"b", &"x".repeat(65)] {
            headers.insert(X_REQUEST_ID, HeaderValue::from_str(bad).unwrap());
            assert_ne!(of(&headers).text(), bad);
        }
    }
}
