use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};

/// Whether the body is from whoever knows the secret, and of the last five minutes; `now` in seconds.
pub fn verify(secret: &str, id: &str, timestamp: &str, signatures: &str, body: &[u8], now: i64) -> bool {
    let key = STANDARD.decode(secret.trim_start_matches("whsec_"));
    let (Ok(key), Ok(seconds)) = (key, timestamp.parse::<i64>()) else { return false };
    if now.abs_diff(seconds) > 300 {
        return false;
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let signed = [format!("{id}.{timestamp}.").as_bytes(), body].concat();
    // More than one while a secret is being changed.
    let given = signatures.split(' ').filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok());
    given.into_iter().any(|signature| hmac::verify(&key, &signed, &signature).is_ok())
}
