//! SIGHUP: what is re-read, what stays, what takes a restart, what a bad file does.

use serde_json::{Value, json};

use crate::serving::{Serving, answer};
use crate::upstream::{Behaviour, Gate, Upstream};

const ONE_CALL: &str = "requests_per_minute = 1\n";

fn upstream_section(upstream: &Upstream, more: &str) -> String {
    format!(
        "[[upstreams]]\nname = \"main\"\nkind = \"anthropic\"\nbase_url = \"{}\"\napi_key = \"{}\"\ntokens_per_minute = 0\n{more}",
        upstream.url(),
        upstream.key()
    )
}

async fn effective(serving: &Serving, admin: &str, pointer: &str) -> Value {
    let (_, config) = answer(serving.get(admin, "/api/admin/config")).await;
    config.pointer(pointer).unwrap_or_else(|| panic!("{pointer} of {config}")).clone()
}

#[tokio::test]
async fn tier_limits_change_and_usage_stays() {
    let serving = Serving::start("[tiers.free]\nrequests_per_hour = 2\n");
    let key = serving.key("ann", &[]);
    let submit = async || answer(serving.submit(&key, json!({ "prompt": "A -> B" }))).await;
    assert_eq!([submit().await.0, submit().await.0, submit().await.0], [202, 202, 429]);
    serving.reload("[tiers.free]\nrequests_per_hour = 4\n");
    let (_, usage) = answer(serving.get(&key, "/api/diagram/usage")).await;
    assert_eq!((&usage["hour"]["used"], &usage["hour"]["limit"]), (&json!(2), &json!(4)));
    assert_eq!([submit().await.0, submit().await.0, submit().await.0], [202, 202, 429]);
    serving.reload("[tiers.free]\nrequests_per_hour = 1\n");
    let (_, usage) = answer(serving.get(&key, "/api/diagram/usage")).await;
    let hour = &usage["hour"];
    assert_eq!((&hour["used"], &hour["limit"], &hour["remaining"]), (&json!(4), &json!(1), &json!(0)));
    assert_eq!(submit().await.0, 429);
}

#[tokio::test]
async fn concurrency_of_tiers_and_upstreams_changes_while_calls_run() {
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    upstream.always(Behaviour::default().hold(&gate));
    let config = |tier: u32, lane: u32| {
        upstream_section(
            &upstream,
            &format!(
                "max_concurrent = {lane}\nrequests_per_minute = 0\n[tiers.free]\nmax_concurrent = {tier}\n"
            ),
        )
    };
    let serving = Serving::start(&config(1, 8));
    let key = serving.key("ann", &[]);
    for n in 0..5 {
        assert_eq!(answer(serving.submit(&key, json!({ "prompt": format!("number {n}") }))).await.0, 202);
    }
    upstream.ledger().wait_for_calls(1).await;
    serving.reload(&config(3, 8));
    upstream.ledger().wait_for_calls(3).await;
    serving.reload(&config(20, 4));
    upstream.ledger().wait_for_calls(4).await;
    assert_eq!(upstream.ledger().max_concurrent(), 4, "the upstream's own limit is the lower one now");
    gate.open();
    upstream.ledger().wait_for_ended(5).await;
    assert_eq!(upstream.ledger().max_concurrent(), 4);
}

#[tokio::test]
async fn an_upstreams_limits_change_and_what_was_sent_still_counts() {
    let upstream = Upstream::anthropic().start().await;
    let serving = Serving::start(&upstream_section(&upstream, ONE_CALL));
    let key = serving.key("ann", &["--tier", "enterprise"]);
    let admin = serving.key("root", &["--admin"]);
    for n in 0..3 {
        answer(serving.submit(&key, json!({ "prompt": format!("number {n}") }))).await;
    }
    upstream.ledger().wait_for_ended(1).await;
    let gauge = async || {
        let (_, queue) = answer(serving.get(&admin, "/api/diagram/queue/status")).await;
        queue["upstreams"][0]["requestsPerMinute"].clone()
    };
    assert_eq!((&gauge().await["limit"], upstream.ledger().len()), (&json!(1), 1));
    serving.reload(&upstream_section(&upstream, "requests_per_minute = 2\n"));
    upstream.ledger().wait_for_ended(2).await;
    let now = gauge().await;
    assert_eq!((&now["limit"], &now["available"]), (&json!(2), &json!(0)), "{now}");
    assert_eq!(upstream.ledger().len(), 2, "the call before the reload counts");
}

