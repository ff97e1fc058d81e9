//! The figures of `/metrics`: every name, what it counts, and where that is found out. Names and
//! labels are fixed, for dashboards and alert rules are written against them:
//! `docs/monitoring.md` lists them, and `tests/it/metrics.rs` holds list and page to each other.

use std::sync::Arc;

use crate::alerts::watcher::Alerts;
use crate::config::Config;
use crate::http::live::Live;
use crate::http::observed::{AnswerListener, WriteFigures};
use crate::queue::Observe;
use crate::telemetry::metrics::{Exposition, Metrics};
use crate::telemetry::spans::Counts;
use crate::webhooks::AttemptListener;

use super::engine::Engine;

mod answers;
mod lanes;
mod requests;
mod store;
mod webhooks;

/// Bounds of what a person waits for, in seconds: from an answer out of memory to a long queue.
const WAIT_SECONDS: &[f64] =
    &[0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0];

/// The page, and who must be told of answers for it.
pub(super) struct Figures {
    /// Hears of every answer.
    pub(super) answered: AnswerListener,
    /// Hears of every try to deliver a webhook.
    pub(super) delivered: AttemptListener,
    /// Must be told what happens to requests.
    pub(super) requests: Arc<dyn Observe>,
    /// Writes the page.
    pub(super) write: WriteFigures,
}

/// Begins to count what the engine does. Once, before it begins.
pub(super) fn begin(
    config: &Config,
    engine: &Engine,
    live: &Arc<Live>,
    alerts: &Arc<Alerts>,
    spans: Arc<Counts>,
) -> Figures {
    let mut metrics = Metrics::default();
    build(&mut metrics);
    standing(&mut metrics, Arc::clone(alerts));
    traces(&mut metrics, spans);
    let requests = requests::count(&mut metrics, config);
    lanes::show(&mut metrics, engine);
    store::count(&mut metrics, config, engine);
    let answered = answers::count(&mut metrics, live);
    let delivered = webhooks::count(&mut metrics, engine);
    let write = move |accept: Option<&str>| {
        let exposition = Exposition::accepted(accept);
        metrics.page(exposition).ok().map(|page| (exposition.content_type(), page))
    };
    Figures { answered, delivered, requests, write: Box::new(write) }
}

fn standing(metrics: &mut Metrics, alerts: Arc<Alerts>) {
    metrics.at_each_look(move |page| {
        let rows = alerts.standing().map(|(level, count)| ([level.name().into()], count));
        page.gauges("alerts_standing", "Alerts that stand, by level", ["level"], rows)
    });
}

fn traces(metrics: &mut Metrics, spans: Arc<Counts>) {
    metrics.at_each_look(move |page| {
        let rows = spans.now().map(|(result, count)| ([result.into()], count));
        page.counts(
            "trace_spans",
            "Spans for the collector of traces: sent, refused by it, dropped because as many waited as may",
            ["result"],
            rows,
        )
    });
}

fn build(metrics: &mut Metrics) {
    metrics.at_each_look(|page| {
        let features = [
            ("otel", cfg!(feature = "otel")),
            ("pages", cfg!(feature = "pages")),
            ("render", cfg!(feature = "render")),
            ("validate", cfg!(feature = "validate")),
        ];
        let built_with: Vec<&str> =
            features.into_iter().filter(|(_, is_in)| *is_in).map(|(name, _)| name).collect();
        page.gauges(
            "build_info",
            "Which diagramd this is; always 1",
            ["version", "features"],
            [([env!("CARGO_PKG_VERSION").into(), built_with.join(",").into()], 1_u64)],
        )
    });
}
