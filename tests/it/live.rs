//! Live updates, message by message.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::flow::config;
use crate::server::Server;
use crate::socket::{Socket, types};
use crate::upstream::{Behaviour, Gate, Upstream};

fn id_of(accepted: &(u16, Value)) -> String {
    assert_eq!(accepted.0, 202, "{}", accepted.1);
    accepted.1["requestId"].as_str().unwrap().to_owned()
}

fn subscribe(id: &str) -> Value {
    json!({ "type": "subscribe", "requestId": id })
}

fn scope(verb: &str, scope: &str) -> Value {
    json!({ "type": verb, "scope": scope })
}

fn keys(message: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = message.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[tokio::test]
async fn every_message_has_the_fields_of_the_contract() {
    let upstream = Upstream::anthropic().start().await;
    let (gate, retry) = (Gate::closed(), Gate::closed());
    upstream.push(Behaviour::status(529).hold(&gate));
    upstream.push(Behaviour::default().hold(&retry));
    let server = Server::start(&config(&upstream, "max_concurrent = 1"));
    let key = server.key("ann", "pro", &[]);
    let id = id_of(&server.prompt(&key, "draw it").await);
    upstream.ledger().wait_for_calls(1).await;
    let waiting = id_of(&server.prompt(&key, "another").await);
    let mut socket = Socket::open(&server).await;
    socket.send(subscribe(&waiting)).await;
    let queued = socket.next().await;
    assert_eq!(
        (&queued["type"], &queued["status"], &queued["position"]),
        (&json!("subscribed"), &json!("queued"), &json!(1))
    );
    socket.send(json!({ "type": "unsubscribe", "requestId": waiting })).await;
    socket.send(subscribe(&id)).await;
    assert_eq!(socket.next().await["status"], "processing");
    gate.open();
    retry.open();
    let seen = socket.until("completed").await;
    let of =
        |kind: &str| seen.iter().find(|m| m["type"] == kind).unwrap_or_else(|| panic!("{kind}: {seen:?}"));
    assert_eq!(keys(of("retrying")), ["attempt", "reason", "requestId", "retryAt", "seq", "type"]);
    assert_eq!(keys(of("processing")), ["attempt", "model", "requestId", "seq", "type"]);
    assert_eq!(keys(of("delta")), ["requestId", "seq", "text", "type"]);
    assert_eq!(keys(of("validating")), ["errors", "requestId", "seq", "type"]);
    assert_eq!(
        keys(of("completed")),
        ["cached", "links", "requestId", "result", "seq", "title", "type", "usage", "validation"]
    );
    assert!(of("completed")["links"]["svg"].as_str().unwrap().ends_with(&id));
    let seqs: Vec<u64> = seen.iter().map(|message| message["seq"].as_u64().unwrap()).collect();
    assert!(seqs.is_sorted_by(|one, other| one < other), "{seqs:?}");
    assert!(seen.iter().all(|message| message["requestId"] == id.as_str()), "{seen:?}");
}

#[tokio::test]
async fn a_position_is_told_at_once_to_the_first_ten() {
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    upstream.always(Behaviour::default().hold(&gate));
    let server = Server::start(&config(&upstream, "max_concurrent = 1"));
    let key = server.key("ann", "pro", &[]);
    id_of(&server.prompt(&key, "runs").await);
    upstream.ledger().wait_for_calls(1).await;
    let first = id_of(&server.prompt(&key, "first").await);
    let second = id_of(&server.prompt(&key, "second").await);
    let mut socket = Socket::open(&server).await;
    socket.send(subscribe(&second)).await;
    assert_eq!(socket.next().await["position"], 2);
    assert_eq!(server.delete(&key, &format!("/api/diagram/cancel/{first}")).await.0, 200);
    let moved = socket.next().await;
    assert_eq!(keys(&moved), ["estimatedWaitSeconds", "position", "requestId", "seq", "type"]);
    assert_eq!((&moved["type"], &moved["position"]), (&json!("position"), &json!(1)));
    gate.open();
}

#[tokio::test]
async fn a_second_subscription_repeats_no_delta() {
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    let text = format!("```mermaid\nflowchart TD\n{}```\n", "  A --> B\n".repeat(500));
    upstream.always(Behaviour::answer(text).deltas(100).hold_midway(&gate));
    let server = Server::start(&config(&upstream, ""));
    let key = server.key("ann", "pro", &[]);
    let id = id_of(&server.prompt(&key, "draw it").await);
    let mut socket = Socket::open(&server).await;
    socket.send(subscribe(&id)).await;
    // Deltas come and wait in the socket's mailbox while these are answered.
    gate.open();
    for _ in 0..20 {
        socket.send(subscribe(&id)).await;
    }
    let seen = socket.until("completed").await;
    let last = seen.iter().rposition(|message| message["type"] == "subscribed").unwrap();
    let mut shown = seen[last]["partialResult"].as_str().unwrap_or_default().to_owned();
    if seen[last]["status"] != "completed" {
        for delta in seen[last..].iter().filter(|message| message["type"] == "delta") {
            shown.push_str(delta["text"].as_str().unwrap());
        }
        assert_eq!(shown.trim_end(), seen.last().unwrap()["result"].as_str().unwrap());
    }
    let mut before = 0;
    for message in &seen {
        let seq = message["seq"].as_u64().unwrap();
        assert!(seq > before, "older than what was sent before it: {message}");
        before = seq;
    }
    let more = socket.all_so_far().await;
    let ends = seen.iter().chain(&more).filter(|message| message["type"] == "completed").count();
    let subscribed_to_the_end = seen
        .iter()
        .chain(&more)
        .filter(|message| message["type"] == "subscribed" && message["status"] == "completed")
        .count();
    assert_eq!(ends, subscribed_to_the_end.max(1), "one end for each subscription that found it ended");
}

#[tokio::test]
async fn unsubscribing_ends_the_watch_of_mine_but_not_of_what_was_named() {
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    upstream.always(Behaviour::default().hold(&gate));
    let server = Server::start(&config(&upstream, ""));
    let key = server.key("ann", "enterprise", &[]);
    let named = id_of(&server.prompt(&key, "named").await);
    let unnamed = id_of(&server.prompt(&key, "unnamed").await);
    let mut socket = Socket::open_as(&server, &key).await;
    socket.send(subscribe(&named)).await;
    socket.send(scope("subscribe", "mine")).await;
    let seen = loop {
        let seen = socket.until("subscribed").await;
        if seen.last().unwrap()["scope"] == "mine" {
            break seen;
        }
    };
    assert!(seen.last().unwrap().get("requestId").is_none());
    socket.send(scope("unsubscribe", "mine")).await;
    socket.all_so_far().await;
    let later = id_of(&server.prompt(&key, "later").await);
    gate.open();
    for id in [&named, &unnamed, &later] {
        server.ended(&key, id).await;
    }
    let seen = socket.all_so_far().await;
    assert!(seen.iter().all(|message| message["requestId"] == named.as_str()), "{seen:?}");
    assert_eq!(types(&seen).into_iter().filter(|kind| *kind == "completed").count(), 1);
}

#[tokio::test]
async fn a_new_request_of_mine_is_subscribed_and_ends_once() {
    let server = Server::start("");
    let key = server.key("ann", "pro", &[]);
    let mut socket = Socket::open(&server).await;
    // Nothing is waited for between the two.
    socket.send(json!({ "type": "auth", "token": key })).await;
    socket.send(scope("subscribe", "mine")).await;
    let first = socket.next().await;
    assert_eq!((&first["type"], &first["scope"]), (&json!("subscribed"), &json!("mine")), "{first}");
    let ids = [id_of(&server.prompt(&key, "A -> B").await), id_of(&server.prompt(&key, "B -> C").await)];
    for id in &ids {
        server.ended(&key, id).await;
    }
    let seen = socket.all_so_far().await;
    for id in &ids {
        let of: Vec<&Value> = seen.iter().filter(|message| message["requestId"] == id.as_str()).collect();
        assert_eq!(of[0]["type"], "subscribed", "{of:?}");
        assert_eq!(of.iter().filter(|message| message["type"] == "completed").count(), 1, "{of:?}");
    }
}

#[tokio::test]
async fn a_failed_request_that_is_queued_again_ends_again_and_once() {
    let upstream = Upstream::anthropic().start().await;
    upstream.push(Behaviour::default().stop_reason("refusal"));
    let server = Server::start(&config(&upstream, ""));
    let key = server.key("ann", "pro", &[]);
    let admin = server.key("root", "free", &["--admin"]);
    let mut mine = Socket::open_as(&server, &key).await;
    mine.send(scope("subscribe", "mine")).await;
    mine.next().await;
    let id = id_of(&server.prompt(&key, "draw it").await);
    let failed = mine.until("failed").await;
    assert_eq!(keys(failed.last().unwrap()), ["error", "requestId", "seq", "type"]);
    assert_eq!(failed.last().unwrap()["error"]["code"], "refused");
    let mut named = Socket::open(&server).await;
    named.send(subscribe(&id)).await;
    assert_eq!(types(&named.until("failed").await), ["subscribed", "failed"]);
    let (status, _) = server.post_to(&admin, &format!("/api/admin/requests/{id}/retry"), json!({})).await;
    assert_eq!(status, 202);
    named.send(subscribe(&id)).await;
    assert_eq!(types(&named.until("completed").await)[0], "subscribed");
    let again = mine.until("completed").await;
    assert_eq!(again[0]["type"], "subscribed", "{again:?}");
    for socket in [&mut mine, &mut named] {
        let more = socket.all_so_far().await;
        assert!(more.is_empty(), "{more:?}");
    }
}

#[tokio::test]
async fn the_queue_is_looked_at_once_for_all_admins() {
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    upstream.always(Behaviour::default().hold(&gate));
    let server = Server::start(&config(&upstream, "max_concurrent = 1"));
    let admin = server.key("root", "enterprise", &["--admin"]);
    let mut sockets = [Socket::open_as(&server, &admin).await, Socket::open_as(&server, &admin).await];
    for socket in &mut sockets {
        socket.send(scope("subscribe", "queue")).await;
        assert_eq!(socket.next().await["depth"], 0);
    }
    for n in 0..3 {
        id_of(&server.prompt(&admin, &format!("number {n}")).await);
    }
    let mut told = Vec::new();
    for socket in &mut sockets {
        loop {
            let figures = socket.next().await;
            assert_eq!(figures["type"], "queue");
            if figures["depth"] == 2 {
                told.push(figures);
                break;
            }
        }
    }
    assert_eq!(told[0], told[1], "one rendering, also of the number");
    sockets[0].send(scope("unsubscribe", "queue")).await;
    sockets[0].all_so_far().await;
    gate.open();
    loop {
        if sockets[1].next().await["depth"] == 0 {
            break;
        }
    }
    assert!(sockets[0].all_so_far().await.is_empty());
    let user = server.key("ann", "free", &[]);
    let mut socket = Socket::open_as(&server, &user).await;
    socket.send(scope("subscribe", "queue")).await;
    assert_eq!(socket.next().await["code"], "forbidden");
}

#[tokio::test]
async fn a_socket_and_a_stream_end_with_their_key_and_others_stay() {
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    upstream.always(Behaviour::default().hold(&gate));
    let server = Server::start(&config(&upstream, ""));
    let admin = server.key("root", "free", &["--admin"]);
    let (status, made) =
        server.post_to(&admin, "/api/admin/keys", json!({ "user": "ann", "tier": "pro" })).await;
    assert_eq!(status, 201);
    let (key, key_id) = (made["key"].as_str().unwrap(), made["id"].as_str().unwrap());
    let (_, token) = server.post_to(key, "/api/auth/token", json!({})).await;
    let other = server.key("bob", "pro", &[]);
    let id = id_of(&server.prompt(key, "draw it").await);

    let mut by_header = Socket::open_as(&server, key).await;
    let mut by_token = Socket::open(&server).await;
    by_token.send(json!({ "type": "auth", "token": token["token"] })).await;
    let mut by_id = Socket::open(&server).await;
    let mut of_bob = Socket::open_as(&server, &other).await;
    for socket in [&mut by_header, &mut by_token, &mut by_id, &mut of_bob] {
        socket.send(subscribe(&id)).await;
        assert_eq!(socket.next().await["type"], "subscribed");
    }
    let events = format!("{}/api/diagram/events/{id}", server.url);
    let stream = server.client.get(&events).header("x-api-key", key).send().await.unwrap();
    let unused = server.post_to(key, "/api/auth/ws-ticket", json!({})).await.1;

    assert_eq!(server.delete(&admin, &format!("/api/admin/keys/{key_id}")).await.0, 200);
    for socket in [&mut by_header, &mut by_token] {
        let (code, reason) = socket.closed().await;
        assert_eq!(code, 1008);
        assert!(reason.contains("revoked"), "{reason}");
    }
    let text = stream.text().await.unwrap();
    assert!(text.contains("event: error") && text.contains("unauthorized"), "{text}");
    let path = format!("/ws?ticket={}", unused["ticket"].as_str().unwrap());
    assert_eq!(Socket::open_with(&server, &path, None).await.err(), Some(401), "nor does its ticket open");
    gate.open();
    for socket in [&mut by_id, &mut of_bob] {
        socket.until("completed").await;
    }
    let (status, _) = server
        .client
        .patch(format!("{}/api/admin/users/bob", server.url))
        .header("x-api-key", &admin)
        .json(&json!({ "disabled": true }))
        .send()
        .await
        .map(|answer| (answer.status().as_u16(), answer))
        .unwrap();
    assert_eq!(status, 200);
    assert_eq!(of_bob.closed().await.0, 1008, "its user is disabled");
}

#[tokio::test]
async fn a_key_revoked_by_the_command_line_ends_its_sockets_too() {
    let server = Server::start("");
    let key = server.key("ann", "free", &["--expires", "1h"]);
    let mut socket = Socket::open_as(&server, &key).await;
    assert!(socket.all_so_far().await.is_empty());
    server.run(&["user", "disable", "ann"]);
    assert_eq!(socket.closed().await.0, 1008);
}

#[tokio::test]
async fn wrong_credentials_on_a_socket_are_slowed_as_those_of_calls() {
    let server = Server::start("[server]\nanonymous_requests_per_minute = 25\n");
    let key = server.key("ann", "free", &[]);
    // One call is the handshake, two wrong tokens cost ten each, the third what is left.
    let mut socket = Socket::open(&server).await;
    let mut codes = Vec::new();
    for _ in 0..5 {
        socket.send(json!({ "type": "auth", "token": "dgd_wrong" })).await;
        let error = socket.next().await;
        assert_eq!(error["type"], "error");
        codes.push(error["code"].as_str().unwrap().to_owned());
    }
    assert_eq!(&codes[..2], ["unauthorized", "unauthorized"]);
    assert_eq!(codes.last().unwrap(), "rate_limited");
    assert_eq!(server.get("dgd_wrong", "/api/diagram/usage").await.0, 429, "one measure for both");
    socket.send(json!({ "type": "auth", "token": key })).await;
    socket.send(scope("subscribe", "mine")).await;
    assert_eq!(socket.next().await["type"], "subscribed", "a good key still works");
}

#[tokio::test]
async fn a_ticket_opens_one_socket_on_either_path() {
    let server = Server::start("");
    let key = server.key("ann", "free", &[]);
    for path in ["/ws", "/"] {
        let (status, made) = server.post_to(&key, "/api/auth/ws-ticket", json!({})).await;
        assert_eq!(status, 200);
        let path = format!("{path}?ticket={}", made["ticket"].as_str().unwrap());
        let mut socket = Socket::open_with(&server, &path, None).await.unwrap();
        socket.send(scope("subscribe", "mine")).await;
        assert_eq!(socket.next().await["scope"], "mine");
        assert_eq!(Socket::open_with(&server, &path, None).await.err(), Some(401), "used");
    }
    assert_eq!(Socket::open_with(&server, "/ws?ticket=made-up", None).await.err(), Some(401));
}

#[tokio::test]
async fn a_call_that_is_no_handshake_gets_a_problem_that_can_be_traced() {
    let server = Server::start("");
    let answer = server.client.get(format!("{}/ws", server.url)).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 426);
    assert_eq!(answer.headers()["sec-websocket-version"], "13");
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let problem: Value = answer.json().await.unwrap();
    assert_eq!((&problem["code"], &problem["traceId"]), (&json!("upgrade_required"), &json!(id)));
}

