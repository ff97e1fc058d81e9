//! Webhooks: what waits to be delivered, and what became of every try.

use std::sync::Arc;

use crate::domain::webhook::Then;
use crate::telemetry::metrics::Metrics;
use crate::webhooks::{Attempt, AttemptListener};

use super::super::engine::{Engine, now};

/// A receiver has `webhooks.timeout`, a minute at most.
const ATTEMPT_SECONDS: &[f64] = &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0, 60.0];

/// Shows what waits at each look, and returns who must hear of every try.
pub(super) fn count(metrics: &mut Metrics, engine: &Engine) -> AttemptListener {
    let attempts = metrics.counters(
        "webhook_attempts",
        "Tries to deliver a webhook message: taken, refused (any other status), unanswered",
        ["result"],
    );
    for result in ["taken", "refused", "unanswered"] {
        attempts.add([result.into()], 0);
    }
    let messages = metrics.counters(
        "webhook_messages",
        "Webhook messages that are over: delivered, or given up (failed)",
        ["outcome"],
    );
    for outcome in ["delivered", "failed"] {
        messages.add([outcome.into()], 0);
    }
    let duration = metrics.histogram(
        "webhook_attempt_duration_seconds",
        "From the look-up of the receiver's name to the end of its answer",
        ATTEMPT_SECONDS,
    );
    show(metrics, engine);
    Arc::new(move |attempt: &Attempt| {
        if let Some(sent) = &attempt.sent {
            let result = match (attempt.then, sent.status) {
                (Then::Done, _) => "taken",
                (_, Some(_)) => "refused",
                (_, None) => "unanswered",
            };
            attempts.add([result.into()], 1);
            duration.observe(sent.ended_at.since(sent.begun_at).as_secs_f64());
        }
        match attempt.then {
            Then::Done => messages.add(["delivered".into()], 1),
            Then::GivenUp | Then::Gone => messages.add(["failed".into()], 1),
            Then::Again(_) => {}
        }
    })
}

fn show(metrics: &mut Metrics, engine: &Engine) {
    let Some(outbox) = engine.outbox() else { return };
    let outbox = Arc::clone(outbox);
    metrics.at_each_look(move |page| {
        let backlog = outbox.backlog();
        let count = |messages: usize| u64::try_from(messages).unwrap_or(u64::MAX);
        page.gauge(
            "webhook_messages_waiting",
            "Webhook messages that wait for a try, the first or a further one",
            count(backlog.waiting),
        )?;
        page.gauge("webhook_messages_in_flight", "Webhook messages on their way", count(backlog.in_flight))?;
        page.gauge(
            "webhook_oldest_wait_seconds",
            "How long the oldest webhook message has not been delivered; 0 when there is none",
            backlog.oldest.map_or(0.0, |since| now().since(since).as_secs_f64()),
        )
    });
}
