//! Statistics and usage equal a recount made directly in the database, at rest and in flight.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use diagramd::domain::Timestamp;
use serde_json::json;

use crate::flow::config;
use crate::recount::Books;
use crate::server::Server;
use crate::upstream::{Behaviour, Gate, Upstream};

const GROUPS: [&str; 6] = ["hour", "day", "user", "tier", "model", "diagramType"];
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Asks, and recounts what is in the database at that very instant: an answer during which
/// something was committed is asked for again.
async fn agree(server: &Server, admin: &str, books: &Books, group_by: &str) {
    loop {
        let before = books.version();
        let (status, stats) = server.get(admin, &format!("/api/diagram/stats?groupBy={group_by}")).await;
        let (totals, groups) = books.recount(group_by);
        if books.version() != before {
            continue;
        }
        assert_eq!((status, &stats["groupBy"]), (200, &json!(group_by)), "{stats}");
        assert_eq!(stats["totals"], totals, "totals, by {group_by}");
        assert_eq!(stats["groups"], groups, "groups by {group_by}");
        return;
    }
}

async fn usage_agrees(server: &Server, key: &str, user: &str, books: &Books) {
    loop {
        let before = books.version();
        let (_, usage) = server.get(key, "/api/diagram/usage").await;
        let resets_at = Timestamp::parse(usage["hour"]["resetsAt"].as_str().unwrap()).unwrap();
        let counted = books.usage(user, Timestamp(resets_at.0 - HOUR_MS));
        if books.version() != before {
            continue;
        }
        let concurrent = &usage["concurrent"];
        let told = json!({
            "hour": usage["hour"]["used"], "day": usage["day"]["used"],
            "running": concurrent["running"], "queued": concurrent["queued"],
            "tokens": usage["tokens"], "today": usage["cost"]["todayUsd"], "month": usage["cost"]["monthUsd"],
            "cache": usage["cache"],
        });
        assert_eq!(told, counted, "{user}");
        return;
    }
}

/// What a prompt makes the upstream do; the gate holds what names it.
fn script(upstream: &Upstream, gate: &Gate) {
    let (gate, flaky) = (gate.clone(), AtomicUsize::new(0));
    upstream.script(move |call| {
        let behaviour = if call.prompt.contains("refused") {
            Behaviour::default().stop_reason("refusal")
        } else if call.prompt.contains("rejected") {
            Behaviour::status(400)
        } else if call.prompt.contains("failing") {
            Behaviour::status(500)
        } else if call.prompt.contains("flaky") && flaky.fetch_add(1, Ordering::SeqCst) % 2 == 0 {
            Behaviour::cut_after(5)
        } else if call.prompt.contains("undrawn") {
            Behaviour::answer("I would rather not say.")
        } else {
            Behaviour::default()
        };
        if call.prompt.contains("held") { behaviour.hold_midway(&gate) } else { behaviour }
    });
}

