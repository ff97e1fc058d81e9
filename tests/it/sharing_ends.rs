//! Equal requests in flight: what the end of one means for those that share its call.

use serde_json::json;

use crate::flow::config;
use crate::live::{id_of, subscribe};
use crate::recount::Books;
use crate::server::Server;
use crate::sharing::{ON, books_agree, cancel, held, held_midway, status, units};
use crate::socket::{Socket, types};
use crate::upstream::{Behaviour, Gate, Outcome, Upstream};

#[tokio::test]
async fn cancelling_one_that_shares_leaves_the_others() {
    let (upstream, gate, server, key) = held(&format!("max_concurrent = 1\n{ON}")).await;
    server.prompt(&key, "in front").await;
    upstream.ledger().wait_for_calls(1).await;
    let leader = id_of(&server.prompt(&key, "p").await);
    let waiting = id_of(&server.prompt(&key, "p").await);
    let running = id_of(&server.prompt(&key, "p").await);
    cancel(&server, &key, &waiting).await;
    assert_eq!(units(&server, &key).await, 3, "nothing had been called for it");
    gate.let_pass(1);
    upstream.ledger().wait_for_calls(2).await;
    cancel(&server, &key, &running).await;
    assert_eq!(units(&server, &key).await, 3, "it shared a call that was made");
    assert_eq!(status(&server, &key, &running).await["status"], "cancelled");
    gate.open();
    assert_eq!(server.ended(&key, &leader).await["status"], "completed");
    assert_eq!(upstream.ledger().count(|call| call.outcome == Outcome::Aborted), 0);
    assert_eq!(books_agree(&server).await["cancelled"], 2);
}

#[tokio::test]
async fn when_the_one_that_makes_the_call_is_cancelled_the_next_one_makes_its_own() {
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    upstream.always(held_midway(&gate));
    let server = Server::start(&config(&upstream, ON));
    let key = server.key("ann", "pro", &[]);
    let leader = id_of(&server.prompt(&key, "p").await);
    let second = id_of(&server.prompt(&key, "p").await);
    let third = id_of(&server.prompt(&key, "p").await);
    upstream.ledger().wait_for_calls(1).await;
    let mut sockets = [Socket::open(&server).await, Socket::open(&server).await];
    for (socket, id) in sockets.iter_mut().zip([&second, &third]) {
        socket.send(subscribe(id)).await;
        let seen = socket.until("subscribed").await;
        assert_eq!(seen[0]["status"], "processing");
    }
    cancel(&server, &key, &leader).await;
    // The upstream has seen that nobody listens, before it goes on.
    upstream.ledger().wait_for_ended(1).await;
    gate.open();
    for (socket, id) in sockets.iter_mut().zip([&second, &third]) {
        let seen = socket.until("completed").await;
        let kinds = types(&seen);
        let at = kinds.iter().position(|kind| *kind == "retrying").unwrap();
        assert!(kinds[at..].contains(&"processing"), "{kinds:?}");
        let deltas: String = seen[at..].iter().filter_map(|message| message["text"].as_str()).collect();
        assert_eq!(deltas.trim_end(), seen.last().unwrap()["result"], "all of the new answer, for {id}");
    }
    let (made, shared) = (server.ended(&key, &second).await, server.ended(&key, &third).await);
    assert_ne!(made["usage"]["costUsd"], "0.000000000");
    assert_eq!((&shared["result"], &shared["usage"]["costUsd"]), (&made["result"], &json!("0.000000000")));
    let cancelled = status(&server, &key, &leader).await;
    assert_eq!(cancelled["status"], "cancelled");
    upstream.ledger().wait_for_ended(2).await;
    let outcomes: Vec<Outcome> = upstream.ledger().calls().into_iter().map(|call| call.outcome).collect();
    assert_eq!(outcomes, [Outcome::Aborted, Outcome::Completed]);
    assert_eq!(units(&server, &key).await, 3);
    books_agree(&server).await;
}

