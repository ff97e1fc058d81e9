//! Tokens that the operator's own application signs for its users.

use std::future::Future;
use std::pin::Pin;
use std::str::FromStr;

use jsonwebtoken::errors::Error;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use crate::domain::{Tier, Timestamp};

/// Between two fetches of the key set.
const FETCH_EVERY_MS: i64 = 60_000;
/// Clocks may differ by so much.
const LEEWAY_MS: i64 = 30_000;

/// Fetches the key set's JSON.
pub trait FetchKeys: Send + Sync {
    /// The document, or why there is none.
    fn fetch(&self) -> Pin<Box<dyn Future<Output = Result<String, String>> + Send + '_>>;
}

/// Where verification keys come from.
pub enum Keys {
    /// One key.
    Fixed(Box<DecodingKey>),
    /// A JWKS document.
    Fetched(Box<dyn FetchKeys>),
}

/// Reads the operator's tokens.
pub struct Operator {
    keys: Keys,
    known: Mutex<Known>,
    algorithms: Vec<Algorithm>,
    validation: Validation,
    tier_claim: String,
    default_tier: Tier,
}

#[derive(Default)]
struct Known {
    set: Option<JwkSet>,
    fetched_at: Option<Timestamp>,
}

impl Operator {
    /// Tokens with these pinned algorithms, issuer and audience.
    ///
    /// # Errors
    /// When an algorithm's name is not one.
    pub fn new(
        keys: Keys,
        algorithms: &[String],
        issuer: &str,
        audience: &str,
        tier_claim: String,
        default_tier: Tier,
    ) -> Result<Self, Error> {
        let algorithms =
            algorithms.iter().map(|name| Algorithm::from_str(name)).collect::<Result<Vec<_>, _>>()?;
        let mut validation = Validation::new(algorithms.first().copied().unwrap_or(Algorithm::RS256));
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Time is passed in, and looked at in `read`.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Ok(Self { keys, known: Mutex::default(), algorithms, validation, tier_claim, default_tier })
    }

    /// The user and tier a token names; `None` for a token that must not be believed.
    pub async fn read(&self, token: &str, now: Timestamp) -> Option<(String, Tier)> {
        let header = decode_header(token).ok()?;
        if !self.algorithms.contains(&header.alg) {
            return None;
        }
        let fetched;
        let key = match &self.keys {
            Keys::Fixed(key) => key.as_ref(),
            Keys::Fetched(source) => {
                fetched = self.key_of(source.as_ref(), header.kid.as_deref(), now).await?;
                &fetched
            }
        };
        let mut validation = self.validation.clone();
        validation.algorithms = vec![header.alg];
        let claims = decode::<Map<String, Value>>(token, key, &validation).ok()?.claims;
        in_time(&claims, now).then_some(())?;
        let sub = claims.get("sub")?.as_str().filter(|sub| !sub.is_empty())?;
        let tier = match claims.get(&self.tier_claim) {
            None => self.default_tier,
            Some(claim) => claim.as_str()?.parse().ok()?,
        };
        Some((sub.to_owned(), tier))
    }

    async fn key_of(&self, source: &dyn FetchKeys, kid: Option<&str>, now: Timestamp) -> Option<DecodingKey> {
        let mut known = self.known.lock().await;
        if let Some(key) = find(known.set.as_ref(), kid) {
            return Some(key);
        }
        if known.fetched_at.is_some_and(|at| now.0 - at.0 < FETCH_EVERY_MS) {
            return None;
        }
        known.fetched_at = Some(now);
        match source
            .fetch()
            .await
            .and_then(|text| serde_json::from_str(&text).map_err(|reason| reason.to_string()))
        {
            Ok(set) => known.set = Some(set),
            Err(reason) => {
                tracing::warn!(%reason, "the operator's key set could not be fetched; the last one stays")
            }
        }
        find(known.set.as_ref(), kid)
    }
}

fn find(set: Option<&JwkSet>, kid: Option<&str>) -> Option<DecodingKey> {
    let set = set?;
    let jwk = match kid {
        Some(kid) => set.find(kid)?,
        None if set.keys.len() == 1 => set.keys.first()?,
        None => return None,
    };
    DecodingKey::from_jwk(jwk).ok()
}

fn in_time(claims: &Map<String, Value>, now: Timestamp) -> bool {
    let ms = |name: &str| claims.get(name).and_then(Value::as_f64).map(|seconds| (seconds * 1000.0) as i64);
    let begun = !claims.contains_key("nbf") || ms("nbf").is_some_and(|nbf| nbf <= now.0 + LEEWAY_MS);
    begun && ms("exp").is_some_and(|exp| exp + LEEWAY_MS > now.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::json;

    fn operator() -> Operator {
        let keys = Keys::Fixed(Box::new(DecodingKey::from_secret(b"their secret")));
        Operator::new(keys, &["HS256".to_owned()], "https://app", "diagrams", "plan".into(), Tier::Free)
            .unwrap()
    }

    async fn read(claims: Value, alg: Algorithm, secret: &[u8]) -> Option<(String, Tier)> {
        let token = encode(&Header::new(alg), &claims, &EncodingKey::from_secret(secret)).unwrap();
        operator().read(&token, Timestamp(1_000_000_000)).await
    }

    #[tokio::test]
    async fn only_whole_and_timely_tokens_of_the_operator_are_believed() {
        let good = json!({"sub":"ann","iss":"https://app","aud":"diagrams","exp":1_000_100,"plan":"pro"});
        let with = |name: &str, value: Value| {
            let mut claims = good.clone();
            claims[name] = value;
            claims
        };
        let without = |name: &str| {
            let mut claims = good.clone();
            claims.as_object_mut().unwrap().remove(name);
            claims
        };
        let hs = |claims| read(claims, Algorithm::HS256, b"their secret");
        assert_eq!(hs(good.clone()).await, Some(("ann".into(), Tier::Pro)));
        assert_eq!(hs(without("plan")).await, Some(("ann".into(), Tier::Free)));
        assert_eq!(hs(with("nbf", json!(1_000_020))).await, Some(("ann".into(), Tier::Pro)), "leeway");
        for claims in [
            without("sub"),
            without("iss"),
            without("aud"),
            without("exp"),
            with("exp", json!(999_900)),
            with("nbf", json!(1_000_100)),
            with("iss", json!("https://evil")),
            with("aud", json!("other")),
            with("plan", json!("platinum")),
            with("sub", json!("")),
        ] {
            assert_eq!(hs(claims.clone()).await, None, "{claims}");
        }
        assert_eq!(read(good.clone(), Algorithm::HS256, b"another secret").await, None);
        assert_eq!(
            read(good, Algorithm::HS512, b"their secret").await,
            None,
            "an algorithm that is not pinned"
        );
    }
}
