//! Against an upstream that limits, fails and bills.

use diagramd::domain::prices;
use serde_json::json;

use crate::flow::config;
use crate::server::Server;
use crate::upstream::{Behaviour, Upstream};

#[tokio::test]
async fn failed_calls_are_retried_counted_and_billed_to_the_nano_dollar() {
    let upstream = Upstream::anthropic().start().await;
    upstream.push(Behaviour::status(529));
    upstream.push(Behaviour::status(500));
    let server = Server::start(&config(&upstream, ""));
    let key = server.key("ann", "pro", &[]);
    let (_, accepted) = server.prompt(&key, "draw it").await;
    let job = server.ended(&key, accepted["requestId"].as_str().unwrap()).await;
    assert_eq!((&job["status"], &job["attempts"]), (&json!("completed"), &json!(3)));
    let bill = upstream.ledger().bill(|model| prices::built_in(model).unwrap());
    assert_eq!(job["usage"]["costUsd"], bill.to_string());
    let (_, usage) = server.get(&key, "/api/diagram/usage").await;
    assert_eq!(usage["cost"]["todayUsd"], bill.to_string());
}

#[tokio::test]
async fn attempts_used_up_fail_retryably_and_give_the_unit_back() {
    let upstream = Upstream::anthropic().start().await;
    upstream.always(Behaviour::status(500));
    let more = config(&upstream, "").replace("[queue]", "[queue]\nmax_attempts = 3");
    let server = Server::start(&more);
    let key = server.key("ann", "free", &[]);
    let (_, accepted) = server.prompt(&key, "draw it").await;
    let id = accepted["requestId"].as_str().unwrap();
    let job = server.ended(&key, id).await;
    assert_eq!(
        (&job["status"], &job["error"]["retryable"], &job["attempts"]),
        (&json!("failed"), &json!(true), &json!(3))
    );
    assert_eq!(server.get(&key, "/api/diagram/usage").await.1["hour"]["used"], 0);
    upstream.always(Behaviour::default());
    let admin = server.key("root", "free", &["--admin"]);
    let retry = server
        .client
        .post(format!("{}/api/admin/requests/{id}/retry", server.url))
        .header("x-api-key", &admin);
    let retry = retry.send().await.unwrap();
    assert_eq!(retry.status().as_u16(), 202);
    assert_eq!(retry.json::<serde_json::Value>().await.unwrap()["position"], 1);
    assert_eq!(server.ended(&key, id).await["status"], "completed");
}

#[tokio::test]
async fn a_limited_upstream_never_has_to_refuse_and_a_paused_one_keeps_requests() {
    let upstream = Upstream::anthropic().requests_per_minute(8).start().await;
    let limited = config(&upstream, "").replace("requests_per_minute = 1000", "requests_per_minute = 8");
    let server = Server::start(&limited);
    let key = server.key("ann", "enterprise", &[]);
    for n in 0..12 {
        assert_eq!(server.prompt(&key, &format!("number {n}")).await.0, 202);
    }
    upstream.ledger().wait_for_ended(8).await;
    let admin = server.key("root", "free", &["--admin"]);
    let (_, queue) = server.get(&admin, "/api/diagram/queue/status").await;
    assert_eq!((upstream.violations(), &queue["depth"]), (0, &json!(4)), "the rest waits for its minute");

    let denied = Upstream::anthropic().start().await;
    denied.always(Behaviour::status(401));
    let server = Server::start(&config(&denied, ""));
    let key = server.key("ann", "pro", &[]);
    let (_, accepted) = server.prompt(&key, "draw it").await;
    denied.ledger().wait_for_ended(1).await;
    let admin = server.key("root", "free", &["--admin"]);
    let (_, job) =
        server.get(&key, &format!("/api/diagram/status/{}", accepted["requestId"].as_str().unwrap())).await;
    assert!(["queued", "processing"].contains(&job["status"].as_str().unwrap()), "{job}");
    assert_eq!(server.get(&admin, "/readyz").await.0, 200);
}

#[tokio::test]
async fn a_refusal_by_the_model_fails_for_good() {
    let upstream = Upstream::anthropic().start().await;
    upstream.always(Behaviour::default().stop_reason("refusal"));
    let server = Server::start(&config(&upstream, ""));
    let key = server.key("ann", "free", &[]);
    let (_, accepted) = server.prompt(&key, "something nasty").await;
    let job = server.ended(&key, accepted["requestId"].as_str().unwrap()).await;
    assert_eq!(
        (&job["status"], &job["error"]["code"], &job["error"]["retryable"]),
        (&json!("failed"), &json!("refused"), &json!(false))
    );
    let bill = upstream.ledger().bill(|model| prices::built_in(model).unwrap());
    assert_eq!(
        (&job["usage"]["estimated"], &job["usage"]["costUsd"]),
        (&json!(false), &json!(bill.to_string())),
        "the upstream counted to the end"
    );
}
