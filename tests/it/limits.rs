//! Limits hold exactly, whatever comes at once.

use serde_json::json;

use crate::flow::config;
use crate::server::Server;
use crate::upstream::{Behaviour, Gate, Upstream};

#[tokio::test]
async fn of_many_simultaneous_submits_exactly_the_limit_is_accepted() {
    let server = Server::start("[tiers.free]\nrequests_per_hour = 37\nrequests_per_day = 37\n");
    let key = server.key("ann", "free", &[]);
    let submits = (0..1000).map(|n| server.prompt(&key, if n % 2 == 0 { "A -> B" } else { "B -> C" }));
    let answers = futures_util::future::join_all(submits).await;
    let count = |wanted: u16| answers.iter().filter(|(status, _)| *status == wanted).count();
    assert_eq!((count(202), count(429)), (37, 963));
    let (_, refusal) = answers.into_iter().find(|(status, _)| *status == 429).unwrap();
    assert_eq!(refusal["limit"]["scope"], "user");

    let restarted = Server::on(server.kill());
    assert_eq!(restarted.prompt(&key, "A -> B").await.0, 429, "also across a crash");
    let (_, usage) = restarted.get(&key, "/api/diagram/usage").await;
    assert_eq!((&usage["hour"]["used"], &usage["hour"]["remaining"]), (&json!(37), &json!(0)));
}

#[tokio::test]
async fn the_same_key_gives_the_same_request_also_at_once_and_after_a_crash() {
    let server = Server::start("");
    let key = server.key("ann", "basic", &[]);
    let submit = async |server: &Server, prompt: &str| {
        let sent = server.client.post(format!("{}/api/diagram/generate", server.url));
        let sent =
            sent.header("x-api-key", &key).header("idempotency-key", "k1").json(&json!({"prompt": prompt}));
        let answer = sent.send().await.unwrap();
        (answer.status().as_u16(), answer.json::<serde_json::Value>().await.unwrap())
    };
    let answers = futures_util::future::join_all((0..20).map(|_| submit(&server, "A -> B"))).await;
    assert!(
        answers.iter().all(|(status, body)| *status == 202 && body["requestId"] == answers[0].1["requestId"])
    );
    let restarted = Server::on(server.kill());
    assert_eq!(submit(&restarted, "A -> B").await.1["requestId"], answers[0].1["requestId"]);
    let (status, problem) = submit(&restarted, "another").await;
    assert_eq!((status, &problem["code"]), (422, &json!("idempotency_key_reused")));
    assert_eq!(restarted.get(&key, "/api/diagram/usage").await.1["hour"]["used"], 1);
}

#[tokio::test]
async fn no_user_has_more_calls_open_than_its_tier_allows() {
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    upstream.always(Behaviour::default().hold(&gate));
    let server = Server::start(&config(&upstream, "max_concurrent = 50"));
    let key = server.key("ann", "basic", &[]);
    let mut ids = Vec::new();
    for n in 0..6 {
        let (_, accepted) = server.prompt(&key, &format!("number {n}")).await;
        ids.push(accepted["requestId"].as_str().unwrap().to_owned());
    }
    upstream.ledger().wait_for_calls(2).await;
    let (_, waiting) = server.get(&key, &format!("/api/diagram/status/{}", ids[5])).await;
    assert_eq!((&waiting["status"], &waiting["position"]), (&json!("queued"), &json!(4)));
    gate.open();
    for id in &ids {
        assert_eq!(server.ended(&key, id).await["status"], "completed");
    }
    assert_eq!(upstream.ledger().max_concurrent_per_user(), 2);
}

#[tokio::test]
async fn a_revoked_key_is_refused_while_the_server_runs() {
    let server = Server::start("");
    let admin = server.key("root", "free", &["--admin"]);
    let key = server.key("ann", "free", &[]);
    assert_eq!(server.get(&key, "/api/diagram/usage").await.0, 200);
    let (_, keys) = server.get(&admin, "/api/admin/keys").await;
    let keys = keys["keys"].as_array().unwrap();
    let id = keys.iter().find(|k| k["user"] == "ann").unwrap()["id"].as_str().unwrap();
    assert_eq!(server.delete(&admin, &format!("/api/admin/keys/{id}")).await.0, 200);
    assert_eq!(server.get(&key, "/api/diagram/usage").await.0, 401);
    assert_eq!(server.get(&admin, "/api/diagram/usage").await.0, 200, "from the same address");
}
