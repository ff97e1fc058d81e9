//! The operator's look at everybody's requests: filters, pages, one in detail, who is next, plots.

use std::collections::BTreeSet;

use diagramd::domain::Money;
use rusqlite::{Connection, params};
use serde_json::{Value, json};

use crate::flow::config;
use crate::server::Server;
use crate::upstream::{Behaviour, Gate, Upstream};

const START_MS: i64 = 1_780_000_000_000;
const TIERS: [&str; 4] = ["free", "basic", "pro", "enterprise"];
const TYPES: [&str; 4] = ["mermaid", "graphviz", "plantuml", "d2"];

/// A server on a database with so many requests that are over, a second apart. Every hundredth
/// has failed, the one after it came from the cache; models, tiers, languages and two users take turns.
fn seeded(count: i64) -> (Server, String) {
    let server = Server::start("");
    let admin = server.key("root", "pro", &["--admin"]);
    server.key("ann", "pro", &[]);
    server.key("anton", "pro", &[]);
    let mut database = Connection::open(server.dir.path().join("data/diagramd.db")).unwrap();
    let transaction = database.transaction().unwrap();
    for n in 1..=count {
        let state = if n % 100 == 0 { 3 } else { 2 };
        let index = usize::try_from(n).unwrap();
        let id = u128::from_str_radix(&format!("{n:032x}"), 16).unwrap().to_be_bytes();
        transaction
            .prepare_cached(
                "INSERT INTO job (seq, id, user_id, tier, state, diagram_type, max_tokens, estimated_input, reserved,
                                  model, calls, input, output, cost, cached, saved, created_at, started_at, ended_at)
                 SELECT ?1, ?2, id, ?3, ?4, ?5, 100, 10, 0, ?6, 1, 10, 5, 1000, ?9, ?9 * 700, ?7, ?7 + 10, ?7 + 500
                 FROM user WHERE name = ?8",
            )
            .unwrap()
            .execute(params![
                n,
                id,
                TIERS[index % 4],
                state,
                TYPES[index % 4],
                if n == 7 { "rare" } else { "common" },
                START_MS + n * 1000,
                if n % 2 == 0 { "ann" } else { "anton" },
                i64::from(n % 100 == 1),
            ])
            .unwrap();
        let body = json!({ "prompt": "a secret prompt" }).to_string();
        transaction
            .prepare_cached("INSERT INTO job_body (job_seq, brief) VALUES (?1, ?2)")
            .unwrap()
            .execute(params![n, body])
            .unwrap();
        let failure = json!({ "code": "refused", "message": "no", "retryable": false }).to_string();
        transaction
            .prepare_cached(
                "INSERT INTO job_result (job_seq, source, title, failure) VALUES (?1, ?2, ?3, ?4)",
            )
            .unwrap()
            .execute(params![n, "flowchart TD", format!("title {n}"), (state == 3).then_some(failure)])
            .unwrap();
    }
    transaction.commit().unwrap();
    (server, admin)
}

/// The numbers of the requests of all pages.
async fn all(server: &Server, admin: &str, filter: &str) -> Vec<u128> {
    let mut numbers = Vec::new();
    let mut cursor = String::new();
    loop {
        let (status, page) = server.get(admin, &format!("/api/admin/requests?{filter}{cursor}")).await;
        assert_eq!(status, 200, "{page}");
        assert!(!page.to_string().contains("secret"), "no prompt in a list");
        for request in page["requests"].as_array().unwrap() {
            let id = request["requestId"].as_str().unwrap().trim_start_matches("req_").to_owned();
            numbers.push(u128::from_str_radix(&id, 16).unwrap());
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return numbers,
        }
    }
}

