//! A caller's trace: over the queue, a crash and every try, to the upstream and to the webhook; and in
//! every line that the log has of the request.

use hyper::HeaderMap;
use serde_json::{Value, json};

use crate::flow::config;
use crate::receiver::{Receiver, Reply};
use crate::server::Server;
use crate::upstream::{Behaviour, Gate, Upstream};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const STATE: &str = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE";
/// The receivers of these tests are on this machine, and everything is logged.
const MORE: &str =
    "[webhooks]\nallow_private_addresses = true\nretries = [\"10ms\"]\n[log]\nlevel = \"diagramd=debug\"\n";

/// Submits with these headers; returns the request's id and the answer's `X-Request-Id`.
async fn submitted(server: &Server, key: &str, body: Value, headers: &[(&str, &str)]) -> (String, String) {
    let call = server.client.post(format!("{}/api/diagram/generate", server.url)).header("x-api-key", key);
    let call = headers.iter().fold(call, |call, (name, value)| call.header(*name, *value));
    let answer = call.json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 202);
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let accepted: Value = answer.json().await.unwrap();
    (accepted["requestId"].as_str().unwrap().to_owned(), id)
}

/// The trace and the parent that something came in with.
fn came_with(headers: &HeaderMap) -> (String, String) {
    let parent = headers["traceparent"].to_str().unwrap();
    let parts: Vec<&str> = parent.split('-').collect();
    let [version, trace, span, flags] = parts[..] else { panic!("{parent}") };
    assert_eq!((version, flags.len(), trace.len(), span.len()), ("00", 2, 32, 16), "{parent}");
    (trace.to_owned(), span.to_owned())
}

/// Every line about the request names its trace and the call it came with.
fn all_name(lines: &[Value], trace: &str, request_id: &str) {
    for line in lines {
        assert_eq!((&line["trace_id"], &line["request_id"]), (&json!(trace), &json!(request_id)), "{line}");
    }
}

/// Those of a request itself; calls that look at it have traces of their own.
fn about(lines: Vec<Value>, id: &str) -> Vec<Value> {
    lines.into_iter().filter(|line| line["job"] == id).collect()
}

fn has(lines: &[Value], message: &str, field: &str, value: &str) {
    let found = lines.iter().any(|line| line["message"] == message && line[field] == value);
    assert!(found, "{message}, {field} {value}: {lines:#?}");
}

#[tokio::test]
async fn a_callers_trace_goes_on_over_a_kill_to_every_call_and_every_delivery() {
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    upstream.push(Behaviour::default().hold(&gate));
    let mut receiver = Receiver::start(&[Reply::Status(500)]).await;
    let server = Server::start(&config(&upstream, MORE));
    let key = server.key("ann", "pro", &[]);
    let headers = [("traceparent", PARENT), ("tracestate", STATE), ("x-request-id", "order-7")];
    let body = json!({"prompt": "draw", "webhookUrl": receiver.url});
    let (id, request_id) = submitted(&server, &key, body, &headers).await;
    assert_eq!(request_id, "order-7");
    upstream.ledger().wait_for_calls(1).await;

    let server = Server::on(server.kill());
    assert_eq!(server.ended(&key, &id).await["status"], "completed");
    let (first, second) = (receiver.next().await, receiver.next().await);
    let lines = about(server.lines_of(&id, "a webhook message was taken").await, &id);
    all_name(&lines, TRACE, "order-7");
    has(&lines, "a claimed request's call begins", "job", &id);
    has(&lines, "a call ended", "then", "completed");
    has(&lines, "a webhook message was not taken; it is sent again", "job", &id);

    let calls = upstream.ledger().calls();
    let all = [&calls[0].headers, &calls[1].headers, &first.headers, &second.headers];
    let mut parents = vec!["b7ad6b7169203331".to_owned()];
    for headers in all {
        let (trace, parent) = came_with(headers);
        assert_eq!((trace.as_str(), headers["tracestate"].to_str().unwrap()), (TRACE, STATE));
        assert!(headers["traceparent"].to_str().unwrap().ends_with("-01"), "as the caller says");
        assert!(!parents.contains(&parent), "each is a span of its own");
        parents.push(parent);
    }
}

