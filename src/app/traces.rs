//! Spans: what is told of calls, runs, ends and deliveries, as OpenTelemetry's conventions name it.
//! Nothing is read or written for them, and nothing waits for them. No prompt, no source and no secret
//! is in any.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::client::otlp::Collector;
use crate::config::{Config, UpstreamKind};
use crate::domain::change::{EndKind, Ended};
use crate::domain::lane::CallEnd;
use crate::domain::trace::{Purpose, SpanId};
use crate::domain::webhook::Then;
use crate::domain::{Change, LaneName, Origin, Timestamp, ValidationStatus};
use crate::http::observed::Answered;
use crate::http::trace::Sample;
use crate::queue::{Accepted, CallEnded, Observe};
use crate::telemetry::spans::{Counts, Encode, Exporter, Kind, Service, Span, Spans, Value};
use crate::webhooks::Attempt;

use super::engine::now;

#[cfg(feature = "otel")]
const ENCODE: Option<Encode> = Some(crate::telemetry::otlp::encode);
#[cfg(not(feature = "otel"))]
const ENCODE: Option<Encode> = None;

/// Where spans go; without an endpoint nowhere.
pub(super) struct Traces {
    tracer: Option<Arc<Tracer>>,
    counts: Arc<Counts>,
    exporter: Option<Exporter>,
    stop: CancellationToken,
    running: Option<JoinHandle<()>>,
}

impl Traces {
    /// As the configuration says; nothing is sent before [`Traces::start`].
    ///
    /// # Errors
    /// When the endpoint or the headers can never work.
    pub(super) fn prepare(config: &Config) -> anyhow::Result<Self> {
        let nowhere = Self {
            tracer: None,
            counts: Arc::default(),
            exporter: None,
            stop: CancellationToken::new(),
            running: None,
        };
        let Some(endpoint) = &config.traces.endpoint else { return Ok(nowhere) };
        let Some(encode) = ENCODE else {
            tracing::warn!(
                "traces.endpoint is set, but this diagramd was built without the feature otel: no spans are sent"
            );
            return Ok(nowhere);
        };
        let collector = Collector::new(endpoint, &config.traces.header_pairs())
            .map_err(|reason| anyhow::anyhow!("traces cannot be sent: {reason}"))?;
        let service = Service {
            name: config.traces.service_name.clone(),
            instance: hex::encode(rand::random::<[u8; 16]>()),
        };
        let deliver = Box::new(move |body| {
            let collector = collector.clone();
            Box::pin(async move { collector.post(body).await }) as _
        });
        let (spans, exporter) = Spans::new(service, encode, deliver);
        let kinds = config.upstreams.iter().map(|one| (one.lane.name.clone(), one.kind)).collect();
        let counts = Arc::clone(spans.counts());
        let tracer = Some(Arc::new(Tracer { spans, kinds }));
        Ok(Self { tracer, counts, exporter: Some(exporter), ..nowhere })
    }

    /// Begins to send.
    pub(super) fn start(&mut self) {
        if let Some(exporter) = self.exporter.take() {
            self.running = Some(tokio::spawn(exporter.run(self.stop.clone())));
        }
    }

    /// Sends what waits, until it is sent or `enough`.
    pub(super) async fn finish(self, enough: impl Future<Output = ()>) {
        self.stop.cancel();
        let Some(running) = self.running else { return };
        tokio::select! {
            _ = running => {}
            () = enough => tracing::warn!("the last spans were not sent in time"),
        }
    }

    /// Who makes spans; `None`: nobody.
    pub(super) fn tracer(&self) -> Option<Arc<Tracer>> {
        self.tracer.clone()
    }

    /// What became of spans.
    pub(super) fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.counts)
    }

    /// Whether a trace that begins here is recorded: by its last eight bytes, as OpenTelemetry's own
    /// sampler decides, so that all who see the trace decide alike.
    pub(super) fn sample(&self, config: &Config) -> Sample {
        let ratio = if self.tracer.is_some() { config.traces.sample_ratio } else { 0.0 };
        Box::new(move |trace| is_sampled(trace, ratio))
    }
}

fn is_sampled(trace: &[u8; 16], ratio: f64) -> bool {
    let mut random = [0; 8];
    random.copy_from_slice(&trace[8..]);
    #[expect(clippy::cast_precision_loss, reason = "a share of all there are")]
    let place = (u64::from_be_bytes(random) >> 1) as f64 / (1_u64 << 63) as f64;
    ratio >= 1.0 || place < ratio
}

/// Makes spans of what is told.
pub(super) struct Tracer {
    spans: Spans,
    kinds: HashMap<LaneName, UpstreamKind>,
}