#[tokio::test]
async fn every_filter_finds_what_it_says_newest_first() {
    let (server, admin) = seeded(500);
    let numbers = |filter: fn(u128) -> bool| (1..=500).rev().filter(|n| filter(*n)).collect::<Vec<_>>();
    let time = |n: i64| {
        let at = jiff::Timestamp::from_millisecond(START_MS + n * 1000).unwrap();
        at.to_string()
    };
    let span = format!("limit=200&from={}&to={}", time(101), time(201));
    for (filter, expected) in [
        ("limit=200", numbers(|_| true)),
        ("limit=200&status=failed", numbers(|n| n % 100 == 0)),
        ("limit=3&status=failed", numbers(|n| n % 100 == 0)),
        ("limit=200&status=completed&user=ann", numbers(|n| n % 2 == 0 && n % 100 != 0)),
        ("limit=200&user=nobody", vec![]),
        ("limit=200&tier=pro", numbers(|n| n % 4 == 2)),
        ("limit=200&type=d2&user=anton", numbers(|n| n % 4 == 3)),
        ("limit=200&model=rare", vec![7]),
        ("limit=200&status=queued", vec![]),
        ("limit=200&q=ann", numbers(|n| n % 2 == 0)),
        ("limit=200&q=ant", numbers(|n| n % 2 == 1)),
        ("limit=200&q=an", numbers(|_| true)),
        ("limit=200&q=x", vec![]),
        (&span, numbers(|n| (101..201).contains(&n))),
        ("limit=200&from=2100-01-01T00:00:00Z", vec![]),
    ] {
        assert_eq!(all(&server, &admin, filter).await, expected, "{filter}");
    }
    let whole = format!("q=req_{:032x}", 42);
    assert_eq!(all(&server, &admin, &whole).await, [42]);
    let beginning = format!("q=req_{}&limit=200", "0".repeat(30));
    assert_eq!(all(&server, &admin, &beginning).await, (1..=255).rev().collect::<Vec<_>>());
    let (_, page) = server.get(&admin, "/api/admin/requests?status=failed&limit=1").await;
    assert_eq!(page["requests"][0]["errorCode"], "refused");
    assert_eq!(
        (&page["requests"][0]["user"], &page["requests"][0]["title"]),
        (&json!("ann"), &json!("title 500"))
    );
    let (status, problem) = server.get(&admin, "/api/admin/requests?user=ann&q=ant").await;
    assert_eq!(
        (status, &problem["errors"][0]["pointer"]),
        (422, &json!("/q")),
        "one of the two would be ignored"
    );
    let (status, problem) = server.get(&admin, "/api/admin/requests?status=x&q=req_1&from=x").await;
    assert_eq!((status, problem["errors"].as_array().unwrap().len()), (422, 3));
}

#[tokio::test]
async fn what_is_rare_is_found_over_pages_that_are_short() {
    let (server, admin) = seeded(45_000);
    let (_, first) = server.get(&admin, "/api/admin/requests?model=rare").await;
    assert_eq!(first["requests"].as_array().unwrap().len(), 0);
    assert!(first["next"].is_string(), "20,000 were looked at");
    assert_eq!(all(&server, &admin, "model=rare").await, [7]);
    assert_eq!(all(&server, &admin, "status=failed&limit=200").await.len(), 450);
}

#[tokio::test]
async fn one_request_is_shown_with_whose_it_is_and_its_calls() {
    let server = Server::start("");
    let (admin, ann) = (server.key("root", "pro", &["--admin"]), server.key("ann", "basic", &[]));
    let (_, accepted) = server.prompt(&ann, "A -> B").await;
    let id = accepted["requestId"].as_str().unwrap();
    let status = server.ended(&ann, id).await;
    let (code, detail) = server.get(&admin, &format!("/api/admin/requests/{id}")).await;
    assert_eq!((code, &detail["user"], &detail["tier"]), (200, &json!("ann"), &json!("basic")));
    assert_eq!(detail["request"], status);
    let calls = detail["calls"].as_array().unwrap();
    assert_eq!((calls.len(), &calls[0]["run"], &calls[0]["upstream"]), (1, &json!(1), &json!("offline")));
    assert_eq!(calls[0]["outputTokens"], status["usage"]["outputTokens"]);
    assert_eq!(server.get(&ann, &format!("/api/admin/requests/{id}")).await.0, 403);
    assert_eq!(server.get(&admin, &format!("/api/admin/requests/req_{}", "0".repeat(32))).await.0, 404);
}

