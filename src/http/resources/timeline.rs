//! `GET /api/admin/timeline`: figures over time, split by one thing, for plots.

use std::sync::Arc;

use hyper::StatusCode;
use serde::Serialize;

use crate::domain::time::{DAY_MS, HOUR_MS};
use crate::domain::{Money, Timestamp};
use crate::http::api::Api;
use crate::http::query::{Parameters, Query};
use crate::http::respond::{self, Answer};
use crate::store::inspection::{Slot, SplitBy};

/// Spans of one answer.
const SPANS_MAX: i64 = 1_000;
const STEPS: [(&str, i64); 3] = [("minute", 60_000), DEFAULT_STEP, ("day", DAY_MS)];
const DEFAULT_STEP: (&str, i64) = ("hour", HOUR_MS);
const SPLITS: [(&str, SplitBy); 4] = [
    DEFAULT_SPLIT,
    ("user", SplitBy::User),
    ("model", SplitBy::Model),
    ("diagramType", SplitBy::DiagramType),
];
const DEFAULT_SPLIT: (&str, SplitBy) = ("tier", SplitBy::Tier);

#[derive(Serialize)]
struct Body<'a> {
    from: Timestamp,
    to: Timestamp,
    step: &'a str,
    by: &'a str,
    series: Vec<Series<'a>>,
}

#[derive(Serialize)]
struct Series<'a> {
    key: &'a str,
    points: Vec<Point>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Point {
    at: Timestamp,
    submitted: u64,
    completed: u64,
    failed: u64,
    cache_hits: u64,
    input_tokens: u64,
    output_tokens: u64,
    cost_usd: Money,
    saved_usd: Money,
}

impl From<&(Timestamp, Slot)> for Point {
    fn from((at, slot): &(Timestamp, Slot)) -> Self {
        Self {
            at: *at,
            submitted: slot.submitted,
            completed: slot.completed,
            failed: slot.failed,
            cache_hits: slot.cache_hits,
            input_tokens: slot.input_tokens,
            output_tokens: slot.output_tokens,
            cost_usd: slot.cost,
            saved_usd: slot.saved,
        }
    }
}

struct Asked {
    from: Timestamp,
    to: Timestamp,
    step: (&'static str, i64),
    by: (&'static str, SplitBy),
}

/// Figures of what was accepted in a span, by smaller ones.
///
/// # Errors
/// 422 for a parameter that cannot be read, or more than 1,000 spans.
pub async fn timeline(api: &Arc<Api>, query: &Query<'_>) -> Answer {
    let now = (api.clock)();
    let Asked { from, to, step, by } = query.read(|query| asked(query, now))?;
    let found = api.reader.read(move |reads| reads.timeline(from, to, step.1, by.1)).await?;
    let series = found.series.iter();
    let series =
        series.map(|(key, slots)| Series { key, points: slots.iter().map(Point::from).collect() }).collect();
    respond::json(StatusCode::OK, &Body { from, to, step: step.0, by: by.0, series })
}

fn asked(query: &mut Parameters<'_>, now: Timestamp) -> Asked {
    const TIME: &str = "Must be a time such as 2026-11-24T00:00:00Z.";
    let detail = "Must be minute, hour or day.";
    let step = query.parsed("step", detail, |name| STEPS.iter().find(|(known, _)| *known == name));
    let step = *step.unwrap_or(&DEFAULT_STEP);
    let detail = "Must be tier, user, model or diagramType.";
    let by = query.parsed("by", detail, |name| SPLITS.iter().find(|(known, _)| *known == name));
    let asked_to = query.parsed("to", TIME, Timestamp::parse);
    let asked_from = query.parsed("from", TIME, Timestamp::parse);
    let to = asked_to.unwrap_or(Timestamp(now.0 + 1));
    let from = asked_from.unwrap_or(to.moved(-DAY_MS.min(SPANS_MAX * step.1)));
    if from >= to {
        query.fault("from", "Must be before `to`.");
    } else if to.0.saturating_sub(from.0) / step.1 > SPANS_MAX {
        query.fault("from", "Ask for at most 1,000 spans; take a longer step, or less time.");
    }
    Asked { from, to, step, by: *by.unwrap_or(&DEFAULT_SPLIT) }
}
