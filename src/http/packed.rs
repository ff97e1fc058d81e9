//! Pages and their files that `build.rs` packed: served as Brotli, unpacked for who does not take
//! it, under a policy that lets a page load nothing from elsewhere.

use std::io::Read;

use bytes::Bytes;
use hyper::Response;
use hyper::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap,
    HeaderValue, VARY,
};

use super::body::Body;
use super::problem::Problem;
use super::respond::{self, Answer};

const CHECKED: HeaderValue = HeaderValue::from_static("no-cache");
/// A file's name changes with what is in it.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// More than any file has; unpacking ends there.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// A file that a page loads.
#[derive(Clone, Copy)]
pub struct File {
    /// Its name, which changes with its content.
    pub name: &'static str,
    /// What it is.
    pub media_type: &'static str,
    /// Brotli.
    pub packed: &'static [u8],
}

/// A page, asked again at each visit, under its policy.
pub fn page(headers: &HeaderMap, html: Bytes, policy: HeaderValue) -> Response<Body> {
    let mut response = respond::tagged(headers, html, CHECKED);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    response
}

/// A file, which may be kept for ever. Browsers ask for Brotli only over TLS and on their own
/// machine, so that it is unpacked for others.
///
/// # Errors
/// 500 when it cannot be unpacked, which would be a fault of the build.
pub fn file(headers: &HeaderMap, file: &File) -> Answer {
    let as_packed = takes_brotli(headers);
    let bytes = if as_packed { Bytes::from_static(file.packed) } else { unpacked(file.packed)? };
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(file.media_type));
    headers.insert(CACHE_CONTROL, FOR_EVER);
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if as_packed {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("br"));
    }
    Ok(response)
}

fn unpacked(packed: &[u8]) -> Result<Bytes, Problem> {
    let mut bytes = Vec::new();
    brotli_decompressor::Decompressor::new(packed, 64 << 10)
        .take(FILE_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(|reason| Problem::internal(&reason))?;
    Ok(bytes.into())
}

/// Whether `Accept-Encoding` names Brotli and does not weigh it 0 (RFC 9110, 12.5.3).
fn takes_brotli(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_brotli = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("br"));
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
        is_brotli && weight.is_none_or(|weight| weight > 0.0)
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The headers of who takes these encodings.
    pub fn asking(encodings: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(encodings))])
    }

    /// Holds what every packed file must be: served short to who takes Brotli, else whole.
    pub fn hold(packed: &File) {
        let plain = file(&asking("gzip"), packed).unwrap();
        let short = file(&asking("br"), packed).unwrap();
        assert_eq!(short.headers()[CONTENT_ENCODING], "br");
        assert_eq!(short.body().len(), Some(packed.packed.len()));
        assert!(plain.body().len().unwrap() > packed.packed.len(), "{} is unpacked", packed.name);
        assert_eq!(plain.headers()[CONTENT_TYPE], packed.media_type);
        assert_eq!(plain.headers()[CACHE_CONTROL], FOR_EVER);
        assert!(!plain.headers().contains_key(CONTENT_ENCODING));
    }

    #[test]
    fn brotli_goes_to_who_takes_it() {
        for (encodings, takes) in [
            ("gzip, deflate, br, zstd", true),
            ("BR;q=0.5", true),
            ("br;q=0", false),
            ("gzip", false),
            ("", false),
        ] {
            assert_eq!(takes_brotli(&asking(encodings)), takes, "{encodings}");
        }
        assert!(!takes_brotli(&HeaderMap::new()));
    }
}
