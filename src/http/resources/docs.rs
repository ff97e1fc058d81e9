//! `GET /docs` and the files of that page: Swagger UI over `/openapi.json`, packed by `build.rs`
//! from npm (`web/docs`). The feature `pages` leaves it out. It loads nothing from elsewhere.

use hyper::header::HeaderMap;

use crate::http::respond::Answer;

/// The page.
///
/// # Errors
/// 404 in a build without it.
pub fn page(headers: &HeaderMap) -> Answer {
    packed::page(headers)
}

/// A file of the page: its script or its style sheet, by the name that the page says.
///
/// # Errors
/// 404 for any other name.
pub fn file(name: &str, headers: &HeaderMap) -> Answer {
    packed::file(name, headers)
}

#[cfg(not(feature = "pages"))]
mod packed {
    use super::{Answer, HeaderMap};
    use crate::http::problem::Problem;

    const ABSENT: &str = "This build has no API page; GET /openapi.json says all that it would show.";

    pub fn page(_: &HeaderMap) -> Answer {
        Err(Problem::not_found(ABSENT))
    }

    pub fn file(_: &str, _: &HeaderMap) -> Answer {
        Err(Problem::not_found(ABSENT))
    }
}

#[cfg(feature = "pages")]
mod packed {
    use std::io::Read;

    use bytes::Bytes;
    use hyper::Response;
    use hyper::header::{
        ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue,
        VARY,
    };

    use super::{Answer, HeaderMap};
    use crate::http::body::Body;
    use crate::http::problem::Problem;
    use crate::http::respond;

    const PAGE: &str = include_str!(concat!(env!("OUT_DIR"), "/docs-page.html"));
    /// Scripts and styles from this server only; pictures also from what the page itself holds.
    const POLICY: HeaderValue = HeaderValue::from_static(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    const CHECKED: HeaderValue = HeaderValue::from_static("no-cache");
    /// A file's name changes with what is in it.
    const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
    /// More than any file has; unpacking ends there.
    const FILE_BYTES_MAX: u64 = 16 << 20;

    struct File {
        name: &'static str,
        media_type: &'static str,
        /// Brotli.
        packed: &'static [u8],
    }

    const FILES: [File; 2] = [
        File {
            name: include_str!(concat!(env!("OUT_DIR"), "/docs-script.name")),
            media_type: "text/javascript; charset=utf-8",
            packed: include_bytes!(concat!(env!("OUT_DIR"), "/docs-script.br")),
        },
        File {
            name: include_str!(concat!(env!("OUT_DIR"), "/docs-style.name")),
            media_type: "text/css; charset=utf-8",
            packed: include_bytes!(concat!(env!("OUT_DIR"), "/docs-style.br")),
        },
    ];

    pub fn page(headers: &HeaderMap) -> Answer {
        let mut response = respond::tagged(headers, Bytes::from_static(PAGE.as_bytes()), CHECKED);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(CONTENT_SECURITY_POLICY, POLICY);
        Ok(response)
    }

    pub fn file(name: &str, headers: &HeaderMap) -> Answer {
        let file = FILES.iter().find(|file| file.name == name);
        let file =
            file.ok_or_else(|| Problem::not_found("The API page has no such file; load /docs again."))?;
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

    /// Browsers ask for Brotli only over TLS and on their own machine.
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
    mod tests {
        use super::*;

        fn asking(encodings: &'static str) -> HeaderMap {
            HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(encodings))])
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

        #[test]
        fn the_page_names_the_files_that_there_are() {
            for File { name, media_type, packed } in &FILES {
                assert!(PAGE.contains(&format!("\"docs/{name}\"")), "{name}");
                let plain = file(name, &asking("gzip")).unwrap();
                let short = file(name, &asking("br")).unwrap();
                assert_eq!(short.headers()[CONTENT_ENCODING], "br");
                assert_eq!(short.body().len(), Some(packed.len()));
                assert!(plain.body().len().unwrap() > 2 * packed.len(), "{name} is unpacked");
                assert_eq!(plain.headers()[CONTENT_TYPE], *media_type);
                assert!(!plain.headers().contains_key(CONTENT_ENCODING));
            }
            assert!(file("page.js", &HeaderMap::new()).is_err());
        }

        #[test]
        fn nothing_in_the_page_is_inline_or_from_elsewhere() {
            assert!(!PAGE.contains("://") && !PAGE.contains("style=") && !PAGE.contains("<style"));
            assert!(PAGE.split("<script").skip(1).all(|script| script.starts_with(" src=\"docs/")));
        }
    }
}
