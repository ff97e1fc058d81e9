//! Live updates, message by message.

use serde_json::{Value, json};

use crate::flow::config;
use crate::server::Server;
use crate::socket::{Socket, types};
use crate::upstream::{Behaviour, Gate, Upstream};

pub fn id_of(accepted: &(u16, Value)) -> String {
    assert_eq!(accepted.0, 202, "{}", accepted.1);
    accepted.1["requestId"].as_str().unwrap().to_owned()
}

pub fn subscribe(id: &str) -> Value {
    json!({ "type": "subscribe", "requestId": id })
}

pub fn scope(verb: &str, scope: &str) -> Value {
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
    // A wait that has become longer may have been told before the unsubscription was heard.
    let before = socket.until("subscribed").await;
    assert_eq!(before.last().unwrap()["status"], "processing", "{before:?}");
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
    // On a slow machine the wait at the old place is told anew before.
    let moved = loop {
        let told = socket.next().await;
        if told["position"] != 2 {
            break told;
        }
    };
    assert_eq!(keys(&moved), ["estimatedWaitSeconds", "position", "requestId", "seq", "type"]);
    assert_eq!((&moved["type"], &moved["position"]), (&json!("position"), &json!(1)));
    gate.open();
}

#[tokio::test]
async fn a_second_subscription_repeats_no_delta() {
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    let text = format!("```mermaid\nflowchart TD\n{}```\n", "  A --> B\n".repeat(500));
    // So few that none is shed, however slowly they are read.
    upstream.always(Behaviour::answer(text).deltas(50).hold_midway(&gate));
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
    let all: Vec<&Value> = seen.iter().chain(&more).collect();
    let found_ended = |message: &Value| message["type"] == "subscribed" && message["status"] == "completed";
    let (mut told, mut live) = (0, 0);
    for (at, message) in all.iter().enumerate().filter(|(_, message)| message["type"] == "completed") {
        match at.checked_sub(1).is_some_and(|before| found_ended(all[before])) {
            true => told += 1,
            false => live += 1,
        }
        assert_eq!(message["requestId"], id.as_str());
    }
    let found = all.iter().filter(|message| found_ended(message)).count();
    assert_eq!(told, found, "a subscription that finds it ended is told so at once");
    assert!(live <= 1 && told + live > 0, "the end itself is told once: {live}, {told}");
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
async fn a_client_that_does_not_read_is_closed_with_1013_when_it_reads_again() {
    let upstream = Upstream::anthropic().start().await;
    let text = format!("```mermaid\nflowchart TD\n{}```\n", "  A --> B\n".repeat(15_000));
    upstream.push(Behaviour::answer(text));
    // Prompts come faster than verdicts: all of them may wait.
    let more =
        "max_concurrent = 100\n[generation]\nrepair_attempts = 0\n[tiers.enterprise]\nmax_queued = 200";
    let server = Server::start(&config(&upstream, more));
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
    let server = Server::start(&config(&upstream, "[server]\nanonymous_requests_per_minute = 0\n"));
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
