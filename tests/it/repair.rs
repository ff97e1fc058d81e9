//! Sources that do not parse: mended by rules, corrected by a further call, or given back as they
//! are; with the bill, the ledger, and whatever may happen in the middle of a correction.
//!
//! Most are DOT, which every build checks.

use diagramd::domain::TokenUsage;
use diagramd::domain::prices;
use serde_json::{Value, json};

use crate::flow::config;
use crate::live::{id_of, subscribe};
use crate::recount::Books;
use crate::server::Server;
use crate::socket::{Socket, types};
use crate::upstream::{Behaviour, Gate, Outcome, Upstream};

const GOOD: &str = "digraph {\n  order -> ship\n}";
const BAD: &str = "digraph {\n  order ->\n}";
const WORSE: &str = "digraph {\n  order -> [\n}";

fn answer(source: &str) -> Behaviour {
    Behaviour::answer(format!("```dot\n{source}\n```\nTitle: Orders\n"))
}

fn request() -> Value {
    json!({"prompt": "orders", "diagramType": "graphviz", "maxTokens": 300})
}

/// A server on an upstream that behaves so, call after call.
async fn scripted(behaviours: Vec<Behaviour>, more: &str) -> (Upstream, Server, String) {
    let upstream = Upstream::anthropic().start().await;
    behaviours.into_iter().for_each(|behaviour| upstream.push(behaviour));
    let server = Server::start(&config(&upstream, more));
    let key = server.key("ann", "free", &[]);
    (upstream, server, key)
}

async fn accepted(server: &Server, key: &str, body: Value) -> String {
    let accepted = server.post(key, body).await;
    assert_eq!(accepted.0, 202, "{}", accepted.1);
    id_of(&accepted)
}

async fn ended(server: &Server, key: &str) -> Value {
    let id = accepted(server, key, request()).await;
    server.ended(key, &id).await
}

async fn units(server: &Server, key: &str) -> u64 {
    server.get(key, "/api/diagram/usage").await.1["hour"]["used"].as_u64().unwrap()
}

/// The figures of all requests; they equal a recount from the ledger.
async fn totals(server: &Server) -> Value {
    let admin = server.key("root", "free", &["--admin"]);
    let (_, stats) = server.get(&admin, "/api/diagram/stats?groupBy=user").await;
    let (totals, groups) = Books::of(server).recount("user");
    assert_eq!((&stats["totals"], &stats["groups"]), (&totals, &groups));
    totals
}

/// Every call of the upstream is in the request's bill, to the token and the nano-dollar.
fn is_billed(job: &Value, upstream: &Upstream) {
    let (usage, ledger) = (&job["usage"], upstream.ledger());
    let tokens = ledger.usage();
    assert_eq!(
        (&usage["inputTokens"], &usage["outputTokens"]),
        (&json!(tokens.input), &json!(tokens.output))
    );
    let bill = ledger.bill(|model| prices::built_in(model).unwrap());
    assert_eq!((&usage["costUsd"], &usage["estimated"]), (&json!(bill.to_string()), &json!(false)));
}