#[tokio::test]
async fn malformed_frames_end_their_socket_with_the_code_that_says_why() {
    let server = Server::start("");
    let masked = |head: &[u8], payload: &[u8]| [head, &[0, 0, 0, 0], payload].concat();
    let table: &[(&str, Vec<u8>, u16)] = &[
        ("a reserved bit", masked(&[0xC1, 0x80], b""), 1002),
        ("an unknown opcode", masked(&[0x83, 0x80], b""), 1002),
        ("no mask", vec![0x81, 0x02, b'h', b'i'], 1002),
        ("a control frame in parts", masked(&[0x09, 0x80], b""), 1002),
        ("a long control frame", masked(&[0x89, 0xFE, 0x00, 0x7E], &[0; 126]), 1002),
        ("a continuation of nothing", masked(&[0x80, 0x80], b""), 1002),
        ("text that is no UTF-8", masked(&[0x81, 0x82], &[0xC3, 0x28]), 1007),
        ("a message too long", masked(&[0x81, 0xFF, 0, 0, 0, 0, 0, 1, 0, 0], &[]), 1009),
    ];
    for (what, bytes, wanted) in table {
        let mut socket = Socket::open(&server).await;
        socket.send_raw(bytes).await;
        assert_eq!(socket.closed().await.0, *wanted, "{what}");
    }
    let mut socket = Socket::open(&server).await;
    for head in [0x01, 0x80] {
        // Two parts of one message, each within the limit.
        socket.send_raw(&masked(&[head, 0xFE, 0x27, 0x10], &[b'x'; 10_000])).await;
    }
    assert_eq!(socket.closed().await.0, 1009, "a message too long in parts");
    assert_eq!(server.get("", "/healthz").await.0, 200);
}

