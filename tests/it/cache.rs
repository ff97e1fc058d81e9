//! Answers kept for equal requests: who gets them, what makes two requests equal, what is kept and
//! for how long, and what it saves.

use serde_json::{Value, json};

use crate::flow::config;
use crate::server::Server;
use crate::upstream::{Behaviour, Gate, Upstream};

const ON: &str = "[cache]\nenabled = true\n";

async fn made(server: &Server, key: &str, body: Value) -> Value {
    let (status, accepted) = server.post(key, body).await;
    assert_eq!(status, 202, "{accepted}");
    let ended = server.ended(key, accepted["requestId"].as_str().unwrap()).await;
    assert_eq!((&ended["status"], &ended["cached"]), (&json!("completed"), &json!(false)), "{ended}");
    ended
}

async fn hit(server: &Server, key: &str, body: Value) -> Value {
    let (status, answer) = server.post(key, body).await;
    assert_eq!((status, &answer["status"]), (200, &json!("completed")), "{answer}");
    assert_eq!(answer["cached"], true);
    answer
}

#[tokio::test]
async fn an_equal_request_is_answered_at_once_and_costs_nothing_but_its_unit() {
    let upstream = Upstream::anthropic().start().await;
    let server = Server::start(&config(&upstream, ON));
    let key = server.key("ann", "pro", &[]);
    let first = made(&server, &key, json!({"prompt": "the shop calls\nthe bank"})).await;

    let again =
        json!({"prompt": "  the  shop calls \r\nthe bank\n", "metadata": {"n": 2}, "deadlineSeconds": 9});
    let second = hit(&server, &key, again).await;
    assert_ne!(second["requestId"], first["requestId"]);
    for same in ["result", "title", "validation", "model", "provider", "diagramType"] {
        assert_eq!(second[same], first[same], "{same}");
    }
    assert_eq!((&second["metadata"], &second["attempts"]), (&json!({"n": 2}), &json!(0)));
    assert_eq!(second["completedAt"], second["createdAt"]);
    assert_eq!(
        (&second["usage"]["costUsd"], &second["usage"]["estimated"]),
        (&json!("0.000000000"), &json!(false))
    );
    assert_eq!(upstream.ledger().len(), 1, "no second call");

    let (_, usage) = server.get(&key, "/api/diagram/usage").await;
    assert_eq!(usage["hour"]["used"], 2, "a request like any other");
    let cost = &first["usage"]["costUsd"];
    assert_ne!(cost, "0.000000000");
    assert_eq!(usage["cache"], json!({"hits": 1, "savedUsd": cost}));
    assert_eq!((&usage["cost"]["monthUsd"], &usage["concurrent"]["queued"]), (cost, &json!(0)));

    // It is a request of its own: read, listed, followed and not cancelled.
    let id = second["requestId"].as_str().unwrap();
    assert_eq!(server.get(&key, &format!("/api/diagram/status/{id}")).await, (200, second.clone()));
    let (_, listed) = server.get(&key, "/api/diagram/requests").await;
    assert_eq!(listed["requests"][0], second);
    assert_eq!(server.delete(&key, &format!("/api/diagram/cancel/{id}")).await.0, 409);
    let events = server.client.get(format!("{}/api/diagram/events/{id}", server.url)).send().await.unwrap();
    let events = events.text().await.unwrap();
    assert_eq!(events.matches("event: completed").count(), 1, "{events}");
}

#[tokio::test]
async fn every_part_of_a_request_that_changes_the_answer_makes_it_another_one() {
    let upstream = Upstream::anthropic().start().await;
    let more = format!("[tiers.pro]\nmodels = [\"claude-sonnet-5-5\", \"claude-haiku-5-5\"]\n{ON}");
    let server = Server::start(&config(&upstream, &more));
    let key = server.key("ann", "pro", &[]);
    upstream.script(|call| {
        let is_dot = call.body.windows(7).any(|bytes| bytes == b"```dot\\");
        let dot = || Behaviour::answer("```dot\ndigraph { a -> b }\n```\nTitle: T");
        if is_dot { dot() } else { Behaviour::default() }
    });
    let template = json!({"prompt": "p", "template": "er-from-sql", "variables": {"ddl": "a"}});
    for body in [
        json!({"prompt": "p"}),
        json!({"prompt": "P"}),
        json!({"prompt": "p\n q"}),
        json!({"prompt": "p\n  q"}),
        json!({"prompt": "p", "diagramType": "graphviz"}),
        json!({"prompt": "p", "maxTokens": 77}),
        json!({"prompt": "p", "model": "claude-haiku-5-5"}),
        template.clone(),
        json!({"prompt": "p", "template": "er-from-sql", "variables": {"ddl": "b"}}),
        json!({"prompt": "p", "baseSource": "pie\n\"a\": 1"}),
        json!({"prompt": "p", "baseSource": "pie\n\"a\": 2"}),
    ] {
        made(&server, &key, body.clone()).await;
        hit(&server, &key, body).await;
    }
    // The tier's default model is the one it names first, asked for or not.
    hit(&server, &key, json!({"prompt": "p", "model": "claude-sonnet-5-5"})).await;
    let calls = upstream.ledger().len();
    for n in 1..=2 {
        made(&server, &key, json!({"prompt": "p", "cache": "bypass"})).await;
        made(&server, &key, json!({"prompt": "never kept", "cache": "bypass"})).await;
        assert_eq!(
            upstream.ledger().len(),
            calls + 2 * n,
            "bypass asks nothing of the cache and tells it nothing"
        );
    }
    hit(&server, &key, json!({"prompt": "p", "cache": "default"})).await;
}