#[tokio::test]
async fn the_model_corrects_what_does_not_parse_and_every_step_is_told() {
    let gate = Gate::closed();
    let (upstream, server, key) = scripted(vec![answer(BAD).hold(&gate), answer(GOOD)], "").await;
    let id = accepted(&server, &key, request()).await;
    let mut socket = Socket::open(&server).await;
    socket.send(subscribe(&id)).await;
    assert_eq!(socket.next().await["type"], "subscribed");
    gate.open();
    let seen = socket.until("completed").await;
    let steps: Vec<&str> =
        types(&seen).into_iter().filter(|kind| !matches!(*kind, "delta" | "position")).collect();
    let begun = steps.iter().position(|kind| *kind == "validating").unwrap();
    assert_eq!(steps[begun..], ["validating", "repairing", "processing", "validating", "completed"]);
    let of = |kind: &str| seen.iter().rfind(|message| message["type"] == kind).unwrap();
    assert_eq!(
        (&of("repairing")["requestId"], &of("repairing")["errors"][0]["line"]),
        (&json!(id), &json!(3))
    );
    assert_eq!(of("processing")["attempt"], 2);

    let (_, job) = server.get(&key, &format!("/api/diagram/status/{id}")).await;
    assert_eq!(
        (&job["status"], &job["result"], &job["title"]),
        (&json!("completed"), &json!(GOOD), &json!("Orders"))
    );
    let validation = &job["validation"];
    assert_eq!((&validation["status"], &validation["errors"]), (&json!("repaired"), &json!([])));
    assert!(validation["mends"][0].as_str().unwrap().starts_with("had the model correct: line 3: "), "{job}");
    assert_eq!(of("completed")["validation"], *validation);
    assert_eq!(job["attempts"], 2);
    is_billed(&job, &upstream);

    let calls = upstream.ledger().calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].system, calls[1].system, "the upstream's prompt cache serves both");
    for part in [BAD, "- line 3, column 1: ", "This graphviz source does not parse"] {
        assert!(calls[1].prompt.contains(part), "{part}: {}", calls[1].prompt);
    }
    let totals = totals(&server).await;
    assert_eq!(
        (&totals["repaired"], &totals["retries"], &totals["completed"]),
        (&json!(1), &json!(0), &json!(1))
    );
    assert_eq!(units(&server, &key).await, 1);
    let admin = server.key("root", "free", &["--admin"]);
    let (_, queue) = server.get(&admin, "/api/diagram/queue/status").await;
    let lane = &queue["upstreams"][0];
    assert_eq!((&lane["requestsPerMinute"]["used"], &lane["inFlight"]), (&json!(2), &json!(0)));
}

#[tokio::test]
async fn a_correction_waits_its_turn_like_any_request_and_watchers_see_its_place() {
    let gate = Gate::closed();
    let answers = vec![answer(BAD).hold(&gate), answer(GOOD).hold(&gate), answer(GOOD)];
    let (upstream, server, key) = scripted(answers, "max_concurrent = 1").await;
    let id = accepted(&server, &key, request()).await;
    upstream.ledger().wait_for_calls(1).await;
    let other = server.key("bob", "enterprise", &[]);
    let second = accepted(&server, &other, request()).await;
    let mut socket = Socket::open(&server).await;
    socket.send(subscribe(&id)).await;
    assert_eq!(socket.next().await["type"], "subscribed");
    // The heavier tier's request goes first; the correction waits behind it.
    gate.let_pass(1);
    let seen = socket.until("repairing").await;
    assert!(!types(&seen).contains(&"retrying"));
    assert_eq!(socket.until("position").await.last().unwrap()["position"], 1);
    let (_, job) = server.get(&key, &format!("/api/diagram/status/{id}")).await;
    assert_eq!(
        (&job["status"], &job["position"], &job["result"]),
        (&json!("queued"), &json!(1), &Value::Null)
    );
    gate.let_pass(1);
    let deltas = socket.until("completed").await;
    let begun = types(&deltas).iter().position(|kind| *kind == "processing").unwrap();
    let text: String = deltas[begun..].iter().filter_map(|message| message["text"].as_str()).collect();
    assert_eq!(text.trim_end(), GOOD, "a call begins the text anew");
    assert_eq!(server.ended(&other, &second).await["validation"]["status"], "valid");
}

#[tokio::test]
async fn event_streams_tell_the_same_steps() {
    let gate = Gate::closed();
    let (_upstream, server, key) = scripted(vec![answer(BAD).hold(&gate), answer(GOOD)], "").await;
    let id = accepted(&server, &key, request()).await;
    let events = server.client.get(format!("{}/api/diagram/events/{id}", server.url)).send().await.unwrap();
    gate.open();
    let text = events.text().await.unwrap();
    let at = |kind: &str| text.find(&format!("event: {kind}\n")).unwrap_or_else(|| panic!("{kind}: {text}"));
    assert!(at("validating") < at("repairing") && at("repairing") < at("completed"), "{text}");
}

