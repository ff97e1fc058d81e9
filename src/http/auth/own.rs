//! Our own short-lived tokens: HS256 with the data directory's secret.

use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use crate::accounts::Caller;
use crate::domain::user::Role;
use crate::domain::{KeyId, Timestamp, UserId};

/// `iss` and `aud` of our own tokens.
pub(super) const OURSELVES: &str = "diagramd";

/// What a token says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Claims {
    iss: String,
    aud: String,
    sub: String,
    uid: i64,
    pub(super) role: Role,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    #[serde(skip)]
    pub(super) key: Option<KeyId>,
    iat: i64,
    exp: i64,
}

impl Claims {
    pub(super) fn user(&self) -> UserId {
        UserId(self.uid)
    }

    pub(super) fn until(&self) -> Timestamp {
        Timestamp(self.exp.saturating_mul(1000))
    }
}

pub(super) struct OwnTokens {
    sign: EncodingKey,
    verify: DecodingKey,
    validation: Validation,
}

impl OwnTokens {
    pub(super) fn new(secret: [u8; 32]) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[OURSELVES]);
        validation.set_audience(&[OURSELVES]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Time is passed in, and looked at in `read`.
        validation.validate_exp = false;
        Self {
            sign: EncodingKey::from_secret(&secret),
            verify: DecodingKey::from_secret(&secret),
            validation,
        }
    }

    pub(super) fn issue(
        &self,
        caller: &Caller,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<(String, Timestamp), jsonwebtoken::errors::Error> {
        let exp = now.after(ttl).0.div_euclid(1000);
        let claims = Claims {
            iss: OURSELVES.to_owned(),
            aud: OURSELVES.to_owned(),
            sub: caller.name.to_string(),
            uid: caller.user.0,
            role: caller.role,
            key_id: caller.key.as_ref().map(|key| key.0.clone()),
            key: None,
            iat: now.0.div_euclid(1000),
            exp,
        };
        Ok((encode(&Header::new(Algorithm::HS256), &claims, &self.sign)?, Timestamp(exp * 1000)))
    }

    /// What a token of ours says; `None` for one that is not ours, or is over.
    pub(super) fn read(&self, token: &str, now: Timestamp) -> Option<Claims> {
        let claims = decode::<Claims>(token, &self.verify, &self.validation).ok()?.claims;
        let key = claims.key_id.clone().map(KeyId);
        (claims.until() > now).then_some(Claims { key, ..claims })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_only_this_server_and_only_in_time() {
        let tokens = OwnTokens::new([1; 32]);
        let caller = Caller {
            user: UserId(7),
            name: "ann".into(),
            tier: crate::domain::Tier::Pro,
            role: Role::User,
            key: Some(KeyId("key_1".into())),
            by_key: true,
            session: None,
            until: None,
        };
        let (token, end) = tokens.issue(&caller, Timestamp(1_000_000), Duration::from_secs(60)).unwrap();
        assert_eq!(end, Timestamp(1_060_000));
        let claims = tokens.read(&token, Timestamp(1_059_000)).unwrap();
        assert_eq!((claims.user(), claims.key), (UserId(7), caller.key));
        assert!(tokens.read(&token, end).is_none(), "over");
        assert!(OwnTokens::new([2; 32]).read(&token, Timestamp(1_000_000)).is_none(), "another server's");
        let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", token.split('.').nth(1).unwrap());
        assert!(tokens.read(&unsigned, Timestamp(1_000_000)).is_none(), "alg none");
    }
}
