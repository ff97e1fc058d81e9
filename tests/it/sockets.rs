//! Who may hold a socket, and what a client may say on it.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::flow::config;
use crate::live::{id_of, scope, subscribe};
use crate::server::Server;
use crate::socket::Socket;
use crate::upstream::{Behaviour, Gate, Upstream};

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
async fn a_subscription_counts_as_a_call_and_one_too_many_leaves_the_socket_open() {
    let server = Server::start("[server]\napi_requests_per_minute = 5\nanonymous_requests_per_minute = 3\n");
    let key = server.key("ann", "free", &[]);
    let id = "req_00000000000000000000000000000000";
    // One call each is the handshake.
    for (mut socket, subscriptions) in
        [(Socket::open_as(&server, &key).await, 4), (Socket::open(&server).await, 2)]
    {
        for _ in 0..subscriptions {
            socket.send(subscribe(id)).await;
            assert_eq!(socket.next().await["code"], "not_found");
        }
        // More of them than wrong messages may be.
        for _ in 0..25 {
            socket.send(subscribe(id)).await;
            let error = socket.next().await;
            assert_eq!(
                (&error["type"], &error["code"], &error["requestId"]),
                (&json!("error"), &json!("rate_limited"), &json!(id))
            );
            assert!(error["retryAfterSeconds"].as_u64().is_some_and(|seconds| seconds >= 1), "{error}");
        }
        socket.send(json!({ "type": "ping" })).await;
        assert_eq!(socket.next().await["type"], "pong");
    }
    let (status, problem) = server.get("dgd_wrong", "/api/diagram/usage").await;
    assert_eq!((status, &problem["limit"]["scope"]), (429, &json!("server")));
    assert!(problem["detail"].as_str().unwrap().contains("a wrong key as ten"), "{problem}");
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
        "[\"ping\"]",
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
async fn where_authentication_is_required_only_ones_own_requests_are_watched() {
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    upstream.always(Behaviour::default().hold(&gate));
    let config = config(&upstream, "").replace("[queue]", "[server]\nwebsocket_require_auth = true\n[queue]");
    let server = Server::start(&config);
    let (ann, bob) = (server.key("ann", "pro", &[]), server.key("bob", "pro", &[]));
    let id = id_of(&server.prompt(&ann, "draw it").await);
    let mut socket = Socket::open(&server).await;
    socket.send(subscribe(&id)).await;
    assert_eq!(socket.next().await["code"], "unauthorized");
    for (key, wanted) in [(&bob, "error"), (&ann, "subscribed")] {
        socket.send(json!({ "type": "auth", "token": key })).await;
        socket.send(subscribe(&id)).await;
        assert_eq!(socket.next().await["type"], wanted);
    }
    socket.send(json!({ "type": "auth", "token": bob })).await;
    socket.all_so_far().await;
    gate.open();
    let events = server.client.get(format!("{}/api/diagram/events/{id}", server.url));
    let text = events.header("x-api-key", &ann).send().await.unwrap().text().await.unwrap();
    assert!(text.contains("event: completed"), "{text}");
    let seen = socket.all_so_far().await;
    assert!(seen.is_empty(), "what ann might see is not bob's: {seen:?}");
    let plain = server.client.get(format!("{}/api/diagram/events/{id}", server.url)).send().await.unwrap();
    assert_eq!(plain.status().as_u16(), 401);
}
