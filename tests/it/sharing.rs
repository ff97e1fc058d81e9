//! Equal requests in flight: one upstream call for all of them, each a request of its own in all
//! else. Who shares, and what each is told.

use serde_json::{Value, json};

use crate::flow::config;
use crate::live::{id_of, subscribe};
use crate::recount::Books;
use crate::server::Server;
use crate::socket::{Socket, types};
use crate::upstream::{Behaviour, Gate, Upstream};

pub const ON: &str = "[generation]\ncoalesce = true\n";
/// Requests that share one call at most, besides the one that makes it.
const FOLLOWERS_MAX: usize = 64;

/// A server that shares calls, on an upstream whose calls wait for the gate.
pub async fn held(more: &str) -> (Upstream, Gate, Server, String) {
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    upstream.always(Behaviour::default().hold(&gate));
    let server = Server::start(&config(&upstream, more));
    let key = server.key("ann", "pro", &[]);
    (upstream, gate, server, key)
}

/// An answer of which some lines come before the gate, and the rest after it.
pub fn held_midway(gate: &Gate) -> Behaviour {
    let text = format!("```mermaid\nflowchart TD\n{}```\n", "  A --> B\n".repeat(50));
    Behaviour::answer(text).hold_midway(gate)
}

pub async fn status(server: &Server, key: &str, id: &str) -> Value {
    server.get(key, &format!("/api/diagram/status/{id}")).await.1
}

pub async fn cancel(server: &Server, key: &str, id: &str) {
    assert_eq!(server.delete(key, &format!("/api/diagram/cancel/{id}")).await.0, 200);
}

pub async fn units(server: &Server, key: &str) -> u64 {
    server.get(key, "/api/diagram/usage").await.1["hour"]["used"].as_u64().unwrap()
}

/// Figures and what they are counted from agree, and nothing follows what has ended.
pub async fn books_agree(server: &Server) -> Value {
    let admin = server.key("root", "free", &["--admin"]);
    let (_, stats) = server.get(&admin, "/api/diagram/stats?groupBy=user").await;
    let books = Books::of(server);
    let (totals, groups) = books.recount("user");
    assert_eq!((&stats["totals"], &stats["groups"]), (&totals, &groups));
    assert_eq!(books.astray(), 0);
    totals
}

