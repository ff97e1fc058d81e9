//! Malformed requests, each with its problem; never a 5xx.

use serde_json::{Value, json};

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

#[tokio::test]
async fn all_faults_of_a_body_or_a_query_are_told_at_once() {
    let server = Server::start("");
    let admin = server.key("root", "free", &["--admin"]);
    let pointers = |problem: &Value| {
        let errors = problem["errors"].as_array().unwrap();
        let mut pointers: Vec<_> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
        pointers.sort_unstable();
        pointers.join(" ")
    };
    let body = json!({ "prompt": "  ", "maxTokens": -1, "diagramType": 5, "deadlineSeconds": 0 });
    let (status, problem) = server.post(&admin, body).await;
    assert_eq!(
        (status, pointers(&problem).as_str()),
        (422, "/deadlineSeconds /diagramType /maxTokens /prompt")
    );
    let body = json!({ "user": "a/b", "tier": "gold", "expiresAt": "2001-01-01T00:00:00Z" });
    let (status, problem) = server.post_to(&admin, "/api/admin/keys", body).await;
    assert_eq!((status, pointers(&problem).as_str()), (422, "/expiresAt /tier /user"));
    for (path, expected) in [
        ("/api/diagram/requests?status=bogus&limit=x&foo=1", "/foo /limit /status"),
        ("/api/diagram/stats?groupBy=week&from=yesterday", "/from /groupBy"),
        ("/api/admin/users?limit=0&cursor=!", "/cursor /limit"),
        ("/api/diagram/usage?x=1", "/x"),
    ] {
        let (status, problem) = server.get(&admin, path).await;
        assert_eq!((status, pointers(&problem).as_str()), (422, expected), "{path}");
    }
}

#[tokio::test]
async fn numbers_beyond_all_bounds_are_refused_with_and_without_an_idempotency_key() {
    let server = Server::start("");
    let key = server.key("ann", "pro", &[]);
    for (field, body) in [
        ("/metadata", r#"{"prompt":"x","metadata":{"a":1e400}}"#),
        ("/metadata", r#"{"prompt":"x","metadata":{"a":"\ud800"}}"#),
        ("/variables", r#"{"prompt":"x","variables":{"a":1e400}}"#),
    ] {
        for idempotency in ["", "k1"] {
            let mut sent = server.client.post(format!("{}/api/diagram/generate", server.url));
            if !idempotency.is_empty() {
                sent = sent.header("idempotency-key", idempotency);
            }
            let sent = sent.header("x-api-key", &key).header("content-type", "application/json").body(body);
            let response = sent.send().await.unwrap();
            assert_eq!(response.status().as_u16(), 422, "{body}");
            let problem: Value = response.json().await.unwrap();
            assert_eq!(problem["errors"][0]["pointer"], field, "{problem}");
        }
    }
}

#[tokio::test]
async fn two_different_credentials_are_told_apart_from_a_wrong_one() {
    let server = Server::start("");
    let (ann, bob) = (server.key("ann", "pro", &[]), server.key("bob", "pro", &[]));
    let both = |bearer: String| {
        let call = server.client.get(format!("{}/api/diagram/usage", server.url));
        call.header("x-api-key", &ann).bearer_auth(bearer).send()
    };
    assert_eq!(both(ann.clone()).await.unwrap().status().as_u16(), 200, "the same twice");
    let refused = both(bob).await.unwrap();
    assert_eq!(refused.status().as_u16(), 401);
    let problem: Value = refused.json().await.unwrap();
    assert!(problem["detail"].as_str().unwrap().starts_with("Send only one of X-API-Key and Authorization"));
}