/// A span whose attributes are still to come.
fn span(
    origin: &Origin,
    id: SpanId,
    parent: SpanId,
    name: &'static str,
    from: Timestamp,
    to: Timestamp,
) -> Span {
    Span {
        trace: origin.trace().0,
        span: id.0,
        parent: Some(parent.0),
        parent_is_remote: false,
        state: origin.state.clone(),
        name: name.into(),
        kind: Kind::Internal,
        begun_ms: from.0,
        ended_ms: to.0,
        attributes: Vec::new(),
        link: None,
        is_error: false,
    }
}

impl Tracer {
    /// The server's side of a call.
    pub(super) fn answered(&self, answer: &Answered<'_>) {
        let origin = &answer.traced.origin;
        // Who looks whether the server lives, and figures, would be most of all traces.
        let is_routine = matches!(answer.route, "/healthz" | "/readyz" | "/metrics");
        if !origin.context.is_sampled() || is_routine {
            return;
        }
        let ended_at = now();
        let status = u32::from(answer.status.as_u16());
        let is_error = answer.status.is_server_error();
        let mut attributes = vec![
            ("http.request.method", answer.method.into()),
            ("http.route", answer.route.into()),
            ("http.response.status_code", status.into()),
        ];
        if is_error {
            attributes
                .push(("error.type", answer.problem.map_or_else(|| status.to_string().into(), Value::from)));
        }
        if let Some(job) = answer.job {
            attributes.push(("diagramd.request.id", job.to_string().into()));
        }
        self.spans.tell(Span {
            parent: answer.traced.parent.map(|parent| parent.0),
            parent_is_remote: answer.traced.parent.is_some(),
            name: format!("{} {}", answer.method, answer.route).into(),
            kind: Kind::Server,
            attributes,
            is_error,
            ..span(
                origin,
                origin.context.span,
                origin.context.span,
                "",
                ended_at.before(answer.elapsed),
                ended_at,
            )
        });
    }

    /// One try of a webhook.
    pub(super) fn delivered(&self, attempt: &Attempt) {
        let Some(sent) = &attempt.sent else { return };
        if !sent.parent.is_sampled() {
            return;
        }
        let mut attributes: Vec<(_, Value)> = vec![("http.request.method", "POST".into())];
        if let Ok(url) = url::Url::parse(&sent.origin) {
            attributes.extend(url.host_str().map(|host| ("server.address", host.to_owned().into())));
            attributes
                .extend(url.port_or_known_default().map(|port| ("server.port", u32::from(port).into())));
        }
        if sent.tries > 0 {
            attributes.push(("http.request.resend_count", sent.tries.into()));
        }
        if let Some(job) = sent.job {
            attributes.push(("diagramd.request.id", job.to_string().into()));
        }
        let is_error = attempt.then != Then::Done;
        match sent.status {
            Some(status) => attributes.push(("http.response.status_code", u32::from(status).into())),
            None => attributes.push(("error.type", "no_answer".into())),
        }
        if let (true, Some(status)) = (is_error, sent.status) {
            attributes.push(("error.type", status.to_string().into()));
        }
        let origin = Origin { state: sent.state.clone(), ..Origin::of(sent.parent) };
        self.spans.tell(Span {
            kind: Kind::Client,
            attributes,
            is_error,
            ..span(&origin, sent.span.span, sent.parent.span, "POST webhook", sent.begun_at, sent.ended_at)
        });
    }

    /// A request's end without a run: it waited, or it shared a call.
    fn ended(&self, ended: &Ended, is_follower: bool) {
        let context = ended.origin.context;
        if !context.is_sampled() || ended.was_running {
            return;
        }
        let (purpose, name) =
            if is_follower { (Purpose::Share, "shared call") } else { (Purpose::Wait(0), "queue wait") };
        let id = context.child(purpose).span;
        self.spans.tell(Span {
            attributes: vec![
                ("diagramd.request.id", ended.id.to_string().into()),
                ("diagramd.outcome", ended.how.name().into()),
            ],
            link: ended.shared.map(|call| (call.trace.0, call.span.0)),
            is_error: matches!(ended.how, EndKind::Failed(_)),
            ..span(&ended.origin, id, context.span, name, ended.created_at, ended.ended_at)
        });
    }