#[tokio::test]
async fn who_waits_is_listed_in_order_and_can_be_cancelled_by_the_operator() {
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    upstream.always(Behaviour::default().hold(&gate));
    let server = Server::start(&config(&upstream, ""));
    let (admin, ann) = (server.key("root", "pro", &["--admin"]), server.key("ann", "free", &[]));
    let mut ids = Vec::new();
    for prompt in ["one", "two", "three", "four"] {
        let (status, accepted) = server.prompt(&ann, prompt).await;
        assert_eq!(status, 202);
        ids.push(accepted["requestId"].as_str().unwrap().to_owned());
    }
    upstream.ledger().wait_for_calls(1).await;
    let waiting = async || {
        let (_, list) = server.get(&admin, "/api/admin/queue/waiting").await;
        list["requests"].as_array().unwrap().clone()
    };
    let listed = waiting().await;
    let names: Vec<&str> = listed.iter().map(|one| one["requestId"].as_str().unwrap()).collect();
    assert_eq!(names, ids[1..]);
    let places: Vec<u64> = listed.iter().map(|one| one["position"].as_u64().unwrap()).collect();
    assert_eq!(places, [1, 2, 3]);
    assert_eq!(
        server.get(&admin, "/api/admin/queue/waiting?limit=2").await.1["requests"].as_array().unwrap().len(),
        2
    );
    assert_eq!(server.delete(&admin, &format!("/api/diagram/cancel/{}", ids[2])).await.0, 200);
    let left: BTreeSet<String> =
        waiting().await.iter().map(|one| one["requestId"].as_str().unwrap().to_owned()).collect();
    assert_eq!(left, BTreeSet::from([ids[1].clone(), ids[3].clone()]));
    gate.open();
}

#[tokio::test]
async fn plots_count_what_the_statistics_count() {
    let (server, admin) = seeded(300);
    let time = |n: i64| jiff::Timestamp::from_millisecond(START_MS + n * 1000).unwrap().to_string();
    let span = format!("from={}&to={}", time(0), time(301));
    let (_, stats) = server.get(&admin, &format!("/api/diagram/stats?{span}")).await;
    for by in ["tier", "user", "model", "diagramType"] {
        let (status, plot) =
            server.get(&admin, &format!("/api/admin/timeline?{span}&step=minute&by={by}")).await;
        assert_eq!(status, 200, "{plot}");
        let points: Vec<&Value> = plot["series"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|one| one["points"].as_array().unwrap())
            .collect();
        let sum = |name: &str| points.iter().map(|point| point[name].as_u64().unwrap()).sum::<u64>();
        for name in ["submitted", "completed", "failed", "cacheHits", "inputTokens", "outputTokens"] {
            assert_eq!(sum(name), stats["totals"][name].as_u64().unwrap(), "{by} {name}");
            assert_ne!(sum(name), 0, "{by} {name}");
        }
        let money = |value: &Value| Money::parse_dollars(value.as_str().unwrap()).unwrap().0;
        for name in ["costUsd", "savedUsd"] {
            let total: i64 = points.iter().map(|point| money(&point[name])).sum();
            assert_eq!(total, money(&stats["totals"][name]), "{by} {name}");
            assert_ne!(total, 0, "{by} {name}");
        }
        assert!(points.iter().all(|point| point["at"].as_str().unwrap().ends_with(":00.000Z")));
    }
    let (_, plot) = server.get(&admin, &format!("/api/admin/timeline?{span}&by=user")).await;
    let keys: Vec<&str> =
        plot["series"].as_array().unwrap().iter().map(|one| one["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["ann", "anton"]);
    let (status, day) = server.get(&admin, "/api/admin/timeline?step=minute").await;
    assert_eq!(status, 200, "the span that nobody named fits its step: {day}");
    for bad in [
        "step=minute&from=2026-01-01T00:00:00Z",
        "step=year",
        "by=mood",
        "from=2030-01-01T00:00:00Z&to=2029-01-01T00:00:00Z",
    ] {
        assert_eq!(server.get(&admin, &format!("/api/admin/timeline?{bad}")).await.0, 422, "{bad}");
    }
}