#[tokio::test]
async fn what_still_does_not_parse_is_returned_with_its_errors_and_costs_no_unit() {
    let (upstream, server, key) = scripted(vec![answer(BAD), answer(WORSE)], "").await;
    let job = ended(&server, &key).await;
    assert_eq!((&job["status"], &job["result"]), (&json!("completed"), &json!(WORSE)));
    let validation = &job["validation"];
    assert_eq!(
        (&validation["status"], &validation["errors"][0]["line"]),
        (&json!("invalid"), &json!(2)),
        "{job}"
    );
    assert!(validation["mends"].is_null());
    assert_eq!(upstream.ledger().len(), 2);
    is_billed(&job, &upstream);
    assert_eq!(units(&server, &key).await, 0);
    assert_eq!(totals(&server).await["repaired"], 0);
}

#[tokio::test]
async fn as_many_corrections_as_are_configured_are_asked_for() {
    let more = "[generation]\nrepair_attempts = 3";
    let answers = vec![answer(BAD), Behaviour::answer("I cannot."), answer(WORSE), answer(GOOD)];
    let (upstream, server, key) = scripted(answers, more).await;
    let job = ended(&server, &key).await;
    assert_eq!((&job["validation"]["status"], &job["result"]), (&json!("repaired"), &json!(GOOD)), "{job}");
    assert_eq!(job["validation"]["mends"].as_array().unwrap().len(), 2, "two sources were corrected: {job}");
    is_billed(&job, &upstream);
    let calls = upstream.ledger().calls();
    assert!(calls[2].prompt.contains(BAD) && calls[3].prompt.contains(WORSE));
    assert_eq!(totals(&server).await["retries"], 0);

    let (upstream, server, key) = scripted(vec![answer(BAD)], "[generation]\nrepair_attempts = 0").await;
    assert_eq!(ended(&server, &key).await["validation"]["status"], "invalid");
    assert_eq!(upstream.ledger().len(), 1);
}

#[tokio::test]
async fn a_correction_that_brings_no_whole_source_leaves_the_first_one() {
    for second in [
        Behaviour::answer("I cannot."),
        answer(WORSE).stop_reason("max_tokens"),
        answer(GOOD).stop_reason("refusal"),
    ] {
        let (upstream, server, key) = scripted(vec![answer(BAD), second], "").await;
        let job = ended(&server, &key).await;
        assert_eq!((&job["status"], &job["result"]), (&json!("completed"), &json!(BAD)), "{job}");
        assert_eq!((&job["validation"]["status"], &job["title"]), (&json!("invalid"), &json!("Orders")));
        assert_eq!((upstream.ledger().len(), units(&server, &key).await), (2, 0));
    }
}

#[tokio::test]
async fn a_correction_that_fails_is_tried_again_like_any_call() {
    let untitled = Behaviour::answer(format!("```dot\n{GOOD}\n```\n"));
    let answers = vec![answer(BAD), Behaviour::status(529), untitled];
    let (upstream, server, key) = scripted(answers, "").await;
    let job = ended(&server, &key).await;
    assert_eq!((&job["validation"]["status"], &job["attempts"]), (&json!("repaired"), &json!(3)), "{job}");
    assert_eq!(job["title"], "Orders", "a correction need not repeat the title");
    assert_eq!(upstream.ledger().calls()[1].prompt, upstream.ledger().calls()[2].prompt);
    assert_eq!(totals(&server).await["retries"], 1);

    let (_upstream, server, key) = scripted(vec![answer(BAD), Behaviour::status(400)], "").await;
    let job = ended(&server, &key).await;
    assert_eq!(
        (&job["status"], &job["validation"]["status"]),
        (&json!("completed"), &json!("invalid")),
        "{job}"
    );
    assert_eq!((&job["result"], &job["error"]), (&json!(BAD), &Value::Null));
}

