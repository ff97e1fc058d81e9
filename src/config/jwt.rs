//! `[auth.jwt]`: tokens that the operator's own application signs for its users.

use super::address;
use super::reader::Section;
use super::secret::{self, Secret};
use crate::domain::Tier;

/// `[auth.jwt]`: tokens signed by the operator's own application.
#[derive(Clone, Debug)]
pub struct OperatorJwt {
    /// Required `iss`.
    pub issuer: String,
    /// Required `aud`.
    pub audience: String,
    /// Pinned algorithms: `HS256`, `RS256`, `ES256`, `EdDSA`.
    pub algorithms: Vec<String>,
    /// Where the key comes from.
    pub key: JwtKey,
    /// The claim that names the tier.
    pub tier_claim: String,
    /// Tier of a token without that claim.
    pub default_tier: Tier,
}

/// Verification key of the operator's tokens.
#[derive(Clone, Debug)]
pub enum JwtKey {
    /// Contents of `hs256_secret_file`, without trailing newlines.
    Hs256(Secret),
    /// Contents of `public_key_file`, PEM.
    PublicPem(String),
    /// `jwks_url`, fetched at start and on unknown key ids (at most once a minute).
    Jwks(String),
}

/// The shortest HS256 secret, in bytes (RFC 7518, 3.2).
const HS256_BYTES_MIN: usize = 32;

/// Reads the section; `None` when no key of it is set, or on a fault.
pub(super) fn read(section: &Section<'_>) -> Option<OperatorJwt> {
    let issuer = section.text("issuer", "");
    let audience = section.text("audience", "");
    let algorithms = section.list("algorithms", 4, algorithm);
    let key = key(section);
    let tier_claim = section.text("tier_claim", "tier");
    let default_tier = section.parsed("default_tier", |text| {
        text.parse::<Tier>().map_err(|_| "is not one of free, basic, pro, enterprise".to_owned())
    });
    if !section.is_present() {
        return None;
    }
    for (name, value) in [("issuer", &issuer), ("audience", &audience), ("tier_claim", &tier_claim)] {
        if value.is_empty() {
            section.fault(name, "is missing or empty; [auth.jwt] needs it");
        }
    }
    let key = key?;
    let usual = if matches!(key, JwtKey::Hs256(_)) { "HS256" } else { "RS256" };
    let algorithms = algorithms.unwrap_or_else(|| vec![usual.to_owned()]);
    let fits = |algorithm: &String| (algorithm == "HS256") == matches!(key, JwtKey::Hs256(_));
    if algorithms.is_empty() || !algorithms.iter().all(fits) {
        let message = "do not fit the key; expected HS256 alone with hs256_secret_file, and RS256, ES256 or EdDSA with public_key_file or jwks_url";
        section.fault("algorithms", message);
    }
    Some(OperatorJwt {
        issuer,
        audience,
        algorithms,
        key,
        tier_claim,
        default_tier: default_tier.unwrap_or_default(),
    })
}

fn algorithm(text: &str) -> Result<String, String> {
    match text {
        "HS256" | "RS256" | "ES256" | "EdDSA" => Ok(text.to_owned()),
        _ => Err("is not one of HS256, RS256, ES256, EdDSA".to_owned()),
    }
}

fn key(section: &Section<'_>) -> Option<JwtKey> {
    let keys = ["hs256_secret_file", "public_key_file", "jwks_url"];
    let set: Vec<&str> = keys.into_iter().filter(|key| section.is_set(key)).collect();
    if set.len() != 1 {
        if section.is_present() {
            match set.split_first() {
                None => section.fault(
                    "jwks_url",
                    "is missing; [auth.jwt] needs one of hs256_secret_file, public_key_file and jwks_url",
                ),
                Some((first, others)) => section
                    .fault(first, format!("is set together with {}; keep one of them", others.join(" and "))),
            }
        }
        return None;
    }
    match set[0] {
        "hs256_secret_file" => hs256(section),
        "public_key_file" => public_key(section),
        _ => section.parsed("jwks_url", address::target_url).map(JwtKey::Jwks),
    }
}

fn hs256(section: &Section<'_>) -> Option<JwtKey> {
    let secret = secret::file(section, "hs256_secret_file")?;
    if secret.expose().len() < HS256_BYTES_MIN {
        let message = format!(
            "the secret has fewer than {HS256_BYTES_MIN} bytes; make one with `openssl rand -hex 32`"
        );
        section.fault("hs256_secret_file", message);
    }
    Some(JwtKey::Hs256(secret))
}

fn public_key(section: &Section<'_>) -> Option<JwtKey> {
    let pem = secret::public_file(section, "public_key_file")?;
    if pem.contains("PRIVATE KEY") {
        section.fault("public_key_file", "the file holds a private key; expected the public one");
    } else if !pem.contains("-----BEGIN") {
        section.fault("public_key_file", "the file is not PEM; expected a line -----BEGIN PUBLIC KEY-----");
    }
    Some(JwtKey::PublicPem(pem))
}