    /// A run, from its wait to its settlement.
    fn run(&self, ended: &CallEnded<'_>) {
        let CallEnded { job, call, answered_at, settled_at, .. } = *ended;
        let (origin, run) = (&job.origin, job.run);
        let context = origin.context;
        let id = |purpose| context.child(purpose).span;
        let request: (_, Value) = ("diagramd.request.id", job.id.to_string().into());
        self.spans.tell(Span {
            attributes: vec![request.clone(), ("diagramd.tier", job.tier.name().into())],
            ..span(
                origin,
                id(Purpose::Wait(run)),
                context.span,
                "queue wait",
                job.waiting_since,
                job.claimed_at,
            )
        });
        let whole = id(Purpose::Run(run));
        let name = if job.repair.is_some() { "repair" } else { "draw" };
        self.spans.tell(Span {
            attributes: vec![
                request,
                ("diagramd.run", run.into()),
                ("diagramd.diagram_type", job.diagram_type.name().into()),
                ("diagramd.then", ended.then.into()),
            ],
            is_error: ended.then == "failed",
            ..span(origin, whole, context.span, name, job.claimed_at, settled_at)
        });
        self.call(ended, whole);
        if matches!(ended.end, CallEnd::Answered) {
            let verdict = ended.verdict.map_or("no source", ValidationStatus::name);
            self.spans.tell(Span {
                attributes: vec![("diagramd.verdict", verdict.into())],
                ..span(origin, id(Purpose::Check(run)), whole, "check", answered_at, call.ended_at)
            });
        }
        let settle = id(Purpose::Settle(run));
        self.spans.tell(span(origin, settle, whole, "settle", call.ended_at, settled_at));
    }

    /// The call itself, as the conventions for generative AI have it.
    fn call(&self, ended: &CallEnded<'_>, parent: SpanId) {
        let CallEnded { job, call, end, answered_at, .. } = *ended;
        let provider = match self.kinds.get(&job.lane) {
            Some(UpstreamKind::Anthropic) => "anthropic",
            Some(UpstreamKind::Openai) => "openai",
            // It calls nobody.
            Some(UpstreamKind::Offline) | None => return,
        };
        let tokens = &call.bill.tokens;
        let mut attributes: Vec<(_, Value)> = vec![
            ("gen_ai.operation.name", "chat".into()),
            ("gen_ai.provider.name", provider.into()),
            ("gen_ai.request.model", job.model.clone().into()),
            ("gen_ai.request.max_tokens", job.max_tokens.into()),
            ("gen_ai.output.type", "text".into()),
            ("gen_ai.usage.input_tokens", tokens.total_input().into()),
            ("gen_ai.usage.output_tokens", tokens.output.into()),
            ("gen_ai.usage.cache_read.input_tokens", tokens.cache_read.into()),
            ("gen_ai.usage.cache_creation.input_tokens", tokens.cache_write.into()),
            ("diagramd.upstream", job.lane.to_string().into()),
        ];
        let error = match end {
            CallEnd::Answered => None,
            CallEnd::Failed { failure, .. } | CallEnd::Rejected(failure) => Some(failure.code.name()),
            CallEnd::Limited { .. } => Some("limited"),
            CallEnd::LanePaused { .. } => Some("paused"),
            CallEnd::Abandoned => Some("abandoned"),
        };
        attributes.extend(error.map(|error| ("error.type", error.into())));
        let id = job.origin.context.child(Purpose::Call(job.run)).span;
        let begun_at = call.sent_at.unwrap_or(job.claimed_at);
        self.spans.tell(Span {
            name: format!("chat {}", job.model).into(),
            kind: Kind::Client,
            attributes,
            is_error: error.is_some(),
            ..span(&job.origin, id, parent, "", begun_at, answered_at)
        });
    }
}

impl Observe for Tracer {
    fn accepted(&self, _: &Accepted) {}

    fn committed(&self, changes: &[Change]) {
        for change in changes {
            match change {
                Change::Ended(ended) => self.ended(ended, false),
                Change::Left(ended) => self.ended(ended, true),
                Change::Queued(_)
                | Change::Claimed(_)
                | Change::Requeued { .. }
                | Change::Joined { .. }
                | Change::Released { .. }
                | Change::Answered(_)
                | Change::UserChanged { .. }
                | Change::Message(_)
                | Change::Paused(_) => {}
            }
        }
    }

    fn call_ended(&self, ended: &CallEnded<'_>) {
        if ended.job.origin.context.is_sampled() {
            self.run(ended);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_traces_is_recorded_by_their_ids() {
        let trace = |place: u8| {
            let mut id = [0xff; 16];
            id[8] = place;
            id
        };
        let recorded = |ratio: f64| (0..=255).filter(|place| is_sampled(&trace(*place), ratio)).count();
        assert_eq!((recorded(0.0), recorded(1.0)), (0, 256));
        assert!((60..=68).contains(&recorded(0.25)), "{}", recorded(0.25));
    }
}