#[tokio::test]
async fn an_answer_that_was_cut_off_is_not_sent_back() {
    let (upstream, server, key) = scripted(vec![answer(BAD).stop_reason("max_tokens")], "").await;
    let job = ended(&server, &key).await;
    assert_eq!(job["validation"]["status"], "invalid");
    assert!(job["validation"]["errors"][0]["message"].as_str().unwrap().contains("maxTokens"), "{job}");
    assert_eq!(upstream.ledger().len(), 1);
    // The request itself left no room for a whole one: that is no way to diagrams for nothing.
    let (_, usage) = server.get(&key, "/api/diagram/usage").await;
    assert_eq!(usage["hour"]["used"], 1, "{usage}");
}

#[tokio::test]
async fn a_correction_that_the_months_budget_does_not_allow_is_not_made() {
    let much = TokenUsage { input: 100_000, output: 100, ..TokenUsage::default() };
    let more = "[tiers.free]\nmonthly_budget_usd = 0.1";
    let (upstream, server, key) = scripted(vec![answer(BAD).usage(much), answer(GOOD)], more).await;
    let job = ended(&server, &key).await;
    assert_eq!(
        (&job["status"], &job["validation"]["status"]),
        (&json!("completed"), &json!("invalid")),
        "{job}"
    );
    assert_eq!((&job["result"], upstream.ledger().len()), (&json!(BAD), 1));
    is_billed(&job, &upstream);
}

/// A request whose correction is under way.
async fn in_correction(body: Value, more: Vec<Behaviour>) -> (Upstream, Server, String, String) {
    let gate = Gate::closed();
    let behaviours = [vec![answer(BAD), answer(GOOD).hold_midway(&gate)], more].concat();
    let (upstream, server, key) = scripted(behaviours, "").await;
    let id = accepted(&server, &key, body).await;
    upstream.ledger().wait_for_calls(2).await;
    // The gate stays closed as long as the upstream lives.
    std::mem::forget(gate);
    (upstream, server, key, id)
}

#[tokio::test]
async fn a_kill_in_the_middle_of_a_correction_costs_one_more_call_and_nothing_else() {
    let (upstream, server, key, id) = in_correction(request(), vec![answer(GOOD)]).await;
    let server = Server::on(server.kill());
    let job = server.ended(&key, &id).await;
    assert_eq!((&job["status"], &job["result"]), (&json!("completed"), &json!(GOOD)), "{job}");
    assert_eq!(
        (&job["validation"]["status"], &job["usage"]["estimated"]),
        (&json!("repaired"), &json!(true))
    );
    let calls = upstream.ledger().calls();
    assert_eq!((calls.len(), calls[1].outcome), (3, Outcome::Aborted));
    assert_eq!(calls[1].prompt, calls[2].prompt, "the correction, not the request, is made again");
    let totals = totals(&server).await;
    assert_eq!((&totals["repaired"], &totals["retries"]), (&json!(1), &json!(1)));
    assert_eq!(units(&server, &key).await, 1);
}

#[tokio::test]
async fn a_stop_in_the_middle_of_a_correction_goes_on_with_it_at_the_next_start() {
    let (upstream, server, key, id) = in_correction(request(), vec![answer(GOOD)]).await;
    // A second signal waits for nothing.
    server.ask_to_stop();
    server.ask_to_stop();
    let server = Server::on(server.terminate().await);
    let job = server.ended(&key, &id).await;
    assert_eq!((&job["result"], &job["validation"]["status"]), (&json!(GOOD), &json!("repaired")), "{job}");
    assert_eq!(upstream.ledger().len(), 3);
}

