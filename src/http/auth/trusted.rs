//! Which key of a key set may verify which token: a key is bound to what it says of itself.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

/// Keys taken of one set.
const KEYS_MAX: usize = 100;

/// A key that may verify tokens of one algorithm.
pub(super) struct TrustedKey {
    kid: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

impl TrustedKey {
    /// The key, unless its `use`, `key_ops`, `alg`, `kty` or `crv` forbids it to verify
    /// signatures. Symmetric keys are never taken: a set is public.
    fn of(jwk: &Jwk) -> Option<Self> {
        let common = &jwk.common;
        let may_verify = common.public_key_use.as_ref().is_none_or(|its| *its == PublicKeyUse::Signature)
            && common.key_operations.as_ref().is_none_or(|its| its.contains(&KeyOperations::Verify));
        may_verify.then_some(())?;
        let algorithm = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => Algorithm::RS256,
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Algorithm::ES256,
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
            _ => return None,
        };
        let says_so = common.key_algorithm.as_ref().is_none_or(|its| match algorithm {
            Algorithm::RS256 => *its == KeyAlgorithm::RS256,
            Algorithm::ES256 => *its == KeyAlgorithm::ES256,
            _ => *its == KeyAlgorithm::EdDSA,
        });
        says_so.then_some(())?;
        let key = DecodingKey::from_jwk(jwk).ok()?;
        Some(Self { kid: common.key_id.clone(), algorithm, key })
    }
}

/// The usable keys of a JWKS document; what cannot be used or read is left out.
///
/// # Errors
/// When it is no key set at all.
pub(super) fn read_set(text: &str) -> Result<Vec<TrustedKey>, String> {
    let document: Value =
        serde_json::from_str(text).map_err(|reason| format!("the key set is not JSON: {reason}"))?;
    let keys = document.get("keys").and_then(Value::as_array).ok_or("the key set has no list of keys")?;
    let jwks = keys.iter().take(KEYS_MAX).filter_map(|key| serde_json::from_value(key.clone()).ok());
    Ok(jwks.filter_map(|jwk: Jwk| TrustedKey::of(&jwk)).collect())
}

/// The key for a token; a token that names none is verified only if there is no choice.
pub(super) fn find(keys: &[TrustedKey], kid: Option<&str>, algorithm: Algorithm) -> Option<DecodingKey> {
    let mut fitting =
        keys.iter().filter(|key| key.algorithm == algorithm && (kid.is_none() || key.kid.as_deref() == kid));
    let key = fitting.next()?;
    (kid.is_some() || fitting.next().is_none()).then(|| key.key.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::auth::minted::Minted;
    use serde_json::json;

    #[test]
    fn a_key_verifies_only_what_it_says() {
        let pair = Minted::es256("a");
        let with = |name: &str, value: Value| {
            let mut jwk = pair.jwk();
            jwk[name] = value;
            let keys = read_set(&json!({ "keys": [jwk] }).to_string()).unwrap();
            find(&keys, Some("a"), Algorithm::ES256).is_some()
        };
        for (name, value, taken) in [
            ("use", json!("sig"), true),
            ("use", json!("enc"), false),
            ("alg", json!("ES256"), true),
            ("alg", json!("ES384"), false),
            ("alg", json!("RS256"), false),
            ("alg", json!("made-up"), false),
            ("key_ops", json!(["verify"]), true),
            ("key_ops", json!(["sign", "encrypt"]), false),
            ("crv", json!("P-384"), false),
            ("kty", json!("made-up"), false),
            ("kid", json!("b"), false),
        ] {
            assert_eq!(with(name, value.clone()), taken, "{name}: {value}");
        }
    }

    #[test]
    fn strange_keys_spoil_no_set_and_a_secret_is_no_public_key() {
        let set = json!({ "keys": [
            "nonsense",
            { "kty": "oct", "kid": "secret", "alg": "HS256", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0" },
            { "kty": "post-quantum", "kid": "new" },
            Minted::ed25519("good").jwk(),
        ] });
        let keys = read_set(&set.to_string()).unwrap();
        assert_eq!(keys.len(), 1);
        assert!(find(&keys, Some("good"), Algorithm::EdDSA).is_some());
        assert!(find(&keys, Some("good"), Algorithm::ES256).is_none());
        assert!(find(&keys, Some("secret"), Algorithm::HS256).is_none());
        for bad in ["", "[]", "{\"keys\":5}", "<html>"] {
            assert!(read_set(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_without_a_key_id_is_verified_only_without_a_choice() {
        let set = |pairs: &[Minted]| {
            let jwks: Vec<_> = pairs.iter().map(Minted::jwk).collect();
            read_set(&json!({ "keys": jwks }).to_string()).unwrap()
        };
        let one = set(&[Minted::es256("a"), Minted::ed25519("b")]);
        assert!(find(&one, None, Algorithm::ES256).is_some(), "the only one of its kind");
        let two = set(&[Minted::es256("a"), Minted::es256("b")]);
        assert!(find(&two, None, Algorithm::ES256).is_none());
    }
}
