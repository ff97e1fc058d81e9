//! What a collector of traces gets, read by OpenTelemetry's own crate: which spans, whose children, what
//! they say, and what they never say.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::json;

use crate::alert_receivers::{Hook, Posted};
use crate::flow::config;
use crate::receiver::{Receiver, Reply};
use crate::server::Server;
use crate::upstream::{Behaviour, Gate, Upstream};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// What no span may hold.
const PROMPT: &str = "a very private prompt";

struct Collector {
    hook: Hook,
    spans: Vec<Span>,
    bytes: Vec<u8>,
}

impl Collector {
    async fn start(statuses: &[u16]) -> Self {
        Self { hook: Hook::start(statuses).await, spans: Vec::new(), bytes: Vec::new() }
    }

    fn section(&self, more: &str) -> String {
        format!(
            "[traces]\nendpoint = \"{}\"\nheaders = \"x-collector-key=s3cret\"\nservice_name = \"shop\"\n{more}\n\
             [webhooks]\nallow_private_addresses = true\nretries = [\"10ms\"]\n",
            self.hook.url
        )
    }

    fn take(&mut self, posted: &Posted) {
        assert_eq!(posted.path, "/v1/traces");
        assert_eq!(posted.headers["content-type"], "application/x-protobuf");
        assert_eq!(posted.headers["x-collector-key"], "s3cret");
        let request = ExportTraceServiceRequest::decode(posted.body.clone()).unwrap();
        self.bytes.extend_from_slice(&posted.body);
        for resource in request.resource_spans {
            let of = attributes(&resource.resource.unwrap().attributes);
            assert_eq!((of["service.name"].as_str(), of["service.version"].as_str()), ("shop", "0.1.0"));
            // A batch that was refused comes again.
            for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                if self.spans.iter().all(|known| known.span_id != span.span_id) {
                    self.spans.push(span);
                }
            }
        }
    }

    /// The spans of a trace, once there are these by their names.
    async fn spans(&mut self, trace: &str, names: &[&str]) -> Vec<Span> {
        loop {
            let found: Vec<Span> =
                self.spans.iter().filter(|span| hex::encode(&span.trace_id) == trace).cloned().collect();
            let has = |name: &&str| {
                let wanted = names.iter().filter(|other| *other == name).count();
                found.iter().filter(|span| span.name == **name).count() >= wanted
            };
            if names.iter().all(has) {
                return found;
            }
            let posted = self.hook.next().await;
            self.take(&posted);
        }
    }
}

fn attributes(pairs: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |pair: &KeyValue| match pair.value.as_ref()?.value.as_ref()? {
        Any::StringValue(text) => Some(text.clone()),
        Any::IntValue(number) => Some(number.to_string()),
        _ => None,
    };
    pairs.iter().map(|pair| (pair.key.clone(), text(pair).unwrap())).collect()
}

fn one<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let found: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
    assert_eq!(found.len(), 1, "{name}: {spans:#?}");
    found[0]
}

async fn submit(server: &Server, key: &str, url: Option<&str>, parent: Option<&str>) -> (String, String) {
    let call = server.client.post(format!("{}/api/diagram/generate", server.url)).header("x-api-key", key);
    let call = parent.iter().fold(call, |call, parent| call.header("traceparent", *parent));
    let answer = call.json(&json!({"prompt": PROMPT, "webhookUrl": url})).send().await.unwrap();
    assert_eq!(answer.status(), 202);
    let request_id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let accepted: serde_json::Value = answer.json().await.unwrap();
    (accepted["requestId"].as_str().unwrap().to_owned(), request_id)
}