#[tokio::test]
async fn calls_a_minute_change_and_calls_that_were_made_still_count() {
    let config = |callers: u32, addresses: u32| {
        format!(
            "[server]\napi_requests_per_minute = {callers}\nanonymous_requests_per_minute = {addresses}\n"
        )
    };
    let serving = Serving::start(&config(3, 2));
    let key = serving.key("ann", &[]);
    let known = async || serving.get(&key, "/api/diagram/usage").send().await.unwrap().status().as_u16();
    let anonymous = async || {
        let url = format!("{}/api/diagram/usage", serving.url);
        serving.client.get(url).send().await.unwrap().status().as_u16()
    };
    assert_eq!([known().await, known().await, known().await, known().await], [200, 200, 200, 429]);
    assert_eq!([anonymous().await, anonymous().await, anonymous().await], [401, 401, 429]);
    serving.reload(&config(5, 4));
    assert_eq!([known().await, known().await, known().await], [200, 200, 429]);
    assert_eq!([anonymous().await, anonymous().await, anonymous().await], [401, 401, 429]);
    serving.reload(&config(0, 0));
    for _ in 0..20 {
        assert_eq!((known().await, anonymous().await), (200, 401), "0 = not limited");
    }
    serving.reload(&config(1, 1));
    assert_eq!([known().await, known().await], [200, 429]);
    assert_eq!([anonymous().await, anonymous().await], [401, 429]);
}

#[tokio::test]
async fn the_limits_of_queue_and_generation_change() {
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    upstream.always(Behaviour::default().hold(&gate));
    let section = upstream_section(&upstream, "max_concurrent = 1\n");
    let serving = Serving::start(&section);
    let key = serving.key("ann", &["--tier", "pro"]);
    let submit = async |body: Value| answer(serving.submit(&key, body)).await;
    assert_eq!(submit(json!({ "prompt": "first", "maxTokens": 100 })).await.0, 202);
    upstream.ledger().wait_for_calls(1).await;
    serving.reload(&format!(
        "{section}[queue]\nmax_queued = 1\n[generation]\nmax_prompt_chars = 10\nmax_tokens_cap = 50\ndefault_max_tokens = 40\n"
    ));
    assert_eq!(submit(json!({ "prompt": "longer than ten" })).await.1["code"], "validation_failed");
    assert_eq!(submit(json!({ "prompt": "x", "maxTokens": 100 })).await.1["code"], "validation_failed");
    assert_eq!(submit(json!({ "prompt": "second" })).await.0, 202);
    let (status, problem) = submit(json!({ "prompt": "third" })).await;
    assert_eq!((status, &problem["limit"]["limit"]), (503, &json!(1)), "{problem}");
    gate.open();
    upstream.ledger().wait_for_ended(2).await;
    let asked: Vec<u64> = upstream.ledger().calls().iter().map(|call| call.max_tokens).collect();
    assert_eq!(asked, [100, 40]);
}

#[tokio::test]
async fn the_log_changes_its_level_and_its_format() {
    let serving = Serving::start("[log]\nformat = \"json\"\n");
    serving.reload("[log]\nformat = \"text\"\nlevel = \"debug\"\n");
    let key = serving.key("ann", &[]);
    assert_eq!(answer(serving.get(&key, "/healthz")).await.0, 200);
    let logged = serving.logs_until("answered a call");
    assert!(!logged.last().unwrap().starts_with('{'), "{logged:?}");
    let admin = serving.key("root", &["--admin"]);
    std::fs::write(serving.dir.path().join("config.toml"), "[log]\nformat = \"json\"\nlevel = \"warn\"\n")
        .unwrap();
    serving.signal("HUP");
    // What was reloaded is told at info, which is below warn.
    while effective(&serving, &admin, "/log/level").await != "warn" {}
    assert_eq!(answer(serving.get(&key, "/readyz")).await.0, 200);
    std::fs::write(serving.dir.path().join("config.toml"), "[log]\nlevel = \"loud\"\n").unwrap();
    serving.signal("HUP");
    let logged = serving.logs_until("not reloaded");
    assert!(!logged.iter().any(|line| line.contains("/readyz")), "info is below warn: {logged:?}");
    assert!(logged.last().unwrap().starts_with('{'), "{logged:?}");
}