#[tokio::test]
async fn a_request_is_cancelled_in_the_middle_of_its_correction() {
    let (upstream, server, key, id) = in_correction(request(), vec![]).await;
    let (status, cancelled) = server.delete(&key, &format!("/api/diagram/cancel/{id}")).await;
    assert_eq!((status, &cancelled["status"]), (200, &json!("cancelled")));
    upstream.ledger().wait_for_ended(2).await;
    assert_eq!(upstream.ledger().calls()[1].outcome, Outcome::Aborted);
    let job = server.ended(&key, &id).await;
    assert_eq!((&job["status"], &job["result"]), (&json!("cancelled"), &Value::Null));
    assert!(job["usage"]["inputTokens"].as_u64() >= Some(upstream.ledger().calls()[0].usage.input), "{job}");
    assert_eq!(units(&server, &key).await, 1);
    let left: i64 =
        Books::of(&server).0.query_row("SELECT count(*) FROM job_repair", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_deadline_in_the_middle_of_a_correction_returns_what_is_there() {
    let mut body = request();
    body["deadlineSeconds"] = json!(1);
    let (upstream, server, key, id) = in_correction(body, vec![]).await;
    let job = server.ended(&key, &id).await;
    assert_eq!((&job["status"], &job["result"]), (&json!("completed"), &json!(BAD)), "{job}");
    assert_eq!((&job["validation"]["status"], units(&server, &key).await), (&json!("invalid"), 0));
    upstream.ledger().wait_for_ended(2).await;
    assert_eq!(upstream.ledger().calls()[1].outcome, Outcome::Aborted, "the call is closed");
}

#[tokio::test]
async fn a_deadline_while_the_correction_waits_returns_what_is_there() {
    let (_upstream, server, key) =
        scripted(vec![answer(BAD), Behaviour::status(429).header("retry-after", "60")], "").await;
    let mut body = request();
    body["deadlineSeconds"] = json!(1);
    let id = accepted(&server, &key, body).await;
    let job = server.ended(&key, &id).await;
    assert_eq!((&job["status"], &job["result"]), (&json!("completed"), &json!(BAD)), "{job}");
    assert_eq!((&job["validation"]["status"], units(&server, &key).await), (&json!("invalid"), 0));
    assert_eq!(totals(&server).await["completed"], 1);
}

#[cfg(feature = "validate")]
mod mermaid {
    use super::*;

    const UNQUOTED: &str = "flowchart TD\n  a[call f(x)] --> b";
    const BROKEN: &str = "sequenceDiagram\n  alt\n  ann ->>";

    fn fenced(source: &str) -> Behaviour {
        Behaviour::answer(format!("```mermaid\n{source}\n```\nTitle: Orders\n"))
    }

    #[tokio::test]
    async fn what_rules_can_mend_takes_no_further_call() {
        let gate = Gate::closed();
        let (upstream, server, key) = scripted(vec![fenced(UNQUOTED).hold(&gate)], "").await;
        let id = accepted(&server, &key, json!({"prompt": "orders", "maxTokens": 300})).await;
        let mut socket = Socket::open(&server).await;
        socket.send(subscribe(&id)).await;
        assert_eq!(socket.next().await["type"], "subscribed");
        gate.open();
        let seen = socket.until("completed").await;
        let repairing = seen.iter().find(|message| message["type"] == "repairing").unwrap();
        assert_eq!(repairing["errors"][0]["line"], 2);
        let done = seen.last().unwrap();
        assert_eq!(done["result"], "flowchart TD\n  a[\"call f(x)\"] --> b");
        assert_eq!(
            done["validation"],
            json!({"status": "repaired", "errors": [], "mends": ["put labels in quotes"]})
        );
        assert_eq!((upstream.ledger().len(), units(&server, &key).await), (1, 1));
        assert_eq!(totals(&server).await["repaired"], 1);
    }

    #[tokio::test]
    async fn a_correction_may_be_mended_too() {
        let (upstream, server, key) = scripted(vec![fenced(BROKEN), fenced(UNQUOTED)], "").await;
        let id = accepted(&server, &key, json!({"prompt": "orders", "maxTokens": 300})).await;
        let job = server.ended(&key, &id).await;
        let validation = &job["validation"];
        assert_eq!(validation["status"], "repaired", "{job}");
        let mends: Vec<&str> =
            validation["mends"].as_array().unwrap().iter().map(|mend| mend.as_str().unwrap()).collect();
        assert!(
            mends.len() == 2
                && mends[0].starts_with("had the model correct")
                && mends[1] == "put labels in quotes",
            "{mends:?}"
        );
        is_billed(&job, &upstream);
    }
}
