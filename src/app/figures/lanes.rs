//! The queue and the upstreams as they stand, out of the figures that the scheduler has anyway.

use std::borrow::Cow;
use std::fmt;

use crate::domain::lane::{Gauge, LaneState, LaneStatus};
use crate::domain::limits::Overview;
use crate::telemetry::metrics::{Labels, Metrics, Page};

use super::super::engine::Engine;

/// Shows them at each look.
pub(super) fn show(metrics: &mut Metrics, engine: &Engine) {
    let (queue, scheduler) = (engine.queue.clone(), std::sync::Arc::clone(&engine.scheduler));
    metrics.at_each_look(move |page| {
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
        let ticked = scheduler.ticked_at().0 as f64 / 1e3;
        page.gauge(
            "scheduler_last_tick_timestamp_seconds",
            "When the scheduler last looked, in seconds since 1970; it looks at least every second",
            ticked,
        )?;
        let Some(overview) = queue.overview() else { return Ok(()) };
        depths(page, &overview)?;
        states(page, &overview.upstreams)?;
        budgets(page, &overview.upstreams)
    });
}

fn depths(page: &mut Page<'_>, overview: &Overview) -> fmt::Result {
    let tiers = || overview.by_tier.iter().map(|(tier, figures)| ([Cow::from(*tier)], figures));
    let rows = tiers().map(|(labels, figures)| (labels, figures.queued));
    page.gauges("queue_depth", "Requests that wait for a call", ["tier"], rows)?;
    let rows = tiers().map(|(labels, figures)| (labels, figures.processing));
    page.gauges("queue_processing", "Requests whose call runs", ["tier"], rows)?;
    let rows = tiers().map(|(labels, figures)| (labels, figures.oldest_wait_seconds));
    page.gauges(
        "queue_oldest_wait_seconds",
        "How long the oldest waiting request has waited",
        ["tier"],
        rows,
    )?;
    page.gauge("queue_paused", "Whether an operator paused the queue: 1 or 0", u64::from(overview.paused))?;
    let drain = overview.estimated_drain_seconds.map(|seconds| ([], seconds));
    page.gauges(
        "queue_estimated_drain_seconds",
        "How long until nothing waits if nothing more comes; absent while that is not known",
        [],
        drain,
    )
}

fn states(page: &mut Page<'_>, lanes: &[LaneStatus]) -> fmt::Result {
    const STATES: [(LaneState, &str); 4] = [
        (LaneState::Open, "open"),
        (LaneState::Limited, "limited"),
        (LaneState::Paused, "paused"),
        (LaneState::Probing, "probing"),
    ];
    let rows = lanes.iter().flat_map(|lane| {
        STATES.map(|(state, name)| ([named(lane), name.into()], u64::from(lane.state == state)))
    });
    page.gauges(
        "upstream_state",
        "1 for the state that an upstream is in, 0 for the others",
        ["upstream", "state"],
        rows,
    )?;
    let rows = lanes.iter().map(|lane| ([named(lane)], lane.in_flight));
    page.gauges("upstream_calls_in_flight", "Calls of an upstream that run", ["upstream"], rows)?;
    let rows = lanes.iter().map(|lane| ([named(lane)], lane.max_concurrent));
    page.gauges(
        "upstream_calls_in_flight_limit",
        "Calls of an upstream that may run at once",
        ["upstream"],
        rows,
    )
}

/// What an upstream takes in any minute; a budget without a limit has no limit and no room to show.
fn budgets(page: &mut Page<'_>, lanes: &[LaneStatus]) -> fmt::Result {
    const LABELS: [&str; 2] = ["upstream", "budget"];
    let limits = rows(lanes, |gauge| gauge.limit);
    page.gauges(
        "upstream_budget_limit",
        "What an upstream takes in any minute, as now in force",
        LABELS,
        limits,
    )?;
    let used = rows(lanes, |gauge| Some(gauge.used));
    page.gauges("upstream_budget_used", "What ended calls take of the minute's budget", LABELS, used)?;
    let reserved = rows(lanes, |gauge| Some(gauge.reserved));
    page.gauges(
        "upstream_budget_reserved",
        "What running calls hold of the minute's budget",
        LABELS,
        reserved,
    )?;
    let available = rows(lanes, |gauge| gauge.available);
    page.gauges(
        "upstream_budget_available",
        "What a new call may take of the minute's budget now",
        LABELS,
        available,
    )
}

fn rows(lanes: &[LaneStatus], figure: impl Fn(&Gauge) -> Option<u64>) -> Vec<(Labels<2>, u64)> {
    let of_lane = |lane: &LaneStatus| {
        let budgets = [
            ("requests", lane.requests_per_minute),
            ("tokens", lane.tokens_per_minute),
            ("input_tokens", lane.input_tokens_per_minute),
            ("output_tokens", lane.output_tokens_per_minute),
        ];
        let name = named(lane);
        let rows = budgets.map(|(budget, gauge)| Some(([name.clone(), budget.into()], figure(&gauge)?)));
        rows.into_iter().flatten().collect::<Vec<_>>()
    };
    lanes.iter().flat_map(of_lane).collect()
}

fn named(lane: &LaneStatus) -> Cow<'static, str> {
    lane.name.to_string().into()
}
