//! `/metrics`: who may read it, what it counts, and that the documents name what there is.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::flow::config;
use crate::receiver::{Receiver, Reply};
use crate::server::Server;
use crate::upstream::{Behaviour, Gate, Upstream};

/// The page's series with their values.
struct Page(BTreeMap<String, f64>);

impl Page {
    async fn of(server: &Server, token: &str) -> Self {
        let (status, text) = read(&format!("{}/metrics", server.url), Some(token)).await;
        assert_eq!(status, 200, "{text}");
        Self::parse(&text)
    }

    fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Self(
            lines
                .map(|line| line.rsplit_once(' ').unwrap())
                .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
                .collect(),
        )
    }

    /// The value of one series.
    fn value(&self, series: &str) -> f64 {
        let alike = || self.0.keys().filter(|key| key.split('{').next() == series.split('{').next());
        *self
            .0
            .get(series)
            .unwrap_or_else(|| panic!("{series} is not among {:?}", alike().collect::<Vec<_>>()))
    }

    /// Names of families: without labels, and without what a histogram's parts end with.
    fn families(&self) -> BTreeSet<String> {
        self.0.keys().map(|key| family(key.split('{').next().unwrap())).collect()
    }
}

fn family(name: &str) -> String {
    let part = ["_bucket", "_count", "_sum"].into_iter().find_map(|part| name.strip_suffix(part));
    part.unwrap_or(name).to_owned()
}

