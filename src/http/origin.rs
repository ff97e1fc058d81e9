//! Does a browser's call come from our own page? A cookie goes along with calls that other pages
//! make, so what it does is done only for our own.

use hyper::header::{HOST, HeaderMap, HeaderName, ORIGIN};
use hyper::{Method, StatusCode};

use crate::accounts::Caller;

use super::auth::cookie;
use super::problem::Problem;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Where a browser says that a call comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Our own page.
    Same,
    /// Another page.
    Other,
    /// Nothing is said: no browser, or an old one.
    Unsaid,
}

/// Where the headers say that the call comes from.
pub fn seen(headers: &HeaderMap, public_url: &str) -> Seen {
    let site = headers.get(SEC_FETCH_SITE).map(|site| site == "same-origin");
    let origin = headers.get(ORIGIN).map(|_| is_ours(headers, public_url));
    match (site, origin) {
        (None, None) => Seen::Unsaid,
        (Some(false), _) | (_, Some(false)) => Seen::Other,
        (Some(true), _) | (None, Some(true)) => Seen::Same,
    }
}

/// Whether there is one `Origin`, and it is this server: the host that was called, or the one of
/// `server.public_url`.
pub fn is_ours(headers: &HeaderMap, public_url: &str) -> bool {
    let mut origins = headers.get_all(ORIGIN).iter().map(|origin| origin.to_str().unwrap_or_default());
    let (Some(origin), None) = (origins.next(), origins.next()) else { return false };
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    if let Some((public_scheme, rest)) = public_url.split_once("://")
        && authority.eq_ignore_ascii_case(rest.split('/').next().unwrap_or_default())
    {
        // Of a name that is served by https, a page that came by http may be anybody's.
        return scheme.eq_ignore_ascii_case(public_scheme);
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    !host.is_empty() && authority.eq_ignore_ascii_case(host)
}

/// Whether a call may do what its cookie allows: any may look; only our own page changes anything.
///
/// # Errors
/// 403 `csrf_failed`.
pub fn check(
    caller: Option<&Caller>,
    method: &Method,
    headers: &HeaderMap,
    public_url: &str,
) -> Result<(), Problem> {
    let by_cookie = caller.is_some_and(|caller| caller.session.is_some());
    if !by_cookie || method.is_safe() {
        return Ok(());
    }
    match seen(headers, public_url) == Seen::Same && cookie::brings_csrf_token(headers) {
        true => Ok(()),
        false => Err(forged()),
    }
}

/// 403 for a call that another page may have made.
pub fn forged() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "csrf_failed",
        "The call does not come from this server's own page, or lacks the X-CSRF-Token of its session; sign in \
         again, or use an API key.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen_of(pairs: &[(&'static str, &'static str)]) -> Seen {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "d.example:3000".parse().unwrap());
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        seen(&headers, "https://public.example/base")
    }

    #[test]
    fn only_our_own_page_is_ours() {
        assert_eq!(seen_of(&[]), Seen::Unsaid);
        for (origin, ours) in [
            ("http://d.example:3000", true),
            ("http://D.example:3000", true),
            ("https://public.example", true),
            ("http://public.example", false),
            ("http://d.example", false),
            ("http://d.example:3001", false),
            ("https://public.example.evil.example", false),
            ("null", false),
            ("", false),
        ] {
            let expected = if ours { Seen::Same } else { Seen::Other };
            assert_eq!(seen_of(&[("origin", origin)]), expected, "{origin}");
            assert_eq!(seen_of(&[("origin", origin), ("sec-fetch-site", "same-site")]), Seen::Other);
        }
        assert_eq!(seen_of(&[("sec-fetch-site", "same-origin")]), Seen::Same);
        assert_eq!(seen_of(&[("sec-fetch-site", "cross-site")]), Seen::Other);
        assert_eq!(
            seen_of(&[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")]),
            Seen::Other
        );
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "public.example".parse().unwrap());
        headers.insert(ORIGIN, "http://public.example".parse().unwrap());
        assert_eq!(seen(&headers, "https://public.example"), Seen::Other, "the public name, without TLS");
        assert_eq!(seen(&headers, ""), Seen::Same);
        let twice = [("origin", "http://d.example:3000"), ("origin", "http://d.example:3000")];
        assert_eq!(seen_of(&twice), Seen::Other);
    }
}