#[tokio::test]
async fn every_line_about_a_request_names_its_trace_and_the_call_it_came_with() {
    let upstream = Upstream::anthropic().start().await;
    upstream.push(Behaviour::status(500));
    upstream.push(Behaviour::answer("```mermaid\nflowchart TD\n  A --> B[\"never closed\n  ((((\n```"));
    let more = format!("{MORE}[generation]\nrepair_attempts = 1\n");
    let server = Server::start(&config(&upstream, &more));
    let key = server.key("ann", "pro", &[]);
    let (id, request_id) = submitted(&server, &key, json!({"prompt": "draw"}), &[]).await;
    let ended = server.ended(&key, &id).await;
    assert_eq!(ended["status"], "completed", "{ended}");
    let lines = server.lines_of(&id, "a call ended").await;
    // Without a trace of the caller's, its id is the call's.
    let lines = about(lines, &id);
    all_name(&lines, &request_id, &request_id);
    has(&lines, "answered a call", "job", &id);
    has(&lines, "an upstream call failed", "job", &id);
    has(&lines, "a call ended", "then", "retry");
    if cfg!(feature = "validate") {
        has(&lines, "a call ended", "then", "repair");
    }

    let admin = server.key("root", "pro", &["--admin"]);
    server.post_to(&admin, "/api/admin/queue/pause", json!({})).await;
    let (waits, request_id) =
        submitted(&server, &key, json!({"prompt": "waits"}), &[("traceparent", PARENT)]).await;
    assert_ne!(request_id, TRACE, "calls of one trace are told apart");
    assert_eq!(server.delete(&key, &format!("/api/diagram/cancel/{waits}")).await.0, 200);
    let lines = server.lines_of(&waits, "a request ended that had no call running").await;
    let lines = about(lines, &waits);
    all_name(&lines, TRACE, &request_id);
    has(&lines, "a request ended that had no call running", "how", "cancelled");
}

#[tokio::test]
async fn a_traceparent_that_is_none_begins_a_trace_and_its_state_is_dropped() {
    let upstream = Upstream::anthropic().start().await;
    let server = Server::start(&config(&upstream, MORE));
    let key = server.key("ann", "pro", &[]);
    let bad = PARENT.to_uppercase();
    for (calls, headers) in [
        vec![],
        vec![("tracestate", STATE)],
        vec![("traceparent", bad.as_str()), ("tracestate", STATE)],
        vec![("traceparent", PARENT), ("traceparent", PARENT), ("tracestate", STATE)],
    ]
    .into_iter()
    .enumerate()
    {
        let (id, request_id) = submitted(&server, &key, json!({"prompt": "draw"}), &headers).await;
        server.ended(&key, &id).await;
        let call = upstream.ledger().calls().swap_remove(calls);
        assert_eq!(came_with(&call.headers).0, request_id, "{headers:?}");
        assert!(!call.headers.contains_key("tracestate"), "{headers:?}");
    }
}

#[tokio::test]
async fn who_shares_a_call_keeps_its_own_trace_and_names_the_one_of_the_call() {
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    upstream.always(Behaviour::default().hold(&gate));
    let server = Server::start(&config(&upstream, &format!("{MORE}[generation]\ncoalesce = true\n")));
    let key = server.key("ann", "pro", &[]);
    let (leader, of_leader) = submitted(&server, &key, json!({"prompt": "draw"}), &[]).await;
    let (follower, request_id) =
        submitted(&server, &key, json!({"prompt": "draw"}), &[("traceparent", PARENT)]).await;
    gate.open();
    server.ended(&key, &leader).await;
    server.ended(&key, &follower).await;
    let calls = upstream.ledger().calls();
    assert_eq!((calls.len(), came_with(&calls[0].headers).0), (1, of_leader.clone()));
    let lines = server.lines_of(&follower, "a request ended that had no call running").await;
    let lines = about(lines, &follower);
    all_name(&lines, TRACE, &request_id);
    has(&lines, "a request ended that had no call running", "shared_trace_id", &of_leader);
}
