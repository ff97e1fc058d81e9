//! HTTP answers, problems, and live connections.

use std::sync::Arc;

use crate::http::live::Live;
use crate::http::observed::{AnswerListener, Answered};
use crate::telemetry::metrics::Metrics;

/// A call with `Prefer: wait` may take a minute.
const ANSWER_SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Shows live connections, and returns who must hear of answers.
pub(super) fn count(metrics: &mut Metrics, live: &Arc<Live>) -> AnswerListener {
    let answers = metrics.counters(
        "http_requests",
        "HTTP calls answered, by route; the route is the path in the API's description",
        ["method", "route", "status"],
    );
    let seconds = metrics.histograms(
        "http_request_duration_seconds",
        "From the head of a call to the head of its answer; for a WebSocket, to its opening",
        ["method", "route"],
        ANSWER_SECONDS,
    );
    let problems =
        metrics.counters("http_problems", "HTTP answers that are a problem, by the problem's code", ["code"]);
    // The refusals that an operator watches are there before the first one.
    for code in [
        "rate_limited",
        "hourly_limit_exceeded",
        "daily_limit_exceeded",
        "budget_exceeded",
        "queue_full",
        "internal",
    ] {
        problems.add([code.into()], 0);
    }
    show(metrics, Arc::clone(live));
    Box::new(move |answer: &Answered<'_>| {
        let (method, route) = (answer.method, answer.route);
        let status = answer.status.as_u16().to_string();
        answers.add([method.into(), route.into(), status.into()], 1);
        seconds.observe([method.into(), route.into()], answer.elapsed.as_secs_f64());
        if let Some(code) = answer.problem {
            problems.add([code.into()], 1);
        }
    })
}

fn show(metrics: &mut Metrics, live: Arc<Live>) {
    metrics.at_each_look(move |page| {
        let figures = live.figures();
        page.gauge("http_connections", "Connections that are open and speak HTTP", figures.connections)?;
        page.gauge("websocket_connections", "WebSockets that are open", figures.sockets)?;
        page.gauge("event_streams", "Streams of events (server-sent) that are open", figures.streams)?;
        page.counts(
            "websocket_messages_sent",
            "Messages sent over WebSockets",
            [],
            [([], figures.messages)],
        )?;
        page.counts(
            "websocket_slow_readers_closed",
            "WebSockets closed because their readers were too slow",
            [],
            [([], figures.too_slow)],
        )
    });
}