const TIERS: &str = "max_concurrent = 12
[tiers.free]\nrequests_per_hour = 100\nrequests_per_day = 100\n
[tiers.basic]\nrequests_per_hour = 100\nmax_concurrent = 3\n
[tiers.pro]\nmodels = [\"claude-sonnet-5-5\", \"claude-haiku-5-5\"]\n";

/// User, tier, language and what is asked; `held` calls wait for the gate.
const LOAD: &[(&str, &str, &str)] = &[
    ("ann", "mermaid", "held one"),
    ("ann", "mermaid", "plain behind it"),
    ("ann", "graphviz", "refused"),
    ("bob", "mermaid", "held two"),
    ("bob", "plantuml", "rejected"),
    ("bob", "d2", "undrawn"),
    ("bob", "mermaid", "failing"),
    ("cid", "mermaid", "held three"),
    ("cid", "mermaid", "flaky"),
    ("cid", "mermaid", "flaky again"),
    ("cid", "graphviz", "plain"),
    ("cid", "d2", "plain too"),
    ("dee", "mermaid", "plain"),
    ("dee", "mermaid", "refused"),
];

#[tokio::test(flavor = "multi_thread")]
async fn figures_equal_a_recount_at_every_instant() {
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    script(&upstream, &gate);
    let settings = config(&upstream, &format!("{TIERS}[cache]\nshared = true\n"))
        .replace("[queue]", "[queue]\nmax_attempts = 3");
    let server = Server::start(&settings);
    let admin = server.key("root", "enterprise", &["--admin"]);
    let users = [("ann", "free"), ("bob", "basic"), ("cid", "pro"), ("dee", "enterprise")];
    let keys: BTreeMap<&str, String> =
        users.iter().map(|(user, tier)| (*user, server.key(user, tier, &[]))).collect();
    let books = Books::of(&server);
    agree(&server, &admin, &books, "user").await;

    // In flight, and standing still where calls are held.
    let mut ids = BTreeMap::new();
    for (user, language, prompt) in LOAD {
        let mut body = json!({ "prompt": prompt, "diagramType": language });
        if *prompt == "plain too" {
            body["model"] = json!("claude-haiku-5-5");
        }
        let (status, accepted) = server.post(&keys[user], body).await;
        assert_eq!(status, 202, "{accepted}");
        ids.insert((*user, *prompt), accepted["requestId"].as_str().unwrap().to_owned());
        agree(&server, &admin, &books, GROUPS[ids.len() % GROUPS.len()]).await;
        usage_agrees(&server, &keys[user], user, &books).await;
    }
    upstream
        .ledger()
        .wait_for(|calls| calls.iter().filter(|call| call.prompt.contains("held")).count() >= 3)
        .await;
    let cancel = async |user: &'static str, prompt: &'static str| {
        let path = format!("/api/diagram/cancel/{}", ids[&(user, prompt)]);
        assert_eq!(server.delete(&keys[user], &path).await.0, 200, "{prompt}");
    };
    // Ann has one call at a time: what stands behind it waits.
    cancel("ann", "plain behind it").await;
    cancel("bob", "held two").await;
    for group_by in GROUPS {
        agree(&server, &admin, &books, group_by).await;
    }
    for (user, _) in users {
        usage_agrees(&server, &keys[user], user, &books).await;
    }

    // Idempotent replays count once.
    for _ in 0..3 {
        let sent = server.client.post(format!("{}/api/diagram/generate", server.url));
        let sent = sent.header("x-api-key", &keys["dee"]).header("idempotency-key", "again");
        let answer = sent.json(&json!({ "prompt": "replayed" })).send().await.unwrap();
        assert!(answer.status().is_success(), "202 while it waits, 200 once it has ended");
    }
    // One that waits behind Ann's held call until its deadline has passed.
    let late = json!({ "prompt": "late", "deadlineSeconds": 1 });
    let (_, late) = server.post(&keys["ann"], late).await;
    assert_eq!(server.ended(&keys["ann"], late["requestId"].as_str().unwrap()).await["status"], "expired");

    // Everything moves while it is counted.
    let moving = AtomicBool::new(true);
    let counting = async {
        let books = Books::of(&server);
        let mut counted = 0;
        while moving.load(Ordering::SeqCst) || counted < 12 {
            agree(&server, &admin, &books, GROUPS[counted % GROUPS.len()]).await;
            let (user, _) = users[counted % users.len()];
            usage_agrees(&server, &keys[user], user, &books).await;
            counted += 1;
        }
    };
    let working = async {
        gate.open();
        for n in 0..40 {
            let user = users[n % 2 + 2].0;
            // Too many failures in a row would close the upstream for seconds.
            let how = if n % 8 == 0 { "flaky" } else { "plain" };
            let (status, _) = server.prompt(&keys[user], &format!("number {n}, {how}")).await;
            assert_eq!(status, 202);
        }
        for (user, prompt) in ids.keys() {
            server.ended(&keys[user], &ids[&(*user, *prompt)]).await;
        }
        moving.store(false, Ordering::SeqCst);
    };
    tokio::join!(counting, working);

    // Answers from the cache: one's own, and another user's.
    let hits = [("dee", "plain"), ("dee", "plain"), ("cid", "held three"), ("ann", "held one")];
    for (user, prompt) in hits {
        let (status, cached) = server.prompt(&keys[user], prompt).await;
        assert_eq!((status, &cached["cached"]), (200, &json!(true)), "{cached}");
        agree(&server, &admin, &books, "user").await;
        usage_agrees(&server, &keys[user], user, &books).await;
    }

    // A failed request, tried again by the operator, to the same end.
    let failing = &ids[&("bob", "failing")];
    let retry = server.client.post(format!("{}/api/admin/requests/{failing}/retry", server.url));
    assert_eq!(retry.header("x-api-key", &admin).send().await.unwrap().status().as_u16(), 202);
    assert_eq!(server.ended(&keys["bob"], failing).await["status"], "failed");
    usage_agrees(&server, &keys["bob"], "bob", &books).await;

    // At rest, and after a crash in the middle of calls.
    for group_by in GROUPS {
        agree(&server, &admin, &books, group_by).await;
    }
    let (_, stats) = server.get(&admin, "/api/diagram/stats").await;
    let totals = &stats["totals"];
    for what in
        ["completed", "failed", "cancelled", "expired", "retries", "inputTokens", "outputTokens", "cacheHits"]
    {
        assert_ne!(totals[what], 0, "{what}: the load has some");
    }
    assert_eq!(totals["submitted"], LOAD.len() + 1 + 1 + 40 + hits.len());
    assert_ne!(totals["savedUsd"], "0.000000000");
    let again = Gate::closed();
    upstream.script(move |_| Behaviour::default().hold_midway(&again));
    let calls = upstream.ledger().len();
    for n in 0..3 {
        assert_eq!(server.prompt(&keys["dee"], &format!("cut off {n}")).await.0, 202);
    }
    upstream.ledger().wait_for_calls(calls + 3).await;
    drop(books);
    let server = Server::on(server.kill());
    let books = Books::of(&server);
    for group_by in GROUPS {
        agree(&server, &admin, &books, group_by).await;
    }
    for (user, _) in users {
        usage_agrees(&server, &keys[user], user, &books).await;
    }
}

#[tokio::test]
async fn a_span_counts_what_was_accepted_in_it_and_nothing_else() {
    let server = Server::start("");
    let admin = server.key("root", "enterprise", &["--admin"]);
    for n in 0..3 {
        let (_, accepted) = server.prompt(&admin, &format!("A -> B{n}")).await;
        server.ended(&admin, accepted["requestId"].as_str().unwrap()).await;
    }
    let books = Books::of(&server);
    let mut statement = books.0.prepare("SELECT created_at FROM job ORDER BY created_at").unwrap();
    let times: Vec<i64> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let count = async |from: i64, to: i64| {
        let (from, to) = (Timestamp(from), Timestamp(to));
        let (status, stats) = server.get(&admin, &format!("/api/diagram/stats?from={from}&to={to}")).await;
        assert_eq!(status, 200, "{stats}");
        stats["totals"]["submitted"].as_i64().unwrap()
    };
    let within = |from: i64, to: i64| times.iter().filter(|at| (from..to).contains(*at)).count() as i64;
    for (from, to) in [
        (times[0], times[2] + 1),
        (times[0], times[2]),
        (times[0] + 1, times[2] + 1),
        (times[2], times[2] + 1),
        (times[0] - DAY_MS, times[0]),
        (times[2] + 1, times[2] + DAY_MS),
    ] {
        assert_eq!(count(from, to).await, within(from, to), "from inclusive, to exclusive");
    }
}
