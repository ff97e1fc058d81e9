//! `GET /api/diagram/stats`.

use std::str::FromStr;
use std::sync::Arc;

use hyper::StatusCode;
use serde::Serialize;

use crate::domain::Timestamp;
use crate::domain::time::DAY_MS;
use crate::http::api::Api;
use crate::http::json::refused_field;
use crate::http::query::Query;
use crate::http::respond::{self, Answer};
use crate::store::reads::{Figures, GroupBy};

/// The longest span: a year and a day.
const SPAN_MS_MAX: i64 = 366 * DAY_MS;

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

/// A time of the query.
struct Instant(Timestamp);

impl FromStr for Instant {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Timestamp::parse(text).map(Instant).ok_or(())
    }
}

/// A recount of the requests accepted in a span.
///
/// # Errors
/// 422 for a parameter that cannot be read.
pub async fn stats(api: &Arc<Api>, query: &Query<'_>) -> Answer {
    const TIME: &str = "a time such as 2026-11-24T00:00:00Z";
    let now = (api.clock)();
    let to = query.value::<Instant>("to", TIME)?.map_or(Timestamp(now.0 + 1), |instant| instant.0);
    let from = query.value::<Instant>("from", TIME)?.map_or(Timestamp(to.0 - DAY_MS), |instant| instant.0);
    if from >= to {
        return Err(refused_field("/from", "Must be before `to`."));
    }
    if to.0 - from.0 > SPAN_MS_MAX {
        return Err(refused_field("/from", "Ask for at most 366 days."));
    }
    let name = query.text("groupBy").unwrap_or("day");
    let group_by = match name {
        "hour" => GroupBy::Hour,
        "day" => GroupBy::Day,
        "user" => GroupBy::User,
        "tier" => GroupBy::Tier,
        "model" => GroupBy::Model,
        "diagramType" => GroupBy::DiagramType,
        _ => return Err(refused_field("/groupBy", "Must be hour, day, user, tier, model or diagramType.")),
    };
    let stats = api.reader.read(move |reads| reads.stats(from, to, group_by)).await?;
    let groups = stats.groups.iter().map(|(key, figures)| Group { key, figures }).collect();
    respond::json(StatusCode::OK, &Body { from, to, group_by: name, totals: &stats.totals, groups })
}
