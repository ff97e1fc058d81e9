//! The browser's flow, on the offline lane: submit, follow by WebSocket, read the result.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::server::Server;
use crate::upstream::{Behaviour, Gate, Upstream};

/// A server on a scripted upstream. Without a cache and without sharing calls, unless `more` has a
/// say in it: tests send the same prompt again and mean another call.
pub fn config(upstream: &Upstream, more: &str) -> String {
    let cache = if more.contains("[cache]") { "" } else { "[cache]\nenabled = false\n" };
    let apart = "[generation]\ncoalesce = false\n";
    let more = match more {
        _ if more.contains("coalesce") => more.to_owned(),
        _ if more.contains("[generation]") => more.replace("[generation]\n", apart),
        _ => format!("{more}\n{apart}"),
    };
    format!(
        "[[upstreams]]\nname = \"main\"\nkind = \"anthropic\"\nbase_url = \"{}\"\napi_key = \"{}\"\nmodel = \"claude-sonnet-5-5\"\nrequests_per_minute = 1000\ntokens_per_minute = 0\n{more}\n[queue]\nretry_base = \"10ms\"\n{cache}",
        upstream.url(),
        upstream.key()
    )
}

#[tokio::test]
async fn a_page_follows_its_request_from_position_to_result() {
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    upstream.push(Behaviour::default().hold(&gate));
    let server = Server::start(&config(&upstream, ""));
    let key = server.key("ann", "pro", &[]);
    let (status, accepted) = server.post(&key, json!({"prompt": "draw it", "diagramType": "mermaid"})).await;
    assert_eq!((status, &accepted["status"], &accepted["position"]), (202, &json!("queued"), &json!(1)));
    let id = accepted["requestId"].as_str().unwrap();

    let (mut socket, _) = connect_async(server.url.replace("http", "ws")).await.unwrap();
    socket.send(Message::text(json!({"type": "subscribe", "requestId": id}).to_string())).await.unwrap();
    let mut seen: Vec<Value> = Vec::new();
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else { continue };
        let message: Value = serde_json::from_str(&text).unwrap();
        if message["type"] == "subscribed" {
            gate.open();
        }
        let last = message["type"] == "completed";
        seen.push(message);
        if last {
            break;
        }
    }
    let seqs: Vec<u64> = seen.iter().map(|message| message["seq"].as_u64().unwrap()).collect();
    assert!(seqs.is_sorted_by(|one, other| one < other), "{seqs:?}");
    assert_eq!(seen[0]["type"], "subscribed");
    let deltas: String =
        seen.iter().filter(|m| m["type"] == "delta").map(|m| m["text"].as_str().unwrap()).collect();
    let done = seen.last().unwrap();
    let result = done["result"].as_str().unwrap();
    assert_eq!(deltas.trim_end(), result, "what was streamed is what was returned");
    let checked = if cfg!(feature = "validate") { "valid" } else { "unchecked" };
    assert_eq!(done["validation"]["status"], checked);
    assert_eq!(seen.iter().filter(|m| m["type"] == "completed").count(), 1);
}

#[tokio::test]
async fn a_late_subscriber_hears_the_end_once_and_waiting_is_preferred() {
    let server = Server::start("");
    let key = server.key("ann", "pro", &[]);
    let sent = server.client.post(format!("{}/api/diagram/generate", server.url));
    let sent = sent.header("x-api-key", &key).header("prefer", "wait=30").json(&json!({"prompt": "A -> B"}));
    let response = sent.send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["preference-applied"]),
        (200, &"wait=30".parse().unwrap())
    );
    let finished: Value = response.json().await.unwrap();
    assert_eq!((&finished["status"], &finished["provider"]), (&json!("completed"), &json!("offline")));
    let id = finished["requestId"].as_str().unwrap();
    let events = server.client.get(format!("{}/api/diagram/events/{id}", server.url)).send().await.unwrap();
    let text = events.text().await.unwrap();
    assert_eq!((text.matches("event: subscribed").count(), text.matches("event: completed").count()), (1, 1));
}

#[tokio::test]
async fn cancelling_closes_the_upstream_call() {
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    upstream.always(Behaviour::default().hold(&gate));
    let server = Server::start(&config(&upstream, ""));
    let key = server.key("ann", "free", &[]);
    let (_, first) = server.prompt(&key, "one").await;
    upstream.ledger().wait_for_calls(1).await;
    let (_, second) = server.prompt(&key, "two").await;
    let path = |job: &Value| format!("/api/diagram/cancel/{}", job["requestId"].as_str().unwrap());
    assert_eq!(server.delete(&key, &path(&second)).await.0, 200);
    assert_eq!(server.delete(&key, &path(&second)).await.0, 200, "again");
    let (_, usage) = server.get(&key, "/api/diagram/usage").await;
    assert_eq!(usage["hour"]["used"], 1, "cancelled while queued gives its unit back");
    assert_eq!(server.delete(&key, &path(&first)).await.0, 200);
    upstream.ledger().wait_for_ended(1).await;
    let (_, usage) = server.get(&key, "/api/diagram/usage").await;
    assert_eq!(usage["hour"]["used"], 1, "cancelled while running does not");
    let other = server.key("bob", "free", &[]);
    assert_eq!(server.delete(&other, &path(&first)).await.0, 404, "another user's is unknown");
}
