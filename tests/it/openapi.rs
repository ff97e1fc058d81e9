//! The description of the API and its page, as a browser asks for them. What the description says
//! is held elsewhere: `src/http/resources/openapi_tests.rs` and `tests/openapi/`.

use reqwest::header::{ETAG, IF_NONE_MATCH};

use crate::server::Server;

#[tokio::test]
async fn the_description_is_sent_once() {
    let server = Server::start("");
    let url = format!("{}/openapi.json", server.url);
    let first = server.client.get(&url).send().await.unwrap();
    assert_eq!(first.headers()["content-type"], "application/json");
    let tag = first.headers()[ETAG].clone();
    let written = include_str!("../../docs/openapi.json");
    assert_eq!(first.text().await.unwrap(), written);
    let again = server.client.get(&url).header(IF_NONE_MATCH, tag).send().await.unwrap();
    assert_eq!((again.status().as_u16(), again.text().await.unwrap().len()), (304, 0));
    let head = server.client.head(&url).send().await.unwrap();
    assert_eq!(head.headers()["content-length"], written.len().to_string());
}

#[cfg(feature = "pages")]
#[tokio::test]
async fn the_page_and_its_files_need_no_key_and_allow_nothing_inline() {
    let server = Server::start("");
    let get = async |path: &str| server.client.get(format!("{}{path}", server.url)).send().await.unwrap();
    let page = get("/docs").await;
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{policy}");
    let text = page.text().await.unwrap();
    let files: Vec<&str> =
        text.split("\"docs/").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(files.len(), 2, "{text}");
    for file in files {
        let answer = get(&format!("/docs/{file}")).await;
        assert_eq!(answer.status(), 200, "{file}");
        assert_eq!(answer.headers()["cache-control"], "public, max-age=31536000, immutable");
        assert!(
            answer.text().await.unwrap().contains("swagger-ui"),
            "{file} is unpacked for who takes no Brotli"
        );
    }
    assert_eq!(get("/docs/page-0000000000000000.js").await.status(), 404);
    assert_eq!(get("/docs/").await.status(), 404);
}

#[cfg(not(feature = "pages"))]
#[tokio::test]
async fn a_build_without_the_page_says_so() {
    let server = Server::start("");
    let answer = server.client.get(format!("{}/docs", server.url)).send().await.unwrap();
    assert_eq!(answer.status(), 404);
    let problem: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(problem["code"], "not_found");
}