#[tokio::test]
async fn wrong_messages_are_answered_and_many_of_them_end_the_socket() {
    let server = Server::start("");
    let mut socket = Socket::open(&server).await;
    for text in [
        "",
        "nonsense",
        "[]",
        "{}",
        "{\"type\":\"dance\"}",
        "{\"type\":\"subscribe\"}",
        "{\"type\":\"subscribe\",\"requestId\":7}",
        "{\"type\":\"unsubscribe\",\"scope\":\"all\"}",
        "{\"type\":\"subscribe\",\"scope\":\"mine\",\"requestId\":\"x\"}",
    ] {
        socket.send_message(Message::text(text)).await;
        let error = socket.next().await;
        assert_eq!((&error["type"], &error["code"]), (&json!("error"), &json!("invalid_message")), "{text}");
        assert!(error["message"].is_string());
    }
    socket.send_message(Message::binary(vec![0; 10])).await;
    assert_eq!(socket.next().await["code"], "invalid_message");
    socket.send(scope("subscribe", "mine")).await;
    assert_eq!(socket.next().await["code"], "unauthorized");
    for id in ["nope", "req_00000000000000000000000000000000"] {
        socket.send(subscribe(id)).await;
        assert_eq!(socket.next().await["code"], "not_found");
    }
    for _ in 0..8 {
        socket.send(json!({ "type": "dance" })).await;
    }
    assert_eq!(socket.closed().await.0, 1008);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_closed_with_1013_when_it_reads_again() {
    let upstream = Upstream::anthropic().start().await;
    let text = format!("```mermaid\nflowchart TD\n{}```\n", "  A --> B\n".repeat(15_000));
    upstream.push(Behaviour::answer(text));
    let server = Server::start(&config(&upstream, "max_concurrent = 100"));
    let key = server.key("ann", "enterprise", &[]);
    let big = id_of(&server.prompt(&key, "a big one").await);
    let job = server.ended(&key, &big).await;
    assert_eq!(job["status"], "completed", "{job}");
    let mut socket = Socket::open_as(&server, &key).await;
    socket.send(scope("subscribe", "mine")).await;
    socket.next().await;
    // About 300 KB each, into a pipe that nobody empties.
    for _ in 0..40 {
        socket.send(subscribe(&big)).await;
    }
    let mut ids = Vec::new();
    for n in 0..110 {
        ids.push(id_of(&server.prompt(&key, &format!("number {n}")).await));
    }
    for id in &ids {
        server.ended(&key, id).await;
    }
    let (code, reason) = socket.closed().await;
    assert_eq!((code, reason.as_str()), (1013, "too slow; subscribe again"));
}

#[tokio::test]
async fn five_hundred_subscribers_hear_the_end_once_each() {
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    upstream.always(Behaviour::default().hold(&gate));
    let server = Server::start(&config(&upstream, ""));
    let key = server.key("ann", "pro", &[]);
    let id = id_of(&server.prompt(&key, "draw it").await);
    let mut sockets = Vec::new();
    for _ in 0..500 {
        let mut socket = Socket::open(&server).await;
        socket.send(subscribe(&id)).await;
        assert_eq!(socket.next().await["type"], "subscribed");
        sockets.push(socket);
    }
    gate.open();
    for socket in &mut sockets {
        let seen = socket.until("completed").await;
        assert_eq!(types(&seen).iter().filter(|kind| **kind == "completed").count(), 1);
    }
    for socket in &mut sockets {
        assert!(socket.all_so_far().await.is_empty());
    }
}
