//! Upstreams that are down: another one serves meanwhile, nobody is refused, and the preferred one
//! is gone back to.

use serde_json::{Value, json};

use crate::server::Server;
use crate::upstream::{Behaviour, Outcome, Upstream};

/// The first upstream is preferred.
fn config(upstreams: &[&Upstream], more: &str) -> String {
    let mut text = String::new();
    for (n, upstream) in upstreams.iter().enumerate() {
        text.push_str(&format!(
            "[[upstreams]]\nname = \"upstream-{n}\"\nkind = \"anthropic\"\nbase_url = \"{}\"\napi_key = \"{}\"\n\
             requests_per_minute = 0\ntokens_per_minute = 0\n",
            upstream.url(),
            upstream.key()
        ));
    }
    text + "[cache]\nenabled = false\n[queue]\nretry_base = \"10ms\"\n[tiers.enterprise]\nmax_queued = 1000000\nrequests_per_hour = 1000000\nrequests_per_day = 1000000\n\
     [server]\napi_requests_per_minute = 0\nanonymous_requests_per_minute = 0\n"
        + more
}

async fn submit(server: &Server, key: &str, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..count {
        let (status, body) = server.prompt(key, &format!("number {n}")).await;
        assert_eq!(status, 202, "{body}");
        ids.push(body["requestId"].as_str().unwrap().to_owned());
    }
    ids
}

async fn all_complete(server: &Server, key: &str, ids: &[String]) -> Vec<Value> {
    let mut ended = Vec::new();
    for id in ids {
        let job = server.ended(key, id).await;
        assert_eq!(job["status"], "completed", "{job}");
        ended.push(job);
    }
    ended
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_preferred_upstream_is_down_the_other_serves() {
    let (preferred, other) = (Upstream::anthropic().start().await, Upstream::anthropic().start().await);
    preferred.always(Behaviour::status(529));
    let server = Server::start(&config(&[&preferred, &other], ""));
    let key = server.key("ann", "enterprise", &[]);
    let ids = submit(&server, &key, 60).await;
    all_complete(&server, &key, &ids).await;
    assert_eq!(other.ledger().len(), 60);
    // Eight calls may be under way when it goes down; then one probe at a time.
    assert!(preferred.ledger().len() <= 12, "{} calls to an upstream that is down", preferred.ledger().len());
    let admin = server.key("root", "free", &["--admin"]);
    let (_, queue) = server.get(&admin, "/api/diagram/queue/status").await;
    assert_ne!(queue["upstreams"][0]["state"], "open", "{queue}");
    assert_eq!(queue["upstreams"][1]["state"], "open", "{queue}");

    // Well again: a probe finds out, and what is preferred is preferred.
    preferred.always(Behaviour::default());
    let seen = preferred.ledger().len();
    while preferred.ledger().count(|call| call.outcome == Outcome::Completed) == 0 {
        all_complete(&server, &key, &submit(&server, &key, 1).await).await;
    }
    let before = other.ledger().len();
    // One after the other: an upstream that is full lets the rest go to the next one.
    for _ in 0..10 {
        all_complete(&server, &key, &submit(&server, &key, 1).await).await;
    }
    assert_eq!(other.ledger().len(), before, "all ten went to the preferred one");
    assert!(preferred.ledger().len() >= seen + 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_the_upstream_refuses_pauses_it_and_keeps_every_request() {
    let upstream = Upstream::anthropic().start().await;
    upstream.always(Behaviour::status(401));
    let server = Server::start(&config(&[&upstream], ""));
    let key = server.key("ann", "enterprise", &[]);
    let ids = submit(&server, &key, 5).await;
    upstream.ledger().wait_for_ended(1).await;
    let admin = server.key("root", "free", &["--admin"]);
    let lane = loop {
        let (_, queue) = server.get(&admin, "/api/diagram/queue/status").await;
        if queue["upstreams"][0]["state"] == "paused" {
            break queue["upstreams"][0].clone();
        }
    };
    assert!(lane["reason"].as_str().unwrap().contains("401"), "{lane}");
    for id in &ids {
        assert_eq!(server.get(&key, &format!("/api/diagram/status/{id}")).await.1["status"], "queued");
    }
    // The operator mends the key and starts again.
    upstream.always(Behaviour::default());
    let server = Server::on(server.terminate().await);
    let jobs = all_complete(&server, &key, &ids).await;
    assert!(jobs.iter().all(|job| job["attempts"].as_u64().unwrap() <= 1), "a pause costs no attempt");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_stall_break_or_say_nonsense_are_made_again() {
    let upstream = Upstream::anthropic().start().await;
    let faults = [
        Behaviour::stall_after(3),
        Behaviour::cut_after(4),
        Behaviour::garbage(),
        Behaviour::error_event("overloaded_error", 3),
        Behaviour::status(500),
    ];
    for fault in faults {
        upstream.push(fault);
    }
    let server = Server::start(&config(&[&upstream], "[generation]\ntimeout = \"1s\"\n"));
    let key = server.key("ann", "enterprise", &[]);
    let ids = submit(&server, &key, 30).await;
    let jobs = all_complete(&server, &key, &ids).await;
    let attempts: u64 = jobs.iter().map(|job| job["attempts"].as_u64().unwrap()).sum();
    assert_eq!(attempts, 30 + 5, "each of the five failures is one attempt more");
    let (_, usage) = server.get(&key, "/api/diagram/usage").await;
    assert_eq!(usage["hour"]["used"], json!(30));
}
