//! The playground at `/`, the dashboard at `/admin`, the frame that draws for both, and the files
//! that they load: packed by `build.rs` from npm (`web/pages`). The feature `pages` leaves them out.

use hyper::header::HeaderMap;

use crate::http::api::Api;
use crate::http::respond::Answer;

/// `GET /` without an upgrade.
///
/// # Errors
/// 404 in a build without it.
pub fn playground(api: &Api, headers: &HeaderMap) -> Answer {
    packed::playground(api, headers)
}

/// `GET /admin`. What it shows needs an admin's credential; the page itself does not.
///
/// # Errors
/// 404 in a build without it.
pub fn dashboard(api: &Api, headers: &HeaderMap) -> Answer {
    packed::dashboard(api, headers)
}

/// `GET /frame`: draws sources in an origin of its own, where it can reach nothing.
///
/// # Errors
/// 404 in a build without it.
pub fn frame(headers: &HeaderMap) -> Answer {
    packed::frame(headers)
}

/// `GET /assets/{file}`.
///
/// # Errors
/// 404 for a name that no page says.
pub fn asset(name: &str, headers: &HeaderMap) -> Answer {
    packed::asset(name, headers)
}

#[cfg(not(feature = "pages"))]
mod packed {
    use super::{Answer, Api, HeaderMap};
    use crate::http::problem::Problem;

    fn absent() -> Answer {
        Err(Problem::not_found(
            "This is diagramd's API, in a build without pages. POST a prompt to /api/diagram/generate, or open a WebSocket at /ws; GET /openapi.json says all there is.",
        ))
    }

    pub fn playground(_: &Api, _: &HeaderMap) -> Answer {
        absent()
    }

    pub fn dashboard(_: &Api, _: &HeaderMap) -> Answer {
        absent()
    }

    pub fn frame(_: &HeaderMap) -> Answer {
        absent()
    }

    pub fn asset(_: &str, _: &HeaderMap) -> Answer {
        absent()
    }
}

#[cfg(feature = "pages")]
mod packed {
    use hyper::header::{ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue};

    use super::{Answer, Api, HeaderMap};
    use crate::domain::DiagramType;
    use crate::http::packed::{self, File};
    use crate::http::problem::Problem;
    use crate::http::resources::page_fonts;

    const PLAYGROUND: &str = include_str!(concat!(env!("OUT_DIR"), "/pages/playground.html"));
    const DASHBOARD: &str = include_str!(concat!(env!("OUT_DIR"), "/pages/admin.html"));
    const FRAME: &str = include_str!(concat!(env!("OUT_DIR"), "/pages/frame.html"));
    const FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/pages/files.rs"));
    /// All from this server; pictures also from what the page itself holds.
    const POLICY: HeaderValue = HeaderValue::from_static(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; \
         frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    /// What is drawn there may be anybody's: an origin of its own, no calls, no windows. Mermaid
    /// writes its colours into the picture, and Graphviz is WebAssembly.
    const FRAME_POLICY: HeaderValue = HeaderValue::from_static(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'unsafe-inline'; img-src data:; \
         font-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-scripts",
    );
    /// How a page is told what it may ask for; in development it needs no credential.
    const ACCESS: &str = "name=\"diagramd-access\" content=\"credential\"";
    const ACCESS_IN_DEVELOPMENT: &str = "name=\"diagramd-access\" content=\"development\"";
    /// How the playground is told of which languages it may ask for pictures.
    const DRAWS: &str = "name=\"diagramd-draws\" content=\"mermaid\"";
    /// Where the frame is told of the fonts that the server's pictures are measured with.
    const FONTS: &str = "<!-- FONTS -->\n";

    pub fn playground(api: &Api, headers: &HeaderMap) -> Answer {
        let names = DiagramType::ALL.map(|one| api.artist.draws(one).map_or("", |()| one.name()));
        let drawn: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
        let page = for_access(api, PLAYGROUND);
        let page = page.replace(DRAWS, &format!("name=\"diagramd-draws\" content=\"{}\"", drawn.join(" ")));
        Ok(packed::page(headers, page.into(), POLICY))
    }

    pub fn dashboard(api: &Api, headers: &HeaderMap) -> Answer {
        Ok(packed::page(headers, for_access(api, DASHBOARD).into(), POLICY))
    }

    pub fn frame(headers: &HeaderMap) -> Answer {
        let page = FRAME.replace(FONTS, &page_fonts::tags());
        Ok(packed::page(headers, page.into(), FRAME_POLICY))
    }

    fn for_access(api: &Api, page: &'static str) -> String {
        if api.is_in_development { page.replace(ACCESS, ACCESS_IN_DEVELOPMENT) } else { page.to_owned() }
    }

    /// The frame's origin is none, so that its modules come from another one; they hold no secret.
    pub fn asset(name: &str, headers: &HeaderMap) -> Answer {
        let file = FILES.iter().find(|file| file.name == name).copied().or_else(|| page_fonts::file(name));
        let file = file.ok_or_else(|| Problem::not_found("No page has such a file; load the page again."))?;
        let mut response = packed::file(headers, &file)?;
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        Ok(response)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        const PAGES: [&str; 3] = [PLAYGROUND, DASHBOARD, FRAME];

        #[test]
        fn the_pages_name_files_that_there_are() {
            for page in PAGES {
                let named: Vec<&str> =
                    page.split("\"assets/").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
                assert!(!named.is_empty());
                for name in named {
                    assert!(asset(name, &HeaderMap::new()).is_ok(), "{name}");
                }
            }
            assert!(asset("playground.js", &HeaderMap::new()).is_err());
            assert!(FILES.iter().any(|file| file.name.starts_with("licences-")));
            FILES.iter().for_each(packed::tests::hold);
        }

        #[test]
        fn nothing_in_the_pages_is_inline_or_from_elsewhere() {
            for page in PAGES {
                // The icon names a namespace of XML, which nobody fetches.
                let plain = page.replace("xmlns='http://www.w3.org/2000/svg'", "");
                assert!(!plain.contains("://") && !plain.contains("style=") && !plain.contains("<style"));
                assert!(page.split("<script").skip(1).all(|script| {
                    script.split_once('>').unwrap().0.contains(" src=\"assets/")
                        && script.split_once('>').unwrap().1.starts_with("</script>")
                }));
            }
        }

        #[test]
        fn the_pages_are_told_once_what_they_may_ask_for() {
            assert_eq!(PLAYGROUND.matches(ACCESS).count(), 1);
            assert_eq!(DASHBOARD.matches(ACCESS).count(), 1);
            assert_eq!(PLAYGROUND.matches(DRAWS).count(), 1);
            assert_eq!(FRAME.matches(FONTS).count(), 1);
        }
    }
}
