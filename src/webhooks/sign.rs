//! Signatures as Standard Webhooks 1.0.0 defines them: HMAC-SHA256 over id, time and body.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::domain::Timestamp;

/// What a secret's text begins with.
const PREFIX: &str = "whsec_";
/// Bytes of a secret that somebody else made.
const BYTES_MIN: usize = 24;
const BYTES_MAX: usize = 64;
/// Bytes of a secret of our own.
pub const SECRET_BYTES: usize = 32;

/// The header with the message's id.
pub const ID_HEADER: &str = "webhook-id";
/// The header with the seconds since 1970 at which this very try was signed.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// The header with one signature for each secret in force, a space between.
pub const SIGNATURE_HEADER: &str = "webhook-signature";

/// A signing secret, 24 to 64 bytes. `Debug` shows dots; [`Secret::text`] is what its owner gets.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

/// The text or bytes are no signing secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a signing secret; expected whsec_ and 24 to 64 bytes in base64")]
pub struct BadSecret;

impl Secret {
    /// The secret of bytes that were stored.
    ///
    /// # Errors
    /// [`BadSecret`] for fewer than 24 bytes or more than 64.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, BadSecret> {
        if (BYTES_MIN..=BYTES_MAX).contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(BadSecret) }
    }

    /// The secret as its owner keeps it: `whsec_` and base64. For the owner's eyes, once.
    pub fn text(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0))
    }

    /// `v1,` and the signature in base64, of a body with this id at `seconds` since 1970.
    fn signature(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let mut signed = hmac::Context::with_key(&key);
        signed.update(format!("{id}.{seconds}.").as_bytes());
        signed.update(body);
        format!("v1,{}", STANDARD.encode(signed.sign()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

impl FromStr for Secret {
    type Err = BadSecret;

    /// Reads what [`Secret::text`] made; the prefix may be missing, as the standard's own libraries
    /// allow.
    fn from_str(text: &str) -> Result<Self, BadSecret> {
        let text = text.trim();
        let bytes = STANDARD.decode(text.strip_prefix(PREFIX).unwrap_or(text)).map_err(|_| BadSecret)?;
        Self::from_bytes(bytes)
    }
}

/// The three headers of one try, as names and values. `secrets` are all that are in force, so that
/// whoever still knows only the older one can verify too. `at` is now: a receiver refuses what was
/// signed long ago.
pub fn headers(secrets: &[&Secret], id: &str, at: Timestamp, body: &[u8]) -> [(&'static str, String); 3] {
    let seconds = at.0.div_euclid(1000);
    let signatures: Vec<String> = secrets.iter().map(|secret| secret.signature(id, seconds, body)).collect();
    [
        (ID_HEADER, id.to_owned()),
        (TIMESTAMP_HEADER, seconds.to_string()),
        (SIGNATURE_HEADER, signatures.join(" ")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the standard's own libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;

    #[test]
    fn the_standards_own_example_has_the_standards_signature() {
        let secret: Secret = SECRET.parse().unwrap();
        let [id, timestamp, signature] = headers(&[&secret], ID, Timestamp(1_614_265_330_999), BODY);
        assert_eq!(id, (ID_HEADER, ID.to_owned()));
        assert_eq!(timestamp, (TIMESTAMP_HEADER, "1614265330".to_owned()));
        assert_eq!(signature.1, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn every_secret_in_force_signs() {
        let (new, old): (Secret, Secret) =
            (Secret::from_bytes(vec![7; SECRET_BYTES]).unwrap(), SECRET.parse().unwrap());
        let both = headers(&[&new, &old], ID, Timestamp(1_614_265_330_000), BODY)[2].1.clone();
        let alone = headers(&[&old], ID, Timestamp(1_614_265_330_000), BODY)[2].1.clone();
        assert_eq!(both.split(' ').count(), 2);
        assert_eq!(both.split(' ').next_back(), Some(alone.as_str()));
        assert_ne!(both.split(' ').next(), Some(alone.as_str()));
    }

    #[test]
    fn a_secret_survives_a_round_trip_and_is_never_printed() {
        let secret = Secret::from_bytes(vec![0xA5; SECRET_BYTES]).unwrap();
        assert_eq!(secret.text().parse(), Ok(secret.clone()));
        assert_eq!(format!("{secret:?}"), "•••");
        let short = format!("whsec_{}", STANDARD.encode([1; 23]));
        let long = format!("whsec_{}", STANDARD.encode([1; 65]));
        for bad in ["", "whsec_", "whsec_!!!", &short, &long] {
            assert_eq!(bad.parse::<Secret>(), Err(BadSecret), "{bad}");
        }
    }
}