async fn read(url: &str, token: Option<&str>) -> (u16, String) {
    let mut call = reqwest::Client::new().get(url);
    if let Some(token) = token {
        call = call.bearer_auth(token);
    }
    let answer = call.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

const TOKEN: &str = "[metrics]\ntoken = \"figures-please\"\n";

#[tokio::test]
async fn the_figures_are_exactly_what_happened() {
    let upstream = Upstream::anthropic().start().await;
    let server = Server::start(&config(&upstream, &format!("[cache]\nenabled = true\n{TOKEN}")));
    let key = server.key("ann", "pro", &[]);
    let bob = server.key("bob", "free", &[]);

    // One that is answered, the same again, one whose call fails once, one that the upstream rejects.
    let ended = async |prompt: &str| {
        let (status, accepted) = server.prompt(&key, prompt).await;
        assert!(status == 202 || status == 200, "{accepted}");
        server.ended(&key, accepted["requestId"].as_str().unwrap()).await
    };
    let first = ended("draw one").await;
    assert_eq!(first["status"], "completed", "{first}");
    assert_eq!(ended("draw one").await["cached"], true);
    upstream.push(Behaviour::status(529));
    assert_eq!(ended("draw two").await["status"], "completed");
    upstream.push(Behaviour::status(400));
    assert_eq!(ended("draw three").await["status"], "failed");
    // One that waits while another runs, and is cancelled; both are bob's, who has one call at once.
    let gate = Gate::closed();
    upstream.push(Behaviour::default().hold(&gate));
    let (_, running) = server.prompt(&bob, "bob's first").await;
    upstream.ledger().wait_for_calls(5).await;
    let (_, waiting) = server.prompt(&bob, "bob's second").await;
    let page = Page::of(&server, "figures-please").await;
    assert_eq!(page.value("diagramd_queue_depth{tier=\"free\"}"), 1.0);
    assert_eq!(page.value("diagramd_queue_processing{tier=\"free\"}"), 1.0);
    assert_eq!(page.value("diagramd_upstream_calls_in_flight{upstream=\"main\"}"), 1.0);
    let cancel = format!("/api/diagram/cancel/{}", waiting["requestId"].as_str().unwrap());
    assert_eq!(server.delete(&bob, &cancel).await.0, 200);
    gate.open();
    let bobs = server.ended(&bob, running["requestId"].as_str().unwrap()).await;
    assert_eq!(bobs["status"], "completed");
    assert_eq!(server.get(&key, "/api/diagram/status/nothing").await.0, 404);

    let page = Page::of(&server, "figures-please").await;
    for (series, expected) in [
        ("requests_accepted_total{tier=\"pro\",diagram_type=\"mermaid\"}", 4),
        ("requests_accepted_total{tier=\"free\",diagram_type=\"mermaid\"}", 2),
        ("requests_accepted_total{tier=\"basic\",diagram_type=\"d2\"}", 0),
        ("requests_ended_total{outcome=\"completed\"}", 4),
        ("requests_ended_total{outcome=\"failed\"}", 1),
        ("requests_ended_total{outcome=\"cancelled\"}", 1),
        ("requests_ended_total{outcome=\"expired\"}", 0),
        ("requests_failed_total{code=\"upstream_rejected\"}", 1),
        ("requests_requeued_total{reason=\"retry\"}", 1),
        ("requests_shared_total", 0),
        ("request_wait_seconds_count{tier=\"pro\"}", 3),
        ("request_wait_seconds_count{tier=\"free\"}", 1),
        ("request_duration_seconds_count{outcome=\"completed\"}", 3),
        ("cache_lookups_total{result=\"hit\"}", 1),
        ("cache_lookups_total{result=\"miss\"}", 5),
        ("upstream_calls_total{upstream=\"main\",purpose=\"draw\",end=\"answered\"}", 3),
        ("upstream_calls_total{upstream=\"main\",purpose=\"draw\",end=\"failed\"}", 1),
        ("upstream_calls_total{upstream=\"main\",purpose=\"draw\",end=\"rejected\"}", 1),
        ("upstream_call_duration_seconds_count{upstream=\"main\"}", 5),
        ("http_requests_total{method=\"POST\",route=\"/api/diagram/generate\",status=\"202\"}", 5),
        ("http_requests_total{method=\"POST\",route=\"/api/diagram/generate\",status=\"200\"}", 1),
        ("http_requests_total{method=\"GET\",route=\"/api/diagram/status/{id}\",status=\"404\"}", 1),
        ("http_requests_total{method=\"GET\",route=\"/metrics\",status=\"200\"}", 1),
        ("http_request_duration_seconds_count{method=\"DELETE\",route=\"/api/diagram/cancel/{id}\"}", 1),
        ("http_problems_total{code=\"not_found\"}", 1),
        ("http_problems_total{code=\"internal\"}", 0),
        ("queue_depth{tier=\"free\"}", 0),
        ("queue_paused", 0),
        ("upstream_state{upstream=\"main\",state=\"open\"}", 1),
        ("upstream_state{upstream=\"main\",state=\"paused\"}", 0),
        ("upstream_budget_limit{upstream=\"main\",budget=\"requests\"}", 1000),
        ("store_batches_total{result=\"failed\"}", 0),
        ("websocket_connections", 0),
        ("websocket_slow_readers_closed_total", 0),
    ] {
        assert_eq!(page.value(&format!("diagramd_{series}")), f64::from(expected), "{series}");
    }
    let verdict = if cfg!(feature = "validate") { "valid" } else { "unchecked" };
    let verdicts =
        format!("diagramd_diagrams_checked_total{{diagram_type=\"mermaid\",verdict=\"{verdict}\"}}");
    assert_eq!(page.value(&verdicts), 3.0);

    // Money and tokens are those of the books.
    let admin = server.key("root", "enterprise", &["--admin"]);
    let (_, stats) = server.get(&admin, "/api/diagram/stats").await;
    let totals = &stats["totals"];
    let dollars = |field: &Value| field.as_str().unwrap().parse::<f64>().unwrap();
    let cost =
        page.value("diagramd_upstream_cost_dollars_total{upstream=\"main\",model=\"claude-sonnet-5-5\"}");
    assert!(cost > 0.0 && (cost - dollars(&totals["costUsd"])).abs() < 1e-9, "{cost} {totals}");
    let saved = page.value("diagramd_cache_saved_dollars_total");
    assert!(saved > 0.0 && (saved - dollars(&totals["savedUsd"])).abs() < 1e-9, "{saved} {totals}");
    let tokens = |kind: &str| {
        page.value(&format!(
            "diagramd_upstream_tokens_total{{upstream=\"main\",model=\"claude-sonnet-5-5\",kind=\"{kind}\"}}"
        ))
    };
    let input = tokens("input") + tokens("cache_read") + tokens("cache_write");
    assert_eq!(
        json!([input, tokens("output")]),
        json!([totals["inputTokens"].as_f64(), totals["outputTokens"].as_f64()])
    );

    // Nothing that a client chooses is a label.
    let text = page.0.keys().cloned().collect::<Vec<_>>().join("\n");
    for hidden in ["ann", "bob", "req_", "draw one", "nothing"] {
        assert!(!text.contains(&format!("\"{hidden}")), "{hidden}");
    }
    assert!(page.value("process_resident_memory_bytes") > 1e6);
    assert!(page.value("diagramd_store_wal_bytes") > 1e4, "all of it is in the log yet");
    assert!(page.value("diagramd_disk_free_bytes") > 0.0);
}

#[tokio::test]
async fn every_try_of_a_webhook_is_counted() {
    let upstream = Upstream::anthropic().start().await;
    let allowed = "[webhooks]\nallow_private_addresses = true\nretries = [\"10ms\"]\n";
    let server = Server::start(&config(&upstream, &format!("{allowed}{TOKEN}")));
    let key = server.key("ann", "pro", &[]);
    let begun = Page::of(&server, "figures-please").await;
    assert_eq!(begun.value("diagramd_webhook_attempts_total{result=\"taken\"}"), 0.0);
    let mut receiver = Receiver::start(&[500, 204, 500, 500].map(Reply::Status)).await;
    for messages in [2, 2] {
        let body = json!({"prompt": "draw", "webhookUrl": receiver.url});
        assert_eq!(server.post(&key, body).await.0, 202);
        for _ in 0..messages {
            receiver.next().await;
        }
    }
    // What is counted is on disk, a moment after the receiver's answer.
    let page = loop {
        let page = Page::of(&server, "figures-please").await;
        if page.value("diagramd_webhook_messages_total{outcome=\"failed\"}") > 0.0 {
            break page;
        }
    };
    for (series, value) in [
        ("diagramd_webhook_attempts_total{result=\"taken\"}", 1.0),
        ("diagramd_webhook_attempts_total{result=\"refused\"}", 3.0),
        ("diagramd_webhook_attempts_total{result=\"unanswered\"}", 0.0),
        ("diagramd_webhook_messages_total{outcome=\"delivered\"}", 1.0),
        ("diagramd_webhook_messages_total{outcome=\"failed\"}", 1.0),
        ("diagramd_webhook_attempt_duration_seconds_count", 4.0),
        ("diagramd_webhook_messages_waiting", 0.0),
    ] {
        assert_eq!(page.value(series), value, "{series}");
    }

    drop(receiver);
    let body = json!({"prompt": "draw", "webhookUrl": "http://127.0.0.1:9/nobody"});
    assert_eq!(server.post(&key, body).await.0, 202);
    loop {
        let page = Page::of(&server, "figures-please").await;
        if page.value("diagramd_webhook_messages_total{outcome=\"failed\"}") < 2.0 {
            continue;
        }
        assert_eq!(page.value("diagramd_webhook_attempts_total{result=\"unanswered\"}"), 2.0);
        return;
    }
}

#[tokio::test]
async fn the_token_and_admins_may_read_and_nobody_else() {
    let server = Server::start(TOKEN);
    let url = format!("{}/metrics", server.url);
    let (user, admin) = (server.key("ann", "pro", &[]), server.key("root", "free", &["--admin"]));
    assert_eq!(read(&url, Some("figures-please")).await.0, 200);
    assert_eq!(read(&url, Some(&admin)).await.0, 200);
    assert_eq!(read(&url, Some(&user)).await.0, 403);
    assert_eq!(read(&url, Some("figures-pleasf")).await.0, 401);
    assert_eq!(read(&url, None).await.0, 401);
    let elsewhere = format!("{}/api/diagram/usage", server.url);
    assert_eq!(read(&elsewhere, Some("figures-please")).await.0, 401, "it opens nothing else");

    let open = server.client.get(&url).bearer_auth("figures-please");
    let open = open.header("accept", "application/openmetrics-text;version=1.0.0").send().await.unwrap();
    assert_eq!(open.headers()["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(open.text().await.unwrap().ends_with("# EOF\n"));
}

#[tokio::test]
async fn without_a_token_only_admins_may_read() {
    let server = Server::start("");
    let url = format!("{}/metrics", server.url);
    let admin = server.key("root", "free", &["--admin"]);
    assert_eq!((read(&url, None).await.0, read(&url, Some("")).await.0), (401, 401));
    let answer = server.client.get(&url).header("x-api-key", &admin).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_listener_of_their_own_serves_the_figures_and_nothing_else() {
    let server = Server::start("[metrics]\nlisten = \"127.0.0.1:0\"\n");
    let own = server.said_at_start("figures");
    let (status, text) = read(&format!("{own}/metrics"), None).await;
    assert_eq!(status, 200);
    assert!(text.contains("diagramd_build_info{"), "{text}");
    for path in ["/", "/healthz", "/api/diagram/usage", "/metrics/"] {
        assert_eq!(read(&format!("{own}{path}"), None).await.0, 404, "{path}");
    }
    let posted = server.client.post(format!("{own}/metrics")).send().await.unwrap();
    assert_eq!((posted.status().as_u16(), &posted.headers()["allow"]), (405, &"GET, HEAD".parse().unwrap()));
    let admin = server.key("root", "free", &["--admin"]);
    assert_eq!(read(&format!("{}/metrics", server.url), Some(&admin)).await.0, 404, "not on the main one");
}

/// The families that the manual's tables list: those in the first column.
fn documented() -> BTreeSet<String> {
    let manual = include_str!("../../docs/monitoring.md");
    let cells = manual.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    cells
        .filter(|name| name.starts_with("diagramd_") || name.starts_with("process_"))
        .map(str::to_owned)
        .collect()
}

/// Every metric's name in a text.
fn named(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c: char| !is_part(c));
    words.filter(|word| word.starts_with("diagramd_") || word.starts_with("process_")).map(family).collect()
}

#[tokio::test]
async fn the_manual_the_dashboard_and_the_rules_name_what_there_is() {
    let upstream = Upstream::anthropic().start().await;
    let server = Server::start(&config(&upstream, TOKEN));
    let key = server.key("ann", "pro", &[]);
    let (_, accepted) = server.prompt(&key, "draw").await;
    server.ended(&key, accepted["requestId"].as_str().unwrap()).await;
    let there = Page::of(&server, "figures-please").await.families();
    assert_eq!(documented(), there, "docs/monitoring.md lists every family once");

    let dashboard = include_str!("../../docs/monitoring/grafana.json");
    let rules = include_str!("../../docs/monitoring/alerts.yml");
    for (name, text) in [("grafana.json", dashboard), ("alerts.yml", rules)] {
        let named = named(text);
        assert!(named.len() > 10, "{name} asks for {named:?}");
        let unknown: Vec<&String> = named.difference(&there).collect();
        assert!(unknown.is_empty(), "{name} asks for {unknown:?}");
    }
    let dashboard: Value = serde_json::from_str(dashboard).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<i64> = panels.iter().map(|panel| panel["id"].as_i64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "each panel has an id of its own");
}