#[tokio::test]
async fn answers_stay_with_their_user_unless_the_operator_shares_them() {
    let upstream = Upstream::anthropic().start().await;
    let body = json!({"prompt": "our secret plan"});
    let apart = Server::start(&config(&upstream, ON));
    let (ann, bob) = (apart.key("ann", "pro", &[]), apart.key("bob", "pro", &[]));
    made(&apart, &ann, body.clone()).await;
    made(&apart, &bob, body.clone()).await;
    hit(&apart, &bob, body.clone()).await;

    let shared = Server::start(&config(&upstream, "[cache]\nshared = true\n"));
    let (ann, bob) = (shared.key("ann", "pro", &[]), shared.key("bob", "pro", &[]));
    let first = made(&shared, &ann, body.clone()).await;
    let second = hit(&shared, &bob, body).await;
    assert_eq!(second["result"], first["result"]);
    let unseen = format!("/api/diagram/status/{}", first["requestId"].as_str().unwrap());
    assert_eq!(shared.get(&bob, &unseen).await.0, 404, "the answer is shared, the request is not");
}

#[tokio::test]
async fn what_is_cut_off_failed_or_drafted_offline_is_not_kept() {
    let upstream = Upstream::anthropic().start().await;
    let server = Server::start(&config(&upstream, ON));
    let key = server.key("ann", "pro", &[]);
    upstream.script(|call| {
        let behaviour = Behaviour::default();
        if call.prompt.contains("refused") {
            behaviour.stop_reason("refusal")
        } else if call.prompt.contains("long") {
            behaviour.stop_reason("max_tokens")
        } else {
            behaviour
        }
    });
    for _ in 0..2 {
        let ended = made(&server, &key, json!({"prompt": "long"})).await;
        assert_eq!(ended["validation"]["status"], "invalid");
        let (status, accepted) = server.prompt(&key, "refused").await;
        assert_eq!(status, 202, "{accepted}");
        assert_eq!(server.ended(&key, accepted["requestId"].as_str().unwrap()).await["status"], "failed");
    }
    assert_eq!(upstream.ledger().len(), 4);

    let offline = Server::start("");
    let key = offline.key("ann", "pro", &[]);
    for _ in 0..2 {
        made(&offline, &key, json!({"prompt": "A -> B"})).await;
    }
}

#[tokio::test]
async fn the_oldest_answer_makes_room_and_a_restart_forgets_none() {
    let upstream = Upstream::anthropic().start().await;
    let more = "[tiers.pro]\nrequests_per_hour = 1000\n[cache]\nmax_size = \"1KiB\"\n";
    let server = Server::start(&config(&upstream, more));
    let key = server.key("ann", "pro", &[]);
    let ask = |n: usize| json!({"prompt": format!("number {n}")});
    // How many fit: the first one is asked for again after each further one.
    let mut fit = 0;
    loop {
        made(&server, &key, ask(fit)).await;
        let (status, again) = server.post(&key, ask(0)).await;
        if status == 202 {
            server.ended(&key, again["requestId"].as_str().unwrap()).await;
            break;
        }
        fit += 1;
    }
    assert!((1..=3).contains(&fit), "answers of a few hundred bytes, {fit} in a kibibyte");
    // The last ones are there, 0 again among them, also after a crash.
    let server = Server::on(server.kill());
    hit(&server, &key, ask(0)).await;
    for n in (2..=fit).rev() {
        hit(&server, &key, ask(n)).await;
    }
    made(&server, &key, ask(1)).await;
    let books = crate::recount::Books::of(&server);
    let (sum, told): (i64, i64) = books
        .0
        .query_row(
            "SELECT (SELECT coalesce(sum(bytes), 0) FROM cache), (SELECT value FROM setting WHERE name = 'cache_bytes')",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert_eq!(sum, told);
    assert!((1..=1024).contains(&sum), "{sum}");
}

#[tokio::test]
async fn an_answer_needs_a_unit_but_no_place_in_the_queue() {
    let upstream = Upstream::anthropic().start().await;
    let more =
        "max_concurrent = 1\n[tiers.free]\nrequests_per_hour = 5\nmax_queued = 1\n[cache]\nttl = \"1h\"\n";
    let server = Server::start(&config(&upstream, more));
    let key = server.key("ann", "free", &[]);
    made(&server, &key, json!({"prompt": "known"})).await;
    let gate = Gate::closed();
    upstream.always(Behaviour::default().hold(&gate));
    assert_eq!(server.prompt(&key, "running").await.0, 202);
    upstream.ledger().wait_for_calls(2).await;
    assert_eq!(server.prompt(&key, "waiting").await.0, 202);
    assert_eq!(server.prompt(&key, "too many").await.1["code"], "too_many_queued");
    for _ in 0..2 {
        hit(&server, &key, json!({"prompt": "known"})).await;
    }
    let (status, refused) = server.prompt(&key, "known").await;
    assert_eq!((status, &refused["code"]), (429, &json!("hourly_limit_exceeded")), "{refused}");
    gate.open();
}

#[tokio::test]
async fn a_replay_of_an_answer_is_the_same_request() {
    let upstream = Upstream::anthropic().start().await;
    let server = Server::start(&config(&upstream, ON));
    let key = server.key("ann", "pro", &[]);
    made(&server, &key, json!({"prompt": "p"})).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let sent = server.client.post(format!("{}/api/diagram/generate", server.url));
        let sent =
            sent.header("x-api-key", &key).header("idempotency-key", "k").json(&json!({"prompt": "p"}));
        let answer = sent.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        ids.push(answer.json::<Value>().await.unwrap()["requestId"].clone());
    }
    assert_eq!(ids[0], ids[1]);
    let (_, usage) = server.get(&key, "/api/diagram/usage").await;
    assert_eq!((&usage["hour"]["used"], &usage["cache"]["hits"]), (&json!(2), &json!(1)));
}
