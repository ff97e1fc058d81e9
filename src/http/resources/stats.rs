//! `GET /api/diagram/stats`.

use std::sync::Arc;

use hyper::StatusCode;
use serde::Serialize;

use crate::domain::Timestamp;
use crate::domain::time::DAY_MS;
use crate::http::api::Api;
use crate::http::query::{Parameters, Query};
use crate::http::respond::{self, Answer};
use crate::store::reads::{Figures, GroupBy};

/// The longest span: a year and a day.
const SPAN_MS_MAX: i64 = 366 * DAY_MS;
const DEFAULT_GROUP: (&str, GroupBy) = ("day", GroupBy::Day);
const GROUPS: [(&str, GroupBy); 6] = [
    ("hour", GroupBy::Hour),
    DEFAULT_GROUP,
    ("user", GroupBy::User),
    ("tier", GroupBy::Tier),
    ("model", GroupBy::Model),
    ("diagramType", GroupBy::DiagramType),
];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    from: Timestamp,
    to: Timestamp,
    group_by: &'a str,
    totals: &'a Figures,
    groups: Vec<Group<'a>>,
}

#[derive(Serialize)]
struct Group<'a> {
    key: &'a str,
    #[serde(flatten)]
    figures: &'a Figures,
}

/// A recount of the requests accepted in a span.
///
/// # Errors
/// 422 for a parameter that cannot be read.
pub async fn stats(api: &Arc<Api>, query: &Query<'_>) -> Answer {
    let now = (api.clock)();
    let (from, to, name, group_by) = query.read(|query| span_and_group(query, now))?;
    let stats = api.reader.read(move |reads| reads.stats(from, to, group_by)).await?;
    let groups = stats.groups.iter().map(|(key, figures)| Group { key, figures }).collect();
    respond::json(StatusCode::OK, &Body { from, to, group_by: name, totals: &stats.totals, groups })
}

fn span_and_group(
    query: &mut Parameters<'_>,
    now: Timestamp,
) -> (Timestamp, Timestamp, &'static str, GroupBy) {
    const TIME: &str = "Must be a time such as 2026-11-24T00:00:00Z.";
    let asked_to = query.parsed("to", TIME, Timestamp::parse);
    let asked_from = query.parsed("from", TIME, Timestamp::parse);
    let to = asked_to.unwrap_or(Timestamp(now.0 + 1));
    let from = asked_from.unwrap_or(Timestamp(to.0 - DAY_MS));
    if from >= to {
        query.fault("from", "Must be before `to`.");
    } else if to.0 - from.0 > SPAN_MS_MAX {
        query.fault("from", "Ask for at most 366 days.");
    }
    let detail = "Must be hour, day, user, tier, model or diagramType.";
    let group = query.parsed("groupBy", detail, |name| GROUPS.iter().find(|(known, _)| *known == name));
    let (name, group_by) = *group.unwrap_or(&DEFAULT_GROUP);
    (from, to, name, group_by)
}