#[tokio::test]
async fn when_one_that_waits_is_cancelled_the_next_one_waits_in_its_stead() {
    let (upstream, gate, server, key) = held(&format!("max_concurrent = 1\n{ON}")).await;
    server.prompt(&key, "in front").await;
    upstream.ledger().wait_for_calls(1).await;
    let leader = id_of(&server.prompt(&key, "p").await);
    let second = id_of(&server.prompt(&key, "p").await);
    let third = id_of(&server.prompt(&key, "p").await);
    let behind = id_of(&server.prompt(&key, "behind").await);
    cancel(&server, &key, &leader).await;
    for (id, position) in [(&second, 1), (&third, 1), (&behind, 2)] {
        assert_eq!(status(&server, &key, id).await["position"], position);
    }
    assert_eq!(units(&server, &key).await, 4);
    gate.open();
    for id in [&second, &third, &behind] {
        assert_eq!(server.ended(&key, id).await["status"], "completed");
    }
    assert_eq!(upstream.ledger().len(), 3);
    books_agree(&server).await;
}

#[tokio::test]
async fn a_deadline_is_each_ones_own() {
    let (upstream, gate, server, key) = held(ON).await;
    let hasty = |seconds: u64| json!({"prompt": "p", "deadlineSeconds": seconds});
    let leader = id_of(&server.post(&key, hasty(2)).await);
    upstream.ledger().wait_for_calls(1).await;
    let follower = id_of(&server.post(&key, hasty(1)).await);
    let patient = id_of(&server.prompt(&key, "p").await);
    let expired = server.ended(&key, &follower).await;
    assert_eq!(expired["status"], "expired");
    assert_eq!(status(&server, &key, &patient).await["status"], "processing");
    assert_eq!(units(&server, &key).await, 3, "its call was under way");
    // The one that makes the call expires, and the one that is left makes another.
    assert_eq!(server.ended(&key, &leader).await["status"], "expired");
    upstream.ledger().wait_for_calls(2).await;
    gate.open();
    assert_eq!(server.ended(&key, &patient).await["status"], "completed");
    assert_eq!(books_agree(&server).await["expired"], 2);
    let hour = server.get(&key, "/api/diagram/usage").await.1["hour"].clone();
    let resets_at = diagramd::domain::Timestamp::parse(hour["resetsAt"].as_str().unwrap()).unwrap();
    let counted = Books::of(&server).usage("ann", diagramd::domain::Timestamp(resets_at.0 - 3_600_000));
    assert_eq!(hour["used"], counted["hour"]);
}

#[tokio::test]
async fn a_failure_that_equals_would_meet_is_everybodys() {
    let (upstream, gate, server, key) = held(ON).await;
    upstream.always(Behaviour::default().stop_reason("refusal").hold(&gate));
    let ids = [(); 3].map(|()| server.prompt(&key, "p"));
    let ids: Vec<String> = futures_util::future::join_all(ids).await.iter().map(id_of).collect();
    upstream.ledger().wait_for_calls(1).await;
    gate.open();
    for id in &ids {
        let ended = server.ended(&key, id).await;
        assert_eq!((&ended["status"], &ended["error"]["code"]), (&json!("failed"), &json!("refused")));
    }
    assert_eq!((upstream.ledger().len(), units(&server, &key).await), (1, 3));
    books_agree(&server).await;
}

#[tokio::test]
async fn a_crash_changes_nothing_about_who_shares() {
    let (upstream, gate, server, key) = held(ON).await;
    let ids = [(); 3].map(|()| server.prompt(&key, "p"));
    let ids: Vec<String> = futures_util::future::join_all(ids).await.iter().map(id_of).collect();
    let brief = json!({"prompt": "p", "deadlineSeconds": 1});
    let brief = id_of(&server.post(&key, brief).await);
    upstream.ledger().wait_for_calls(1).await;
    let server = Server::on(server.kill());
    upstream.ledger().wait_for_calls(2).await;
    assert_eq!(server.ended(&key, &brief).await["status"], "expired", "its deadline is known");
    let late = id_of(&server.prompt(&key, "p").await);
    gate.open();
    let mut results = Vec::new();
    for id in ids.iter().chain([&late]) {
        let ended = server.ended(&key, id).await;
        assert_eq!(ended["status"], "completed");
        results.push(ended["result"].clone());
    }
    results.dedup();
    assert_eq!((results.len(), upstream.ledger().len()), (1, 2), "the call that was lost, and one more");
    assert_eq!(units(&server, &key).await, 5);
    books_agree(&server).await;
}
