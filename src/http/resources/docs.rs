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
    use bytes::Bytes;
    use hyper::header::HeaderValue;

    use super::{Answer, HeaderMap};
    use crate::http::packed::{self, File};
    use crate::http::problem::Problem;

    const PAGE: &str = include_str!(concat!(env!("OUT_DIR"), "/docs-page.html"));
    /// Scripts and styles from this server only; pictures also from what the page itself holds.
    const POLICY: HeaderValue = HeaderValue::from_static(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );

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
        Ok(packed::page(headers, Bytes::from_static(PAGE.as_bytes()), POLICY))
    }

    pub fn file(name: &str, headers: &HeaderMap) -> Answer {
        let file = FILES.iter().find(|file| file.name == name);
        let file =
            file.ok_or_else(|| Problem::not_found("The API page has no such file; load /docs again."))?;
        packed::file(headers, file)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_page_names_the_files_that_there_are() {
            for file in &FILES {
                assert!(PAGE.contains(&format!("\"docs/{}\"", file.name)), "{}", file.name);
                packed::tests::hold(file);
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
