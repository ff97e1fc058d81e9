//! The pages as a browser gets them, and the token that they get under `--dev`. What they do is held
//! by `tests/pages/`, in a browser.

use crate::printing::Printing;
use crate::server::Server;

#[cfg(feature = "pages")]
#[tokio::test]
async fn pages_need_no_key_and_load_only_files_that_may_be_kept() {
    use reqwest::header::{ETAG, IF_NONE_MATCH};
    let server = Server::start("");
    let get = async |path: &str| server.client.get(format!("{}{path}", server.url)).send().await.unwrap();
    for page in ["/", "/admin", "/frame"] {
        let first = get(page).await;
        assert_eq!(first.headers()["content-type"], "text/html; charset=utf-8", "{page}");
        assert_eq!(first.headers()["cache-control"], "no-cache");
        let policy = first.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{page}: {policy}");
        assert!(!policy.contains("'unsafe-eval'"), "{policy}");
        assert_eq!(policy.contains("sandbox allow-scripts"), page == "/frame", "{policy}");
        assert_eq!(policy.contains("'unsafe-inline'"), page == "/frame", "{policy}");
        let tag = first.headers()[ETAG].clone();
        let text = first.text().await.unwrap();
        let again = server.client.get(format!("{}{page}", server.url)).header(IF_NONE_MATCH, tag);
        assert_eq!(again.send().await.unwrap().status(), 304);
        let files: Vec<&str> =
            text.split("\"assets/").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert!(!files.is_empty(), "{text}");
        for file in files {
            let answer = get(&format!("/assets/{file}")).await;
            assert_eq!(answer.headers()["cache-control"], "public, max-age=31536000, immutable", "{file}");
            assert_eq!(answer.headers()["access-control-allow-origin"], "*", "the frame's origin is none");
        }
    }
    assert_eq!(get("/assets/playground.js").await.status(), 404);
    assert_eq!(get("/assets/").await.status(), 404);
}

#[cfg(not(feature = "pages"))]
#[tokio::test]
async fn a_build_without_pages_says_so() {
    let server = Server::start("");
    for page in ["/", "/admin", "/frame", "/assets/x.js"] {
        let answer = server.client.get(format!("{}{page}", server.url)).send().await.unwrap();
        assert_eq!(answer.status(), 404);
        let problem: serde_json::Value = answer.json().await.unwrap();
        assert!(problem["detail"].as_str().unwrap().contains("without pages"), "{problem}");
    }
}

#[tokio::test]
async fn without_dev_there_is_no_token_without_a_key() {
    let server = Server::start("");
    let call = server.client.post(format!("{}/api/auth/dev", server.url)).header("Origin", &server.url);
    assert_eq!(call.send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn under_dev_only_its_own_pages_get_a_token() {
    let server = Printing::start("", &["--dev"]);
    let client = reqwest::Client::new();
    let asked = async |origin: Option<&str>| {
        let call = client.post(format!("{}/api/auth/dev", server.url));
        let call = origin.iter().fold(call, |call, origin| call.header("Origin", *origin));
        call.send().await.unwrap()
    };
    for other in [None, Some("null"), Some("http://127.0.0.1:1"), Some("https://shop.example")] {
        assert_eq!(asked(other).await.status(), 403, "{other:?}");
    }
    let given: serde_json::Value = asked(Some(&server.url)).await.json().await.unwrap();
    let token = given["token"].as_str().unwrap();
    let usage = client.get(format!("{}/api/diagram/usage", server.url)).bearer_auth(token);
    let usage: serde_json::Value = usage.send().await.unwrap().json().await.unwrap();
    assert_eq!((&usage["user"], &usage["tier"]), (&"dev-pro".into(), &"pro".into()));
    let page = client.get(&server.url).send().await.unwrap();
    if cfg!(feature = "pages") {
        assert!(page.text().await.unwrap().contains("content=\"development\""));
    }
}
