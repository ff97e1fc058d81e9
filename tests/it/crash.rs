//! kill -9 and SIGTERM under load: nothing acknowledged is missing.

use std::collections::HashSet;

use crate::flow::config;
use crate::server::Server;
use crate::upstream::Upstream;

#[tokio::test]
async fn after_kill_nine_every_acknowledged_request_ends_once() {
    let upstream = Upstream::anthropic().start().await;
    let mut server =
        Server::start(&config(&upstream, "max_concurrent = 4\n[tiers.enterprise]\nmax_queued = 1000"));
    let key = server.key("ann", "enterprise", &[]);
    let mut acknowledged = HashSet::new();
    for round in 0..4 {
        let prompts: Vec<String> = (0..20).map(|n| format!("round {round}, number {n}")).collect();
        let submits = prompts.iter().map(|prompt| server.prompt(&key, prompt));
        for (status, body) in futures_util::future::join_all(submits).await {
            assert_eq!(status, 202, "{body}");
            acknowledged.insert(body["requestId"].as_str().unwrap().to_owned());
        }
        // Every other round while calls run, the others at once.
        if round % 2 == 0 {
            upstream.ledger().wait_for_ended(round * 5 + 1).await;
        }
        server = Server::on(server.kill());
    }
    for id in &acknowledged {
        assert_eq!(server.ended(&key, id).await["status"], "completed", "{id}");
    }
    let admin = server.key("root", "free", &["--admin"]);
    let (_, stats) = server.get(&admin, "/api/diagram/stats").await;
    assert_eq!(stats["totals"]["completed"], acknowledged.len());
    assert!(upstream.ledger().max_concurrent_per_user() <= 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_lets_calls_finish_and_keeps_the_rest() {
    let upstream = Upstream::anthropic().start().await;
    let server = Server::start(&config(&upstream, "max_concurrent = 1"));
    let key = server.key("ann", "pro", &[]);
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(
            server.prompt(&key, &format!("number {n}")).await.1["requestId"].as_str().unwrap().to_owned(),
        );
    }
    let server = Server::on(server.terminate().await);
    for id in &ids {
        assert_eq!(server.ended(&key, id).await["status"], "completed");
    }
    assert_eq!(upstream.ledger().len(), 5, "no call was made twice");
}
