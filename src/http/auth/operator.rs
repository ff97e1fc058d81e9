//! Tokens that the operator's own application signs for its users.

use std::str::FromStr;
use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value};

use crate::domain::{Tier, Timestamp};

use super::key_set::{FetchKeys, KeySet};
use super::own;

/// Clocks may differ by so much.
const LEEWAY_MS: i64 = 30_000;

/// Where verification keys come from.
pub enum Keys {
    /// One key.
    Fixed(Box<DecodingKey>),
    /// A JWKS document.
    Fetched(Arc<KeySet>),
}

/// Why the operator's tokens cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// The key file or an algorithm's name.
    #[error(transparent)]
    Key(#[from] jsonwebtoken::errors::Error),
    /// Tokens of two signers must not look alike.
    #[error("the issuer {0:?} is this server's own; give the operator's application another")]
    OwnIssuer(String),
}

/// Whose tokens are believed.
#[derive(Clone, Debug)]
pub struct Trust {
    /// Pinned algorithms: `HS256`, `RS256`, `ES256`, `EdDSA`.
    pub algorithms: Vec<String>,
    /// Required `iss`.
    pub issuer: String,
    /// Required `aud`.
    pub audience: String,
    /// The claim that names the tier.
    pub tier_claim: String,
    /// Tier of a token without that claim.
    pub default_tier: Tier,
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claimed {
    pub(super) user: String,
    pub(super) tier: Tier,
    pub(super) until: Timestamp,
}

/// Reads the operator's tokens.
pub struct Operator {
    keys: Keys,
    algorithms: Vec<Algorithm>,
    trust: Trust,
}

impl Keys {
    /// An HS256 secret.
    pub fn secret(secret: &[u8]) -> Self {
        Self::Fixed(Box::new(DecodingKey::from_secret(secret)))
    }

    /// A public key, PEM, of the kind that one of the algorithms takes.
    ///
    /// # Errors
    /// When it is none.
    pub fn public_pem(pem: &str, algorithms: &[String]) -> Result<Self, OperatorError> {
        let read = |name: &String| match name.as_str() {
            "ES256" => DecodingKey::from_ec_pem(pem.as_bytes()),
            "EdDSA" => DecodingKey::from_ed_pem(pem.as_bytes()),
            _ => DecodingKey::from_rsa_pem(pem.as_bytes()),
        };
        let mut outcome = DecodingKey::from_rsa_pem(pem.as_bytes());
        for name in algorithms {
            outcome = read(name);
            if outcome.is_ok() {
                break;
            }
        }
        Ok(Self::Fixed(Box::new(outcome?)))
    }

    /// A key set. Call within a runtime.
    pub fn fetched(source: Box<dyn FetchKeys>) -> Self {
        Self::Fetched(KeySet::start(source))
    }
}

impl Operator {
    /// Tokens of this issuer, verified with these keys.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn new(keys: Keys, trust: Trust) -> Result<Self, OperatorError> {
        if trust.issuer == own::OURSELVES {
            return Err(OperatorError::OwnIssuer(trust.issuer));
        }
        let algorithms =
            trust.algorithms.iter().map(|name| Algorithm::from_str(name)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { keys, algorithms, trust })
    }

    /// What a token says; `None` for a token that must not be believed.
    pub(super) async fn read(&self, token: &str, now: Timestamp) -> Option<Claimed> {
        let header = decode_header(token).ok()?;
        // `crit` names extensions without which a token must not be understood (RFC 7515, 4.1.11).
        if !self.algorithms.contains(&header.alg) || header.crit.is_some() {
            return None;
        }
        let fetched;
        let key = match &self.keys {
            Keys::Fixed(key) => key.as_ref(),
            Keys::Fetched(set) => {
                fetched = set.key(header.kid.as_deref(), header.alg).await?;
                &fetched
            }
        };
        let claims = decode::<Map<String, Value>>(token, key, &signature_alone(header.alg)).ok()?.claims;
        self.believe(&claims, now)
    }

    /// What the claims of a verified token say, if they are whole, timely and meant for us.
    fn believe(&self, claims: &Map<String, Value>, now: Timestamp) -> Option<Claimed> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let is_theirs = text("iss") == Some(&self.trust.issuer);
        let is_for_us = match claims.get("aud") {
            Some(Value::Array(many)) => many.iter().any(|one| one.as_str() == Some(&self.trust.audience)),
            Some(one) => one.as_str() == Some(&self.trust.audience),
            None => false,
        };
        let until = milliseconds(claims.get("exp")?)?.saturating_add(LEEWAY_MS);
        let has_begun = match claims.get("nbf") {
            Some(nbf) => milliseconds(nbf)? <= now.0.saturating_add(LEEWAY_MS),
            None => true,
        };
        (is_theirs && is_for_us && has_begun && until > now.0).then_some(())?;
        let user = text("sub").filter(|sub| !sub.is_empty())?.to_owned();
        let tier = match claims.get(&self.trust.tier_claim) {
            None => self.trust.default_tier,
            Some(claim) => claim.as_str()?.parse().ok()?,
        };
        Some(Claimed { user, tier, until: Timestamp(until) })
    }
}

/// The signature alone is looked at by the library: the claims are ours to judge, by our clock.
fn signature_alone(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

/// A NumericDate (RFC 7519, 2), which may have a fraction.
fn milliseconds(date: &Value) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "saturates, as it should")]
    date.as_f64().map(|seconds| (seconds * 1000.0) as i64)
}

#[cfg(test)]
#[path = "operator_tests.rs"]
mod tests;
