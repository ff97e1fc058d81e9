//! The cookie of a session, and the token that proves that a call comes from our own page.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::HeaderMap;
use hyper::header::COOKIE;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::domain::session::SESSION_LIFE;

const NAME: &str = "diagramd_session";
/// The header that a page sends the other token in.
const CSRF: &str = "x-csrf-token";

/// The session's token among the cookies; `None` when there is none, or two: nothing says which
/// is ours.
pub fn token(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut ours = pairs.filter(|(name, _)| *name == NAME).map(|(_, token)| token);
    let token = ours.next()?;
    ours.next().is_none().then_some(token)
}

/// `Set-Cookie` of a session. `is_secure`: the browser reached us by https.
pub fn set(token: &str, is_secure: bool) -> String {
    written(token, SESSION_LIFE.as_secs(), is_secure)
}

/// `Set-Cookie` that takes it away.
pub fn unset(is_secure: bool) -> String {
    written("", 0, is_secure)
}

fn written(token: &str, seconds: u64, is_secure: bool) -> String {
    let secure = if is_secure { "; Secure" } else { "" };
    format!("{NAME}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

/// What a page must send with every call that changes something. Whoever has it cannot get the
/// session's own token from it.
pub fn csrf_token(token: &str) -> String {
    let digest = Sha256::new().chain_update(b"diagramd csrf token\0").chain_update(token.as_bytes());
    URL_SAFE_NO_PAD.encode(digest.finalize())
}

/// Whether the headers bring it. Compared in constant time.
pub fn brings_csrf_token(headers: &HeaderMap) -> bool {
    let Some(token) = token(headers) else { return false };
    let brought = headers.get(CSRF).map_or(&b""[..], |value| value.as_bytes());
    csrf_token(token).as_bytes().ct_eq(brought).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(COOKIE, cookie.parse().unwrap());
        }
        headers
    }

    #[test]
    fn the_cookie_is_found_among_others_and_two_are_none() {
        assert_eq!(token(&headers(&[])), None);
        assert_eq!(token(&headers(&["a=b; diagramd_session=x; c"])), Some("x"));
        assert_eq!(token(&headers(&["a=b", "diagramd_session=x"])), Some("x"));
        assert_eq!(token(&headers(&["xdiagramd_session=x"])), None);
        assert_eq!(token(&headers(&["diagramd_session=x; diagramd_session=y"])), None);
    }

    #[test]
    fn only_the_sessions_own_token_is_accepted() {
        let mut headers = headers(&["diagramd_session=x"]);
        assert!(!brings_csrf_token(&headers), "none");
        headers.insert(CSRF, csrf_token("y").parse().unwrap());
        assert!(!brings_csrf_token(&headers), "another session's");
        headers.insert(CSRF, csrf_token("x").parse().unwrap());
        assert!(brings_csrf_token(&headers));
        assert_ne!(csrf_token("x"), "x");
    }

    #[test]
    fn the_cookie_is_kept_from_scripts_other_sites_and_plain_http() {
        let cookie = set("t", true);
        assert_eq!(cookie, "diagramd_session=t; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure");
        assert!(!set("t", false).contains("Secure"));
        assert!(unset(true).starts_with("diagramd_session=; Path=/; Max-Age=0;"));
    }
}
