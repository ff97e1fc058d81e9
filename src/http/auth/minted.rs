//! Key pairs for tests, made afresh.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

/// A key pair, as the operator's application has one.
pub(crate) struct Minted {
    algorithm: Algorithm,
    kid: String,
    sign: EncodingKey,
    public_der: Vec<u8>,
}

impl Minted {
    pub(crate) fn rs256(kid: &str) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let private = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
        let public_der = public(pair.public_key());
        let sign = EncodingKey::from_rsa_pem(pem("PRIVATE KEY", private.as_ref()).as_bytes()).unwrap();
        Self { algorithm: Algorithm::RS256, kid: kid.to_owned(), sign, public_der }
    }

    pub(crate) fn es256(kid: &str) -> Self {
        let scheme = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let private = EcdsaKeyPair::generate_pkcs8(scheme, &SystemRandom::new()).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(scheme, private.as_ref()).unwrap();
        let public_der = public(pair.public_key());
        let sign = EncodingKey::from_ec_der(private.as_ref());
        Self { algorithm: Algorithm::ES256, kid: kid.to_owned(), sign, public_der }
    }

    pub(crate) fn ed25519(kid: &str) -> Self {
        let private = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(private.as_ref()).unwrap();
        let public_der = public(pair.public_key());
        let sign = EncodingKey::from_ed_der(private.as_ref());
        Self { algorithm: Algorithm::EdDSA, kid: kid.to_owned(), sign, public_der }
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The public key as a file holds it.
    pub(crate) fn public_pem(&self) -> String {
        pem("PUBLIC KEY", &self.public_der)
    }

    /// The public key as a key set holds it.
    pub(crate) fn jwk(&self) -> Value {
        let mut jwk = match self.algorithm {
            // The last 32 bytes of the public key's DER are the key itself (RFC 8410, 4).
            Algorithm::EdDSA => {
                let x = URL_SAFE_NO_PAD.encode(&self.public_der[self.public_der.len() - 32..]);
                json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": x })
            }
            algorithm => {
                serde_json::to_value(Jwk::from_encoding_key(&self.sign, algorithm).unwrap()).unwrap()
            }
        };
        jwk["kid"] = self.kid.as_str().into();
        jwk
    }

    /// A signed token.
    pub(crate) fn token(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(self.algorithm) };
        encode(&header, claims, &self.sign).unwrap()
    }
}

fn public(key: &impl AsDer<PublicKeyX509Der<'static>>) -> Vec<u8> {
    key.as_der().unwrap().as_ref().to_vec()
}

fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let lines: Vec<&str> =
        body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
