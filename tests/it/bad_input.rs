//! Malformed requests, each with its problem; never a 5xx.

use serde_json::Value;

use crate::server::Server;

#[tokio::test]
async fn every_malformed_request_gets_its_problem() {
    let server = Server::start("");
    let key = server.key("ann", "pro", &[]);
    let long = format!("{{\"prompt\":\"{}\"}}", "x".repeat(20_001));
    let big = format!("{{\"prompt\":\"{}\"}}", "x".repeat(300_000));
    let deep = format!("{{\"prompt\":\"x\",\"metadata\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
    let json = "application/json";
    let table: &[(&str, &[u8], u16, &str)] = &[
        (json, b"", 400, "invalid_json"),
        (json, b"{", 400, "invalid_json"),
        (json, b"\xff\xfe", 400, "invalid_json"),
        (json, b"{\"prompt\":\"x\"} trailing", 400, "invalid_json"),
        (json, b"[]", 400, "invalid_json"),
        (json, b"null", 400, "invalid_json"),
        (json, deep.as_bytes(), 400, "invalid_json"),
        (json, b"{}", 422, "validation_failed"),
        (json, b"{\"prompt\":5}", 422, "validation_failed"),
        (json, b"{\"prompt\":\"  \"}", 422, "validation_failed"),
        (json, b"{\"prompt\":\"x\",\"colour\":\"red\"}", 422, "validation_failed"),
        (json, b"{\"prompt\":\"x\",\"prompt\":\"y\"}", 422, "validation_failed"),
        (json, b"{\"prompt\":\"x\",\"diagramType\":\"visio\"}", 422, "validation_failed"),
        (json, b"{\"prompt\":\"x\",\"maxTokens\":0}", 422, "validation_failed"),
        (json, b"{\"prompt\":\"x\",\"maxTokens\":1e99}", 422, "validation_failed"),
        (json, b"{\"prompt\":\"x\",\"deadlineSeconds\":-1}", 422, "validation_failed"),
        (json, b"{\"prompt\":\"x\",\"metadata\":[]}", 422, "validation_failed"),
        (json, b"{\"prompt\":\"x\",\"baseRequestId\":\"nope\"}", 422, "validation_failed"),
        (json, b"{\"prompt\":\"x\",\"model\":\"gpt-9\"}", 403, "tier_forbidden"),
        (json, long.as_bytes(), 422, "validation_failed"),
        (json, big.as_bytes(), 413, "body_too_large"),
        ("text/plain", b"{\"prompt\":\"x\"}", 415, "unsupported_media_type"),
    ];
    for (content_type, body, status, code) in table {
        let sent = server.client.post(format!("{}/api/diagram/generate", server.url));
        let sent = sent.header("x-api-key", &key).header("content-type", *content_type).body(body.to_vec());
        let response = sent.send().await.unwrap();
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        assert!(response.headers().contains_key("x-request-id"), "{shown}");
        let got = response.status().as_u16();
        let problem: Value = response.json().await.unwrap();
        assert_eq!((got, problem["code"].as_str().unwrap()), (*status, *code), "{shown}: {problem}");
    }
    let (_, usage) = server.get(&key, "/api/diagram/usage").await;
    assert_eq!(usage["hour"]["used"], 0, "refusals cost nothing");
}

#[tokio::test]
async fn paths_methods_and_credentials() {
    let server = Server::start("");
    let key = server.key("ann", "pro", &[]);
    for (path, wanted) in [
        ("/api/diagram/status/nope", 404),
        ("/api/diagram/status/req_00000000000000000000000000000000", 404),
        ("/api/diagram/requests?limit=0", 422),
        ("/api/diagram/requests?colour=red", 422),
        ("/api/diagram/requests?cursor=x", 422),
        ("/api/nothing", 404),
        ("/api/diagram/generate", 405),
        ("/api/admin/users", 403),
        ("/api/admin/no/such/path", 403),
        ("/api/diagram/stats", 403),
    ] {
        assert_eq!(server.get(&key, path).await.0, wanted, "{path}");
    }
    let (status, problem) = server.get("dgd_wrong", "/api/diagram/usage").await;
    assert_eq!((status, problem["code"].as_str().unwrap()), (401, "unauthorized"));
}

#[tokio::test]
async fn lists_refuse_a_cursor_that_was_never_given() {
    let server = Server::start("");
    let admin = server.key("root", "free", &["--admin"]);
    server.key("ann", "free", &[]);
    for list in ["/api/admin/users", "/api/admin/keys", "/api/diagram/requests"] {
        let (status, problem) = server.get(&admin, &format!("{list}?cursor=made-up!")).await;
        assert_eq!((status, &problem["code"]), (422, &Value::from("validation_failed")), "{list}");
    }
    for (list, field) in [("/api/admin/users", "users"), ("/api/admin/keys", "keys")] {
        let (_, first) = server.get(&admin, &format!("{list}?limit=1")).await;
        let next = first["next"].as_str().unwrap();
        let (status, second) = server.get(&admin, &format!("{list}?limit=1&cursor={next}")).await;
        assert_eq!(status, 200);
        assert_ne!(first[field][0], second[field][0], "{list}");
        assert_eq!(second["next"], Value::Null, "{list}");
    }
}