#[tokio::test]
async fn alerts_and_cache_are_reread() {
    let serving = Serving::start("");
    let admin = serving.key("root", &["--admin"]);
    serving.reload("[alerts]\nthresholds = [0.5]\nqueue_age = \"9m\"\n[cache]\nenabled = false\nttl = \"1d\"\nmax_size = \"1MiB\"\n");
    for (pointer, value) in [
        ("/alerts/thresholds", json!([0.5])),
        ("/alerts/queue_age", json!("9m")),
        ("/cache/enabled", json!(false)),
        ("/cache/ttl", json!("1d")),
        ("/cache/max_size", json!("1MiB")),
    ] {
        assert_eq!(effective(&serving, &admin, pointer).await, value, "{pointer}");
    }
}

#[tokio::test]
async fn what_takes_a_restart_is_named_every_time_and_stays() {
    let before = "[server]\nmax_connections = 100\n[tiers.free]\nrequests_per_hour = 5\n";
    let after = "[server]\nmax_connections = 200\npublic_url = \"https://a.example\"\n[queue]\nmax_attempts = 2\n[retention]\nfinished = \"1d\"\n[[upstreams]]\nname = \"offline\"\nkind = \"offline\"\nmodel = \"other\"\n[tiers.free]\nrequests_per_hour = 6\n";
    let serving = Serving::start(before);
    let admin = serving.key("root", &["--admin"]);
    for _ in 0..2 {
        let logged = serving.reload(after).join("\n");
        for key in [
            "server.max_connections",
            "server.public_url",
            "queue.max_attempts",
            "retention.finished",
            "upstreams[0].model",
        ] {
            let sentence =
                format!("{key} was changed, which takes a restart; until then the old value stays in force");
            assert!(logged.contains(&sentence), "{key}: {logged}");
        }
        assert!(!logged.contains("requests_per_hour was changed"), "{logged}");
    }
    for (pointer, value) in [
        ("/server/max_connections", json!(100)),
        ("/server/public_url", json!("")),
        ("/queue/max_attempts", json!(6)),
        ("/retention/finished", json!("90d")),
        ("/upstreams/0/model", json!("offline")),
        ("/tiers/free/requests_per_hour", json!(6)),
    ] {
        assert_eq!(effective(&serving, &admin, pointer).await, value, "{pointer}");
    }
    assert!(!serving.reload(before).join("\n").contains("takes a restart"), "put back as it was");
}

#[tokio::test]
async fn a_bad_file_changes_nothing_and_every_fault_is_told() {
    let serving = Serving::start("[tiers.free]\nrequests_per_hour = 5\n");
    let admin = serving.key("root", &["--admin"]);
    let bad = "[tiers.free]\nrequests_per_hour = 6\nmax_queued = \"x\"\n[log]\nlevel = \"loud\"\n";
    std::fs::write(serving.dir.path().join("config.toml"), bad).unwrap();
    serving.signal("HUP");
    let log = serving.wait_for_log("not reloaded");
    let faults = log["faults"].as_str().unwrap();
    assert!(faults.contains("tiers.free.max_queued") && faults.contains("log.level"), "{log}");
    assert_eq!(effective(&serving, &admin, "/tiers/free/requests_per_hour").await, json!(5));
    std::fs::remove_file(serving.dir.path().join("config.toml")).unwrap();
    serving.signal("HUP");
    serving.wait_for_log("not reloaded");
    serving.reload("[tiers.free]\nrequests_per_hour = 7\n");
    assert_eq!(effective(&serving, &admin, "/tiers/free/requests_per_hour").await, json!(7));
}

#[tokio::test]
async fn flags_and_variables_keep_their_place_over_a_changed_file() {
    let variables = [("DIAGRAMD_TIERS__FREE__REQUESTS_PER_HOUR", "9")];
    let serving = Serving::start_with("", &[], &variables);
    let admin = serving.key("root", &["--admin"]);
    serving.reload(
        "[server]\ndata_dir = \"elsewhere\"\n[tiers.free]\nrequests_per_hour = 6\nrequests_per_day = 7\n",
    );
    assert_eq!(effective(&serving, &admin, "/tiers/free/requests_per_hour").await, json!(9));
    assert_eq!(effective(&serving, &admin, "/tiers/free/requests_per_day").await, json!(7));
    assert_eq!(effective(&serving, &admin, "/server/data_dir").await, json!("data"));
}