#[tokio::test]
async fn two_equal_requests_in_flight_make_one_call_and_each_is_a_request_of_its_own() {
    let (upstream, gate, server, key) = held(ON).await;
    let first = id_of(&server.post(&key, json!({"prompt": "the shop calls\nthe bank"})).await);
    upstream.ledger().wait_for_calls(1).await;
    let again = json!({"prompt": "  the  shop calls \r\nthe bank\n", "metadata": {"n": 2}});
    let (code, accepted) = server.post(&key, again).await;
    assert_eq!((code, &accepted["status"], &accepted["position"]), (202, &json!("queued"), &json!(1)));
    let second = accepted["requestId"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    let shown = status(&server, &key, &second).await;
    assert_eq!((&shown["status"], &shown["usage"]), (&json!("processing"), &Value::Null), "{shown}");
    let (_, usage) = server.get(&key, "/api/diagram/usage").await;
    let concurrent = (&usage["concurrent"]["running"], &usage["concurrent"]["queued"]);
    assert_eq!(concurrent, (&json!(1), &json!(1)), "a shared call counts once");
    gate.open();
    let (made, shared) = (server.ended(&key, &first).await, server.ended(&key, &second).await);
    assert_eq!(upstream.ledger().len(), 1);
    for same in ["status", "result", "title", "validation", "model", "provider", "attempts", "cached"] {
        assert_eq!(shared[same], made[same], "{same}");
    }
    assert_eq!((&shared["status"], &shared["cached"]), (&json!("completed"), &json!(false)));
    assert_eq!(shared["metadata"], json!({"n": 2}));
    let used = upstream.ledger().usage();
    assert_eq!(made["usage"]["outputTokens"], used.output);
    let nothing = json!({"inputTokens": 0, "outputTokens": 0, "cacheReadTokens": 0, "cacheWriteTokens": 0,
                         "costUsd": "0.000000000", "estimated": false});
    assert_eq!(shared["usage"], nothing);
    let (_, usage) = server.get(&key, "/api/diagram/usage").await;
    assert_eq!(
        (&usage["hour"]["used"], &usage["tokens"]["month"]["output"]),
        (&json!(2), &json!(used.output))
    );
    assert_eq!(usage["cost"]["monthUsd"], made["usage"]["costUsd"]);
    assert_eq!(usage["cache"], json!({"hits": 0, "savedUsd": "0.000000000"}));
    assert_eq!(books_agree(&server).await["completed"], 2);
}

#[tokio::test]
async fn a_request_that_shares_is_told_as_the_call_goes() {
    let upstream = Upstream::anthropic().start().await;
    let (before, midway) = (Gate::closed(), Gate::closed());
    upstream.push(Behaviour::default().hold(&before));
    upstream.always(held_midway(&midway));
    let server = Server::start(&config(&upstream, &format!("max_concurrent = 1\n{ON}")));
    let key = server.key("ann", "pro", &[]);
    server.prompt(&key, "in front").await;
    upstream.ledger().wait_for_calls(1).await;
    let leader = id_of(&server.prompt(&key, "p").await);
    let next = id_of(&server.prompt(&key, "between").await);
    let follower = id_of(&server.prompt(&key, "p").await);
    let mut socket = Socket::open(&server).await;
    socket.send(subscribe(&follower)).await;
    let subscribed = socket.next().await;
    assert_eq!((&subscribed["status"], &subscribed["position"]), (&json!("queued"), &json!(1)));
    assert_eq!(status(&server, &key, &next).await["position"], 2, "no place is taken by who shares a call");
    before.open();
    let mut seen = socket.until("delta").await;
    // Who comes midway gets the text so far, and the rest.
    let late = id_of(&server.prompt(&key, "p").await);
    let mut late_socket = Socket::open(&server).await;
    late_socket.send(subscribe(&late)).await;
    let so_far = late_socket.next().await;
    assert_eq!(so_far["status"], "processing");
    midway.open();
    seen.extend(socket.until("completed").await);
    let made = server.ended(&key, &leader).await;
    assert!(seen.iter().all(|message| message["requestId"] == follower.as_str()), "{seen:?}");
    let mut kinds = types(&seen);
    kinds.retain(|kind| *kind != "position");
    assert_eq!((kinds[0], kinds[kinds.len() - 2]), ("processing", "validating"), "{kinds:?}");
    let deltas = |messages: &[Value]| -> String {
        messages.iter().filter_map(|message| message["text"].as_str()).collect()
    };
    let result = made["result"].as_str().unwrap();
    assert_eq!(deltas(&seen).trim_end(), result);
    assert_eq!(seen.last().unwrap()["result"], result);
    let rest = late_socket.until("completed").await;
    let text = so_far["partialResult"].as_str().unwrap().to_owned() + &deltas(&rest);
    assert_eq!(text.trim_end(), result);
    assert_eq!(socket.all_so_far().await, [Value::Null; 0], "the end is told once");
    server.ended(&key, &next).await;
    assert_eq!(upstream.ledger().len(), 3);
}

#[tokio::test]
async fn a_watcher_of_all_its_requests_hears_of_one_that_shares() {
    let (upstream, gate, server, key) = held(ON).await;
    server.prompt(&key, "p").await;
    upstream.ledger().wait_for_calls(1).await;
    let mut socket = Socket::open_as(&server, &key).await;
    socket.send(crate::live::scope("subscribe", "mine")).await;
    socket.until("subscribed").await;
    let follower = id_of(&server.prompt(&key, "p").await);
    let seen = loop {
        let message = socket.next().await;
        if message["requestId"] == follower.as_str() {
            break message;
        }
    };
    assert_eq!((&seen["type"], &seen["status"]), (&json!("subscribed"), &json!("processing")), "{seen}");
    gate.open();
    let is_its_end =
        |message: &Value| message["type"] == "completed" && message["requestId"] == follower.as_str();
    // The end is written before it is told.
    while !is_its_end(&socket.next().await) {}
    let more = socket.all_so_far().await;
    assert!(!more.iter().any(is_its_end), "told once: {more:?}");
}

#[tokio::test]
async fn the_operators_list_shows_one_that_shares_as_its_call_stands() {
    let (upstream, gate, server, key) = held(ON).await;
    let admin = server.key("root", "pro", &["--admin"]);
    server.prompt(&key, "p").await;
    upstream.ledger().wait_for_calls(1).await;
    let follower = id_of(&server.prompt(&key, "p").await);
    let (_, detail) = server.get(&admin, &format!("/api/admin/requests/{follower}")).await;
    assert_eq!(detail["request"]["status"], "processing", "{detail}");
    for (filter, found) in [("", 2), ("?status=processing", 2), ("?status=queued", 0)] {
        let (_, list) = server.get(&admin, &format!("/api/admin/requests{filter}")).await;
        let requests = list["requests"].as_array().unwrap();
        assert_eq!(requests.len(), found, "{filter}: {list}");
        for field in ["status", "startedAt", "model"] {
            let shown = requests.iter().find(|one| one["requestId"] == follower.as_str());
            if let Some(shown) = shown {
                assert_eq!(shown[field], detail["request"][field], "{field}");
            }
        }
    }
    gate.open();
    server.ended(&key, &follower).await;
}

#[tokio::test]
async fn users_share_calls_where_they_share_answers() {
    for (more, calls) in [("shared = true\n", 1), ("", 2)] {
        let (upstream, gate, server, ann) = held(&format!("{ON}[cache]\n{more}")).await;
        let bob = server.key("bob", "pro", &[]);
        let first = id_of(&server.prompt(&ann, "p").await);
        upstream.ledger().wait_for_calls(1).await;
        let second = id_of(&server.prompt(&bob, "p").await);
        assert_eq!(server.get(&bob, &format!("/api/diagram/status/{first}")).await.0, 404);
        gate.open();
        let (made, shared) = (server.ended(&ann, &first).await, server.ended(&bob, &second).await);
        assert_eq!((&shared["result"], &shared["cached"]), (&made["result"], &json!(false)));
        assert_eq!(upstream.ledger().len(), calls);
        let spent = |usage: (u16, Value)| usage.1["tokens"]["month"]["output"].as_u64().unwrap();
        let (of_ann, of_bob) = (
            spent(server.get(&ann, "/api/diagram/usage").await),
            spent(server.get(&bob, "/api/diagram/usage").await),
        );
        assert_eq!((of_ann > 0, of_bob > 0), (true, calls == 2), "who makes the call pays for it");
        assert_eq!((units(&server, &ann).await, units(&server, &bob).await), (1, 1));
        books_agree(&server).await;
    }
}

#[tokio::test]
async fn who_bypasses_the_cache_shares_no_call_and_nobody_does_where_it_is_off() {
    let (upstream, gate, server, key) = held(ON).await;
    let bypass = json!({"prompt": "p", "cache": "bypass"});
    let mut ids = Vec::new();
    for body in [bypass.clone(), bypass, json!({"prompt": "p"})] {
        ids.push(id_of(&server.post(&key, body).await));
    }
    upstream.ledger().wait_for_calls(3).await;
    gate.open();
    for id in &ids {
        assert_eq!(server.ended(&key, id).await["status"], "completed");
    }

    let (upstream, gate, server, key) = held("").await;
    [server.prompt(&key, "p").await, server.prompt(&key, "p").await]
        .iter()
        .for_each(|sent| drop(id_of(sent)));
    upstream.ledger().wait_for_calls(2).await;
    gate.open();
}

#[tokio::test]
async fn one_call_is_shared_by_so_many_and_the_next_one_is_made() {
    let more = format!("[tiers.enterprise]\nmax_queued = 1000\n{ON}");
    let (upstream, gate, server, _) = held(&more).await;
    let key = server.key("eve", "enterprise", &[]);
    let mut ids = Vec::new();
    for _ in 0..FOLLOWERS_MAX + 3 {
        ids.push(id_of(&server.prompt(&key, "p").await));
    }
    upstream.ledger().wait_for_calls(2).await;
    gate.open();
    for id in &ids {
        assert_eq!(server.ended(&key, id).await["status"], "completed");
    }
    assert_eq!(upstream.ledger().len(), 2);
    assert_eq!(books_agree(&server).await["completed"], ids.len());
}

#[tokio::test]
async fn a_users_backlog_counts_who_shares_and_its_cap_does_not() {
    let more = format!("[tiers.free]\nmax_concurrent = 1\nmax_queued = 2\n{ON}");
    let (upstream, gate, server, _) = held(&more).await;
    let key = server.key("eve", "free", &[]);
    id_of(&server.prompt(&key, "p").await);
    upstream.ledger().wait_for_calls(1).await;
    [server.prompt(&key, "p").await, server.prompt(&key, "p").await]
        .iter()
        .for_each(|sent| drop(id_of(sent)));
    let (code, refused) = server.prompt(&key, "p").await;
    assert_eq!((code, &refused["code"]), (429, &json!("too_many_queued")), "{refused}");
    gate.open();
}

#[tokio::test]
async fn a_correction_is_shared_too_and_what_does_not_parse_costs_nobody_a_unit() {
    let answer = |source: &str| Behaviour::answer(format!("```dot\n{source}\n```\nTitle: T\n"));
    let body = json!({"prompt": "orders", "diagramType": "graphviz"});
    for (corrected, verdict, charged) in
        [("digraph { a -> b }", "repaired", 2), ("digraph {\n a -> [\n}", "invalid", 0)]
    {
        let upstream = Upstream::anthropic().start().await;
        let gate = Gate::closed();
        upstream.push(answer("digraph {\n  a ->\n}").hold(&gate));
        upstream.push(answer(corrected));
        let server = Server::start(&config(&upstream, ON));
        let key = server.key("ann", "pro", &[]);
        let leader = id_of(&server.post(&key, body.clone()).await);
        upstream.ledger().wait_for_calls(1).await;
        let follower = id_of(&server.post(&key, body.clone()).await);
        let mut socket = Socket::open(&server).await;
        socket.send(subscribe(&follower)).await;
        socket.until("subscribed").await;
        gate.open();
        let seen = socket.until("completed").await;
        assert!(types(&seen).contains(&"repairing"), "{:?}", types(&seen));
        let (made, shared) = (server.ended(&key, &leader).await, server.ended(&key, &follower).await);
        assert_eq!(shared["validation"]["status"], verdict);
        assert_eq!((&shared["result"], &shared["validation"]), (&made["result"], &made["validation"]));
        assert_eq!((upstream.ledger().len(), units(&server, &key).await), (2, charged));
        books_agree(&server).await;
    }
}

#[tokio::test]
async fn a_replay_of_one_that_shares_is_that_one() {
    let (upstream, gate, server, key) = held(ON).await;
    id_of(&server.prompt(&key, "p").await);
    let mut ids = Vec::new();
    for _ in 0..2 {
        let sent = server.client.post(format!("{}/api/diagram/generate", server.url));
        let sent =
            sent.header("x-api-key", &key).header("idempotency-key", "k").json(&json!({"prompt": "p"}));
        ids.push(sent.send().await.unwrap().json::<Value>().await.unwrap()["requestId"].clone());
    }
    assert_eq!(ids[0], ids[1]);
    gate.open();
    assert_eq!(server.ended(&key, ids[0].as_str().unwrap()).await["status"], "completed");
    assert_eq!((upstream.ledger().len(), units(&server, &key).await), (1, 2));
}
