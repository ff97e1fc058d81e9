//! The operator's tokens with real keys, and every way to forge one.

use super::*;
use crate::http::auth::minted::Minted;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::json;

const NOW: Timestamp = Timestamp(1_000_000_000);
const SECRET: &[u8] = b"their secret of 32 bytes or more";

fn trust(algorithms: &[&str]) -> Trust {
    Trust {
        algorithms: algorithms.iter().map(|name| (*name).to_owned()).collect(),
        issuer: "https://app".to_owned(),
        audience: "diagrams".to_owned(),
        tier_claim: "plan".to_owned(),
        default_tier: Tier::Free,
    }
}

fn good() -> Value {
    json!({ "sub": "ann", "iss": "https://app", "aud": "diagrams", "exp": 1_000_100, "plan": "pro" })
}

fn ann(tier: Tier) -> Option<Claimed> {
    Some(Claimed { user: "ann".to_owned(), tier, until: Timestamp(1_000_130_000) })
}

fn by_secret() -> Operator {
    Operator::new(Keys::secret(SECRET), trust(&["HS256"])).unwrap()
}

fn by_file(pair: &Minted, algorithms: &[&str]) -> Operator {
    let trust = trust(algorithms);
    Operator::new(Keys::public_pem(&pair.public_pem(), &trust.algorithms).unwrap(), trust).unwrap()
}

fn signed(header: &Header, claims: &Value, secret: &[u8]) -> String {
    encode(header, claims, &EncodingKey::from_secret(secret)).unwrap()
}

#[tokio::test]
async fn only_whole_and_timely_tokens_are_believed() {
    let operator = by_secret();
    let with = |name: &str, value: Value| {
        let mut claims = good();
        claims[name] = value;
        claims
    };
    let without = |name: &str| {
        let mut claims = good();
        claims.as_object_mut().unwrap().remove(name);
        claims
    };
    let hs256 = Header::new(Algorithm::HS256);
    for (claims, wanted) in [
        (good(), ann(Tier::Pro)),
        (without("plan"), ann(Tier::Free)),
        (with("nbf", json!(1_000_020)), ann(Tier::Pro)),
        (with("aud", json!(["other", "diagrams"])), ann(Tier::Pro)),
        (without("sub"), None),
        (without("iss"), None),
        (without("aud"), None),
        (without("exp"), None),
        (with("exp", json!(999_900)), None),
        (with("exp", json!("1000100")), None),
        (with("nbf", json!(1_000_100)), None),
        (with("nbf", json!("soon")), None),
        (with("iss", json!("https://evil")), None),
        (with("iss", json!(["https://evil", "https://app"])), None),
        (with("aud", json!("other")), None),
        (with("aud", json!(["other"])), None),
        (with("plan", json!("platinum")), None),
        (with("plan", json!(3)), None),
        (with("sub", json!("")), None),
        (with("sub", json!(7)), None),
    ] {
        let token = signed(&hs256, &claims, SECRET);
        assert_eq!(operator.read(&token, NOW).await, wanted, "{claims}");
    }
}

#[tokio::test]
async fn a_date_past_every_calendar_is_no_panic() {
    let mut claims = good();
    claims["exp"] = json!(1e300);
    claims["nbf"] = json!(-1e300);
    let token = signed(&Header::new(Algorithm::HS256), &claims, SECRET);
    let believed = by_secret().read(&token, NOW).await.unwrap();
    assert_eq!(believed.until, Timestamp(i64::MAX));
}

#[tokio::test]
async fn a_secret_believes_its_own_algorithm_only() {
    let operator = by_secret();
    let hs256 = Header::new(Algorithm::HS256);
    assert_eq!(operator.read(&signed(&hs256, &good(), b"another secret"), NOW).await, None);
    let hs512 = signed(&Header::new(Algorithm::HS512), &good(), SECRET);
    assert_eq!(operator.read(&hs512, NOW).await, None, "an algorithm that is not pinned");
    let crit = Header { crit: Some(vec!["b64".to_owned()]), ..hs256 };
    assert_eq!(operator.read(&signed(&crit, &good(), SECRET), NOW).await, None, "an unknown extension");
}

#[tokio::test]
async fn each_kind_of_public_key_believes_its_own_tokens_and_no_others() {
    let pairs = [Minted::rs256("r"), Minted::es256("e"), Minted::ed25519("d")];
    let names = ["RS256", "ES256", "EdDSA"];
    for (pair, name) in pairs.iter().zip(names) {
        // Pinned alone, and beside others: then the token's own kind decides, not its wish.
        for operator in [by_file(pair, &[name]), by_file(pair, &["RS256", "ES256", "EdDSA"])] {
            for signer in &pairs {
                let wanted = if signer.algorithm() == pair.algorithm() { ann(Tier::Pro) } else { None };
                assert_eq!(operator.read(&signer.token(&good()), NOW).await, wanted, "{name}");
            }
        }
    }
    let stranger = Minted::es256("e");
    assert_eq!(by_file(&pairs[1], &["ES256"]).read(&stranger.token(&good()), NOW).await, None);
    assert_eq!(by_file(&pairs[1], &["EdDSA", "ES256"]).read(&pairs[2].token(&good()), NOW).await, None);
}

#[tokio::test]
async fn a_token_signed_with_the_public_key_as_a_secret_or_not_at_all_is_refused() {
    for (pair, name) in [(Minted::rs256("k"), "RS256"), (Minted::es256("k"), "ES256")] {
        let operator = by_file(&pair, &[name]);
        let confused = signed(&Header::new(Algorithm::HS256), &good(), pair.public_pem().as_bytes());
        assert_eq!(operator.read(&confused, NOW).await, None, "{name}");
    }
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let operator = by_secret();
    for alg in ["none", "None", "NONE", ""] {
        for signature in ["", "AAAA"] {
            let header = part(json!({ "alg": alg, "typ": "JWT" }));
            let token = format!("{header}.{}.{signature}", part(good()));
            assert_eq!(operator.read(&token, NOW).await, None, "{alg:?}");
        }
    }
    let whole = signed(&Header::new(Algorithm::HS256), &good(), SECRET);
    let (body, signature) = whole.rsplit_once('.').unwrap();
    for token in [body, &format!("{body}."), &format!("{whole}."), &format!("{whole}A"), signature, "..", ""]
    {
        assert_eq!(operator.read(token, NOW).await, None, "{token}");
    }
    let mut claims = good();
    claims["sub"] = json!("root");
    let header = body.split('.').next().unwrap();
    let swapped = format!("{header}.{}.{signature}", part(claims));
    assert_eq!(operator.read(&swapped, NOW).await, None, "other claims under a good signature");
}

#[test]
fn our_own_issuer_and_unfit_keys_are_refused_at_the_start() {
    let own = Trust { issuer: "diagramd".to_owned(), ..trust(&["HS256"]) };
    assert!(matches!(Operator::new(Keys::secret(SECRET), own), Err(OperatorError::OwnIssuer(_))));
    let pem = Minted::es256("k").public_pem();
    for names in [vec!["RS256".to_owned()], vec!["EdDSA".to_owned()], vec![]] {
        assert!(Keys::public_pem(&pem, &names).is_err(), "{names:?}");
    }
    assert!(Keys::public_pem("-----BEGIN nonsense", &["ES256".to_owned()]).is_err());
    assert!(Operator::new(Keys::secret(SECRET), trust(&["made-up"])).is_err());
}
