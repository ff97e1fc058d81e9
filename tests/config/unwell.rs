//! An upstream that stops, as its operator reads it in the log.

use serde_json::{Value, json};

use crate::serving::Serving;
use crate::upstream::{Behaviour, Upstream};

fn config(upstream: &Upstream) -> String {
    format!(
        "[log]\nformat = \"json\"\n[server]\napi_requests_per_minute = 0\n[[upstreams]]\nname = \"main\"\nkind = \"anthropic\"\nbase_url = \"{}\"\n\
         api_key = \"{}\"\nmodel = \"claude-sonnet-5-5\"\nmax_concurrent = 1\n",
        upstream.url(),
        upstream.key()
    )
}

/// Makes an admin's key and submits a prompt with it.
async fn submit(serving: &Serving) -> String {
    let made = crate::binary::command(serving.dir.path())
        .args(["key", "create", "--user", "root", "--admin", "--data-dir", "data"])
        .output()
        .unwrap();
    let key = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    let call = serving.client.post(format!("{}/api/diagram/generate", serving.url));
    let sent =
        call.header("x-api-key", &key).json(&json!({ "prompt": "my secret plan" })).send().await.unwrap();
    assert_eq!(sent.status().as_u16(), 202);
    key
}

/// Until the queue knows of the pause: the log tells of it a moment before.
async fn paused(serving: &Serving, key: &str) {
    let figures = format!("{}/api/diagram/queue/status", serving.url);
    loop {
        let asked = serving.client.get(&figures).header("x-api-key", key).send().await.unwrap();
        let queue: Value = asked.json().await.unwrap();
        match queue["upstreams"][0]["state"].as_str().unwrap() {
            "paused" => return,
            "open" | "probing" => {}
            other => panic!("{other}: {queue}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_and_its_end_are_logged_once_each() {
    let upstream = Upstream::anthropic().start().await;
    upstream.push(Behaviour::status(401));
    upstream.push(Behaviour::status(401));
    let serving = Serving::start(&config(&upstream));
    let key = submit(&serving).await;
    let told = serving.wait_for_log("the upstream main is paused until 20");
    let message = told["message"].as_str().unwrap();
    assert!(
        message.contains("refuses the key (401 ") && message.ends_with("check api_key of [[upstreams]] main")
    );
    assert_eq!((&told["level"], &told["lane"]), (&json!("ERROR"), &json!("main")));
    // Once more the same, and then it is well.
    for calls in [2, 3] {
        paused(&serving, &key).await;
        let resume = serving.client.post(format!("{}/api/admin/queue/resume", serving.url));
        assert_eq!(resume.header("x-api-key", &key).send().await.unwrap().status().as_u16(), 200);
        upstream.ledger().wait_for_calls(calls).await;
        upstream.ledger().wait_for_ended(calls).await;
    }
    let lines = serving.logs_until("the upstream main answers again");
    assert!(!lines.iter().any(|line| line.contains("is paused until")), "told twice: {lines:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_request_is_logged_with_its_type_and_without_its_text() {
    let upstream = Upstream::anthropic().start().await;
    upstream.push(Behaviour::status(400));
    let serving = Serving::start(&config(&upstream));
    submit(&serving).await;
    let told = serving.wait_for_log("an upstream call failed");
    let detail = told["detail"].as_str().unwrap();
    assert!(detail.starts_with("400 invalid_request_error"), "{detail}");
    assert!(!told.to_string().contains("secret plan"));
}