#[tokio::test]
async fn a_request_is_one_trace_from_the_call_to_the_webhook_and_tells_no_secret() {
    let mut collector = Collector::start(&[503]).await;
    let upstream = Upstream::anthropic().start().await;
    upstream.push(Behaviour::status(500));
    let mut receiver = Receiver::start(&[Reply::Status(500)]).await;
    let server = Server::start(&config(&upstream, &collector.section("")));
    let key = server.key("ann", "pro", &[]);
    let (id, _) = submit(&server, &key, Some(&receiver.url), Some(PARENT)).await;
    assert_eq!(server.ended(&key, &id).await["status"], "completed");
    let headers = [receiver.next().await.headers, receiver.next().await.headers];
    let generate = "POST /api/diagram/generate";
    let call = "chat claude-sonnet-5-5";
    let names = [generate, "draw", "draw", "settle", "settle", "check", "POST webhook", "POST webhook"];
    let spans = collector.spans(TRACE, &names).await;

    let root = one(&spans, generate);
    assert_eq!(hex::encode(&root.parent_span_id), "b7ad6b7169203331");
    let of = attributes(&root.attributes);
    assert_eq!(
        (of["http.response.status_code"].as_str(), of["diagramd.request.id"].as_str()),
        ("202", id.as_str())
    );
    assert_eq!((root.kind, root.flags & 0x300), (2, 0x300), "a server's span of a remote parent");
    let of_root = |name: &str| {
        let all: Vec<&Span> = spans.iter().filter(|span| span.name == name).collect();
        assert!(all.iter().all(|span| span.parent_span_id == root.span_id), "{name}");
        all
    };
    let runs = of_root("draw");
    assert_eq!((runs.len(), of_root("queue wait").len()), (2, 2));
    let calls: Vec<&Span> = spans.iter().filter(|span| span.name == call).collect();
    let sent = upstream.ledger().calls();
    assert_eq!((calls.len(), sent.len()), (2, 2));
    for (span, sent) in calls.iter().zip(&sent) {
        assert!(runs.iter().any(|run| run.span_id == span.parent_span_id));
        let parent = format!("00-{TRACE}-{}-01", hex::encode(&span.span_id));
        assert_eq!(sent.headers["traceparent"], parent.as_str(), "the upstream is the call's child");
        assert!(span.kind == 3 && span.end_time_unix_nano >= span.start_time_unix_nano);
    }
    let failed = attributes(&calls[0].attributes);
    assert_eq!(failed["error.type"], "upstream_unavailable");
    assert_eq!(calls[0].status.as_ref().unwrap().code, 2);
    let answered = attributes(&calls[1].attributes);
    for (name, value) in [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "anthropic"),
        ("gen_ai.request.model", "claude-sonnet-5-5"),
        ("gen_ai.request.max_tokens", "2048"),
        ("gen_ai.usage.output_tokens", &sent[1].usage.output.to_string()),
    ] {
        assert_eq!(answered[name], value, "{name}");
    }
    assert!(!answered.contains_key("error.type") && calls[1].status.is_none());
    let check = one(&spans, "check");
    assert!(runs.iter().any(|run| run.span_id == check.parent_span_id));
    let tries = of_root("POST webhook");
    for (span, headers) in tries.iter().zip(&headers) {
        let parent = format!("00-{TRACE}-{}-01", hex::encode(&span.span_id));
        assert_eq!(headers["traceparent"], parent.as_str());
    }
    assert_eq!(attributes(&tries[0].attributes)["error.type"], "500");
    assert_eq!(attributes(&tries[1].attributes)["http.response.status_code"], "204");

    let told = String::from_utf8_lossy(&collector.bytes);
    for secret in [PROMPT, "flowchart", &key, upstream.key(), "secret=path", "s3cret"] {
        assert!(!told.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn who_shares_a_call_links_to_it_and_what_waits_at_the_stop_is_sent() {
    let mut collector = Collector::start(&[]).await;
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    upstream.always(Behaviour::default().hold(&gate));
    let more = format!("{}[generation]\ncoalesce = true\n", collector.section(""));
    let server = Server::start(&config(&upstream, &more));
    let key = server.key("ann", "pro", &[]);
    let (leader, of_leader) = submit(&server, &key, None, None).await;
    let (follower, _) = submit(&server, &key, None, Some(PARENT)).await;
    gate.open();
    server.ended(&key, &leader).await;
    server.ended(&key, &follower).await;
    drop(server.terminate().await);
    let lead = collector.spans(&of_leader, &["POST /api/diagram/generate", "draw"]).await;
    let spans = collector.spans(TRACE, &["shared call"]).await;
    let (shared, call) = (one(&spans, "shared call"), one(&lead, "chat claude-sonnet-5-5"));
    let links: Vec<_> = shared.links.iter().map(|link| (&link.trace_id, &link.span_id)).collect();
    assert_eq!(links, [(&call.trace_id, &call.span_id)]);
    assert_eq!(shared.parent_span_id, one(&spans, "POST /api/diagram/generate").span_id);
    assert!(lead.iter().all(|span| span.links.is_empty()));
}

#[tokio::test]
async fn a_trace_that_begins_here_is_recorded_as_configured_and_a_callers_as_it_says() {
    let mut collector = Collector::start(&[]).await;
    let upstream = Upstream::anthropic().start().await;
    let server = Server::start(&config(&upstream, &collector.section("sample_ratio = 0.0")));
    let key = server.key("ann", "pro", &[]);
    let (own, of_own) = submit(&server, &key, None, None).await;
    let (not, _) =
        submit(&server, &key, None, Some(&PARENT.replace("-01", "-00").replace("0af7", "0bf7"))).await;
    let (yes, _) = submit(&server, &key, None, Some(PARENT)).await;
    for id in [&own, &not, &yes] {
        server.ended(&key, id).await;
    }
    let spans = collector.spans(TRACE, &["draw", "settle"]).await;
    assert!(!spans.is_empty());
    drop(server.terminate().await);
    let traces: Vec<String> = collector.spans.iter().map(|span| hex::encode(&span.trace_id)).collect();
    assert!(traces.iter().all(|trace| trace == TRACE), "{traces:?}, not {of_own}");
    let flags = |call: usize| {
        upstream.ledger().calls()[call].headers["traceparent"].to_str().unwrap()[53..].to_owned()
    };
    let mut all = [flags(0), flags(1), flags(2)];
    all.sort();
    assert_eq!(all, ["00", "01", "02"], "and what goes out says so");
}

#[tokio::test]
async fn a_collector_that_is_not_there_costs_nothing_but_a_line_and_a_count() {
    let upstream = Upstream::anthropic().start().await;
    let traces = "[traces]\nendpoint = \"http://127.0.0.1:9\"\n[metrics]\ntoken = \"figures-please\"\n";
    let server = Server::start(&config(&upstream, traces));
    let key = server.key("ann", "pro", &[]);
    let (id, _) = submit(&server, &key, None, None).await;
    let begun = Instant::now();
    assert_eq!(server.ended(&key, &id).await["status"], "completed");
    assert!(begun.elapsed() < Duration::from_secs(20));
    let said = "the collector of traces takes nothing; spans are dropped, and requests go on";
    let lines = server.lines_of("collector", said).await;
    assert_eq!(lines.iter().filter(|line| line["message"] == said).count(), 1);
    assert!(!lines[0].to_string().contains("127.0.0.1"), "no address: {}", lines[0]);
    let begun = Instant::now();
    drop(server.terminate().await);
    assert!(begun.elapsed() < Duration::from_secs(20));
}
