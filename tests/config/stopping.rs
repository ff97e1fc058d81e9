//! The first SIGTERM drains, the second ends at once.

use serde_json::json;

use crate::serving::{Serving, answer};
use crate::upstream::{Behaviour, Gate, Upstream};

fn config(upstream: &Upstream, grace: &str) -> String {
    format!(
        "[server]\nshutdown_grace = \"{grace}\"\n[[upstreams]]\nkind = \"anthropic\"\nbase_url = \"{}\"\napi_key = \"{}\"\nmax_concurrent = 1\n",
        upstream.url(),
        upstream.key()
    )
}

#[tokio::test]
async fn the_first_signal_drains_the_running_call_and_refuses_new_ones() {
    for signal in ["TERM", "INT"] {
        let upstream = Upstream::anthropic().start().await;
        let gate = Gate::closed();
        upstream.always(Behaviour::default().hold(&gate));
        let mut serving = Serving::start(&config(&upstream, "1h"));
        let key = serving.key("ann", &["--tier", "pro"]);
        let waiting = {
            let request = serving.submit(&key, json!({ "prompt": "draw" })).header("prefer", "wait=60");
            tokio::spawn(answer(request))
        };
        upstream.ledger().wait_for_calls(1).await;
        serving.signal(signal);
        serving.wait_for_log("stopping");
        let (status, problem) = answer(serving.submit(&key, json!({ "prompt": "late" }))).await;
        assert_eq!((status, problem["code"].as_str()), (503, Some("shutting_down")), "{problem}");
        let ready = serving.get(&key, "/readyz").send().await.unwrap();
        assert_eq!(ready.status().as_u16(), 503, "a load balancer sends nothing more");
        assert!(!waiting.is_finished());
        gate.open();
        let (status, finished) = waiting.await.unwrap();
        assert_eq!((status, finished["status"].as_str()), (200, Some("completed")), "{finished}");
        assert_eq!(serving.ended().code(), Some(0));
        assert_eq!(upstream.ledger().len(), 1);
    }
}

#[tokio::test]
async fn the_second_signal_closes_the_running_call_and_its_request_waits_on_disk() {
    let upstream = Upstream::anthropic().start().await;
    upstream.always(Behaviour::silent());
    let mut serving = Serving::start(&config(&upstream, "1h"));
    let key = serving.key("ann", &["--tier", "pro"]);
    let (status, accepted) = answer(serving.submit(&key, json!({ "prompt": "draw" }))).await;
    assert_eq!(status, 202, "{accepted}");
    upstream.ledger().wait_for_calls(1).await;
    serving.signal("TERM");
    serving.wait_for_log("stopping");
    serving.signal("TERM");
    serving.wait_for_log("a second signal");
    assert_eq!(serving.ended().code(), Some(0));
    upstream.ledger().wait_for_ended(1).await;
    let database = rusqlite::Connection::open(serving.dir.path().join("data/diagramd.db")).unwrap();
    let state: i64 = database.query_row("SELECT state FROM job", [], |row| row.get(0)).unwrap();
    assert_eq!(state, 0, "queued again");
}

#[tokio::test]
async fn the_second_signal_does_not_wait_for_connections() {
    let upstream = Upstream::anthropic().start().await;
    let mut serving = Serving::start(&config(&upstream, "1h"));
    let key = serving.key("ann", &[]);
    upstream.always(Behaviour::silent());
    let (_, accepted) = answer(serving.submit(&key, json!({ "prompt": "draw" }))).await;
    let id = accepted["requestId"].as_str().unwrap();
    // A body that never ends keeps its call, and the call its connection.
    let endless = futures_util::stream::pending::<Result<bytes::Bytes, std::io::Error>>();
    let request = serving
        .client
        .post(format!("{}/api/diagram/generate", serving.url))
        .header("x-api-key", &key)
        .header("content-type", "application/json")
        .body(reqwest::Body::wrap_stream(endless));
    let open = tokio::spawn(request.send());
    let deleted = serving.client.delete(format!("{}/api/diagram/cancel/{id}", serving.url));
    assert_eq!(deleted.header("x-api-key", &key).send().await.unwrap().status().as_u16(), 200);
    serving.signal("TERM");
    serving.wait_for_log("stopping");
    serving.signal("TERM");
    assert_eq!(serving.ended().code(), Some(0));
    open.abort();
}

#[tokio::test]
async fn the_grace_period_ends_a_call_that_does_not() {
    let upstream = Upstream::anthropic().start().await;
    upstream.always(Behaviour::silent());
    let mut serving = Serving::start(&config(&upstream, "50ms"));
    let key = serving.key("ann", &[]);
    answer(serving.submit(&key, json!({ "prompt": "draw" }))).await;
    upstream.ledger().wait_for_calls(1).await;
    serving.signal("TERM");
    assert_eq!(serving.ended().code(), Some(0));
    upstream.ledger().wait_for_ended(1).await;
}
