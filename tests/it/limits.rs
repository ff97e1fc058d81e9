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
        answers
            .iter()
            .all(|(status, body)| [200, 202].contains(status)
                && body["requestId"] == answers[0].1["requestId"])
    );
    let restarted = Server::on(server.kill());
    assert_eq!(submit(&restarted, "A -> B").await.1["requestId"], answers[0].1["requestId"]);
    let (status, problem) = submit(&restarted, "another").await;
    assert_eq!((status, &problem["code"]), (422, &json!("idempotency_key_reused")));
    assert_eq!(restarted.get(&key, "/api/diagram/usage").await.1["hour"]["used"], 1);
}

#[tokio::test]
async fn a_replay_after_the_end_is_answered_with_the_result_and_one_before_it_with_the_place() {
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    upstream.always(Behaviour::default().hold(&gate));
    let server = Server::start(&config(&upstream, "max_concurrent = 1"));
    let key = server.key("ann", "pro", &[]);
    let submit = async |name: &str| {
        let sent = server.client.post(format!("{}/api/diagram/generate", server.url));
        let sent = sent.header("x-api-key", &key).header("idempotency-key", name);
        let answer = sent.json(&json!({ "prompt": name })).send().await.unwrap();
        let replayed = answer.headers().contains_key("idempotency-replayed");
        (answer.status().as_u16(), replayed, answer.json::<serde_json::Value>().await.unwrap())
    };
    submit("first").await;
    upstream.ledger().wait_for_calls(1).await;
    let (_, _, waiting) = submit("second").await;
    let (status, replayed, body) = submit("second").await;
    assert_eq!(
        (status, replayed, &body["status"], &body["position"]),
        (202, true, &json!("queued"), &json!(1))
    );
    gate.open();
    let ended = server.ended(&key, waiting["requestId"].as_str().unwrap()).await;
    let (status, replayed, body) = submit("second").await;
    assert_eq!((status, replayed, body), (200, true, ended));
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

/// Puts another configuration in force: returns when the server says that it is.
async fn reload(server: &Server, admin: &str, config: &str, pointer: &str, value: u64) {
    std::fs::write(server.dir.path().join("config.toml"), config).unwrap();
    server.signal("HUP");
    loop {
        let (_, effective) = server.get(admin, "/api/admin/config").await;
        if effective.pointer(pointer).unwrap() == value {
            return;
        }
    }
}

#[tokio::test]
async fn a_unit_is_given_back_once_however_often_a_request_is_tried_again() {
    let upstream = Upstream::anthropic().start().await;
    upstream.always(Behaviour::status(400));
    let server = Server::start(&config(&upstream, ""));
    let admin = server.key("root", "free", &["--admin"]);
    let key = server.key("ann", "free", &[]);
    let (_, accepted) = server.prompt(&key, "rejected").await;
    let id = accepted["requestId"].as_str().unwrap();
    assert_eq!(server.ended(&key, id).await["status"], "failed");
    let gate = Gate::closed();
    upstream.always(Behaviour::default().hold(&gate));
    assert_eq!(server.prompt(&key, "accepted").await.0, 202);
    upstream.ledger().wait_for_calls(2).await;
    let used = async || server.get(&key, "/api/diagram/usage").await.1["hour"]["used"].clone();
    assert_eq!(used().await, 1, "a failure that its user did not cause costs nothing");
    // Ann has one call at a time, so the retry waits, and is cancelled while it does.
    let retry = server.client.post(format!("{}/api/admin/requests/{id}/retry", server.url));
    assert_eq!(retry.header("x-api-key", &admin).send().await.unwrap().status().as_u16(), 202);
    assert_eq!(used().await, 1, "a retry is free");
    assert_eq!(server.delete(&key, &format!("/api/diagram/cancel/{id}")).await.0, 200);
    assert_eq!(used().await, 1, "what was given back is not given back again");
    gate.open();
}

#[tokio::test]
async fn an_edited_limit_holds_exactly_across_a_restart() {
    let settings = |hour: u32, day: u32| {
        format!("[tiers.free]\nrequests_per_hour = {hour}\nrequests_per_day = {day}\nmax_queued = 1000\n")
    };
    let mut server = Server::start(&settings(20, 1000));
    let key = server.key("ann", "free", &[]);
    let admin = server.key("root", "enterprise", &["--admin"]);
    // Each wave is more than the limit; between waves the limit is edited, or the server killed.
    let wave = async |server: &Server, wanted: usize| {
        let answers = futures_util::future::join_all((0..250).map(|_| server.prompt(&key, "A -> B"))).await;
        let count = |status: u16| answers.iter().filter(|(got, _)| *got == status).count();
        assert_eq!((count(202), count(429)), (wanted, 250 - wanted));
    };
    let hour = "/tiers/free/requests_per_hour";
    wave(&server, 20).await;
    reload(&server, &admin, &settings(35, 1000), hour, 35).await;
    server = Server::on(server.kill());
    wave(&server, 15).await;
    reload(&server, &admin, &settings(10, 1000), hour, 10).await;
    wave(&server, 0).await;
    server = Server::on(server.terminate().await);
    reload(&server, &admin, &settings(1000, 37), hour, 1000).await;
    wave(&server, 2).await;
    let (_, usage) = server.get(&key, "/api/diagram/usage").await;
    assert_eq!((&usage["hour"]["used"], &usage["day"]["used"]), (&json!(37), &json!(37)), "{usage}");
    assert_eq!(usage["day"]["remaining"], 0);
}

#[tokio::test]
async fn submits_during_edits_of_their_limit_never_pass_the_largest() {
    let settings = |hour: u32| {
        format!("[tiers.free]\nrequests_per_hour = {hour}\nrequests_per_day = 1000\nmax_queued = 1000\n")
    };
    let server = Server::start(&settings(30));
    let key = server.key("ann", "free", &[]);
    let admin = server.key("root", "enterprise", &["--admin"]);
    let submits = async {
        let waves = futures_util::future::join_all((0..1000).map(|_| server.prompt(&key, "A -> B")));
        waves.await.into_iter().filter(|(status, _)| *status == 202).count()
    };
    let edits = async {
        for limit in [50, 20, 60, 40] {
            reload(&server, &admin, &settings(limit), "/tiers/free/requests_per_hour", limit.into()).await;
        }
    };
    let (accepted, ()) = tokio::join!(submits, edits);
    assert!((30..=60).contains(&accepted), "{accepted}");
    let (_, usage) = server.get(&key, "/api/diagram/usage").await;
    assert_eq!(usage["hour"]["used"], accepted, "what was accepted is what is charged");
    let more = futures_util::future::join_all((0..100).map(|_| server.prompt(&key, "A -> B"))).await;
    let more = more.into_iter().filter(|(status, _)| *status == 202).count();
    assert_eq!(accepted + more, accepted.max(40), "the last limit holds");
}

#[tokio::test]
async fn queued_requests_stay_when_their_tiers_limits_fall_and_run_faster_when_they_rise() {
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    upstream.always(Behaviour::default().hold(&gate));
    let settings = |hour: u32, concurrent: u32| {
        config(
            &upstream,
            &format!(
                "max_concurrent = 50\n[tiers.free]\nrequests_per_hour = {hour}\nmax_concurrent = {concurrent}\n[server]\napi_requests_per_minute = 0\n"
            ),
        )
    };
    let server = Server::start(&settings(9, 2));
    let key = server.key("ann", "free", &[]);
    let admin = server.key("root", "enterprise", &["--admin"]);
    let mut ids = Vec::new();
    for n in 0..9 {
        let (status, accepted) = server.prompt(&key, &format!("number {n}")).await;
        assert_eq!(status, 202, "{accepted}");
        ids.push(accepted["requestId"].as_str().unwrap().to_owned());
    }
    upstream.ledger().wait_for_calls(2).await;
    let running = async || server.get(&key, "/api/diagram/usage").await.1["concurrent"]["running"].clone();
    reload(&server, &admin, &settings(3, 5), "/tiers/free/max_concurrent", 5).await;
    upstream.ledger().wait_for_calls(5).await;
    assert_eq!(running().await, 5);
    assert_eq!(server.prompt(&key, "one more").await.0, 429, "nine of three are used");
    // Lowered below what runs: nothing is closed, and nothing starts before there is room.
    reload(&server, &admin, &settings(3, 1), "/tiers/free/max_concurrent", 1).await;
    gate.let_pass(4);
    upstream.ledger().wait_for_ended(4).await;
    while running().await != 1 {}
    assert_eq!(upstream.ledger().len(), 5);
    gate.open();
    for id in &ids {
        assert_eq!(server.ended(&key, id).await["status"], "completed", "accepted is accepted");
    }
    assert_eq!(upstream.ledger().max_concurrent_per_user(), 5);
}

#[tokio::test]
async fn a_users_move_to_another_tier_counts_at_once_for_what_waits_and_what_comes() {
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    upstream.always(Behaviour::default().hold(&gate));
    let server = Server::start(&config(&upstream, "max_concurrent = 50"));
    let key = server.key("ann", "free", &[]);
    for n in 0..5 {
        assert_eq!(server.prompt(&key, &format!("number {n}")).await.0, 202);
    }
    assert_eq!(server.prompt(&key, "number 6").await.0, 429);
    upstream.ledger().wait_for_calls(1).await;
    let moved = std::process::Command::new(env!("CARGO_BIN_EXE_diagramd"))
        .args(["user", "set-tier", "ann", "basic", "--data-dir", "data"])
        .current_dir(server.dir.path())
        .output();
    assert!(moved.unwrap().status.success());
    upstream.ledger().wait_for_calls(2).await;
    let (_, usage) = server.get(&key, "/api/diagram/usage").await;
    assert_eq!((&usage["tier"], &usage["hour"]["limit"]), (&json!("basic"), &json!(20)));
    assert_eq!(usage["hour"]["used"], 5, "what was used stays used");
    let answers = futures_util::future::join_all((0..30).map(|_| server.prompt(&key, "more"))).await;
    assert_eq!(answers.iter().filter(|(status, _)| *status == 202).count(), 15);
    gate.open();
    upstream.ledger().wait_for_ended(20).await;
    assert_eq!(upstream.ledger().max_concurrent_per_user(), 2);
}
