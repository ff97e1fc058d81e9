//! The operator's look at everybody's requests: a list by any filter, one in detail, and who is
//! next. A list never holds what was asked, nor the source.

use std::sync::Arc;

use hyper::StatusCode;
use serde::Serialize;

use super::request;
use super::requests::{cursor, read_cursor};
use crate::domain::limits::Place;
use crate::domain::user::valid_user_name;
use crate::domain::{DiagramType, JobId, JobState, Money, Tier, Timestamp, UserId};
use crate::http::api::Api;
use crate::http::problem::Problem;
use crate::http::query::{Parameters, Query};
use crate::http::respond::{self, Answer};
use crate::http::view::{StatusView, UsageView};
use crate::store::inspection::{CallMade, ListedJob, Sought};

const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 200;
/// Hexadecimal digits of an id that must be given at least.
const ID_DIGITS_MIN: usize = 4;
/// Hexadecimal digits of a whole one.
const ID_DIGITS: usize = 32;
const TIME: &str = "Must be a time such as 2026-11-24T00:00:00Z.";

#[derive(Serialize)]
struct Page<'a> {
    requests: Vec<ListedView<'a>>,
    next: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedView<'a> {
    request_id: JobId,
    status: JobState,
    user: &'a str,
    tier: Tier,
    diagram_type: DiagramType,
    model: Option<&'a str>,
    title: Option<&'a str>,
    created_at: Timestamp,
    started_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
    attempts: u32,
    cached: bool,
    error_code: Option<&'static str>,
    input_tokens: u64,
    output_tokens: u64,
    cost_usd: Money,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_wait_seconds: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    paused: bool,
}

impl<'a> ListedView<'a> {
    fn of(job: &'a ListedJob, place: Option<Place>) -> Self {
        let waiting = job.state == JobState::Queued;
        let place = waiting.then(|| place.unwrap_or(Place::NEXT));
        Self {
            request_id: job.id,
            status: job.state,
            user: &job.user,
            tier: job.tier,
            diagram_type: job.diagram_type,
            model: job.model.as_deref(),
            title: job.title.as_deref(),
            created_at: job.created_at,
            started_at: job.started_at,
            completed_at: job.completed_at,
            attempts: job.attempts,
            cached: job.cached,
            error_code: job.failure.map(|code| code.name()),
            input_tokens: job.tokens.input + job.tokens.cache_read + job.tokens.cache_write,
            output_tokens: job.tokens.output,
            cost_usd: job.cost,
            position: place.map(|place| place.position),
            estimated_wait_seconds: place.map(|place| place.estimated_wait_seconds),
            paused: place.is_some_and(|place| place.paused),
        }
    }
}

#[derive(Serialize)]
struct Detail<'a> {
    user: &'a str,
    tier: Tier,
    request: StatusView<'a>,
    calls: Vec<CallView<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CallView<'a> {
    run: u32,
    upstream: &'a str,
    model: &'a str,
    repair: u32,
    claimed_at: Timestamp,
    sent_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    #[serde(flatten)]
    usage: UsageView,
    lost: bool,
}

impl<'a> From<&'a CallMade> for CallView<'a> {
    fn from(call: &'a CallMade) -> Self {
        Self {
            run: call.run,
            upstream: &call.lane,
            model: &call.model,
            repair: call.repair,
            claimed_at: call.claimed_at,
            sent_at: call.sent_at,
            ended_at: call.ended_at,
            usage: call.bill.into(),
            lost: call.lost,
        }
    }
}

/// Whose requests are meant.
#[derive(Debug)]
enum Whose {
    Everybodys,
    /// Of the user with this name.
    Named(String),
    /// Of users whose names begin so.
    Beginning(String),
}

/// `GET /api/admin/requests`.
///
/// # Errors
/// 422 for a parameter that cannot be read.
pub async fn list(api: &Arc<Api>, query: &Query<'_>) -> Answer {
    let (whose, mut sought) = query.read(filters)?;
    let read = api.reader.read(move |reads| {
        sought.users = match whose {
            Whose::Everybodys => None,
            Whose::Named(name) => Some(reads.user(&name)?.map(|user| user.id).into_iter().collect()),
            Whose::Beginning(name) => Some(reads.users_named(&name)?),
        };
        reads.listing(&sought)
    });
    let listed = read.await?;
    let page = Page { requests: views(api, &listed.jobs), next: listed.next.map(cursor) };
    respond::json(StatusCode::OK, &page)
}

fn filters(query: &mut Parameters<'_>) -> (Whose, Sought) {
    let expected = "queued, processing, completed, failed, cancelled or expired";
    let mut sought = Sought {
        state: query.value("status", expected),
        tier: query.value("tier", "free, basic, pro or enterprise"),
        model: query.parsed("model", "Must be a model's name.", |text| Some(text.to_owned())),
        diagram_type: query.value("type", "mermaid, graphviz, plantuml or d2"),
        from: query.parsed("from", TIME, Timestamp::parse),
        to: query.parsed("to", TIME, Timestamp::parse),
        before: query.cursor(read_cursor),
        limit: query.limit(LIMIT_DEFAULT, LIMIT_MAX),
        users: None::<Vec<UserId>>,
        ids: None,
    };
    if sought.from.zip(sought.to).is_some_and(|(from, to)| from >= to) {
        query.fault("from", "Must be before `to`.");
    }
    let named = query.parsed("user", "Must be a user's name.", |name| {
        valid_user_name(name).then(|| Whose::Named(name.to_owned()))
    });
    let detail =
        "Must be the beginning of a request's id (req_ and four digits or more) or of a user's name.";
    let searched = query.parsed("q", detail, |text| {
        let text = text.trim();
        if text.starts_with("req_") {
            return ids_beginning(text).map(|ids| (None, Some(ids)));
        }
        let beginning = valid_user_name(text).then(|| Whose::Beginning(text.to_owned()))?;
        Some((Some(beginning), None))
    });
    let (beginning, ids) = searched.unwrap_or_default();
    sought.ids = ids;
    if named.is_some() && beginning.is_some() {
        query.fault("q", "Give the user once: the name in `user`, or its beginning in `q`.");
    }
    (named.or(beginning).unwrap_or(Whose::Everybodys), sought)
}

/// The first and the last id that begin so.
fn ids_beginning(text: &str) -> Option<(JobId, JobId)> {
    let digits = text.strip_prefix("req_")?;
    if !(ID_DIGITS_MIN..=ID_DIGITS).contains(&digits.len()) {
        return None;
    }
    let filled = |with: &str| format!("req_{digits}{}", with.repeat(ID_DIGITS - digits.len())).parse().ok();
    Some((filled("0")?, filled("f")?))
}

fn views<'a>(api: &Api, jobs: &'a [ListedJob]) -> Vec<ListedView<'a>> {
    let view = |job: &'a ListedJob| {
        let place = if job.state == JobState::Queued { api.queue.place(job.seq) } else { None };
        ListedView::of(job, place)
    };
    jobs.iter().map(view).collect()
}

/// `GET /api/admin/requests/{id}`: the status object, whose it is, and the calls made for it.
///
/// # Errors
/// 404.
pub async fn show(api: &Arc<Api>, text: &str) -> Answer {
    let id = request::id(text)?;
    let read = api.reader.read(move |reads| {
        let Some(job) = reads.job(id)? else { return Ok(None) };
        let user = reads.user_by_id(job.user)?;
        let calls = reads.calls(job.seq)?;
        Ok(Some((job, user.map(|user| user.name).unwrap_or_default(), calls)))
    });
    let Some((job, user, calls)) = read.await? else {
        return Err(Problem::not_found("There is no such request."));
    };
    let place = if job.state == JobState::Queued { api.queue.place(job.seq) } else { None };
    let detail = Detail {
        user: &user,
        tier: job.tier,
        request: StatusView::of(&job, place, &api.options.public_url),
        calls: calls.iter().map(CallView::from).collect(),
    };
    respond::json(StatusCode::OK, &detail)
}

/// `GET /api/admin/queue/waiting`: those who are next, in their order.
///
/// # Errors
/// 422 for a limit out of bounds.
pub async fn waiting(api: &Arc<Api>, query: &Query<'_>) -> Answer {
    let limit = query.read(|query| query.limit(LIMIT_DEFAULT, LIMIT_MAX))?;
    let ids: Vec<JobId> = api.queue.front(limit as usize).into_iter().map(|(id, _)| id).collect();
    let jobs = api.reader.read(move |reads| reads.listed(&ids)).await?;
    // What was claimed meanwhile waits no longer.
    let mut requests: Vec<_> = views(api, &jobs).into_iter().filter(|view| view.position.is_some()).collect();
    requests.sort_by_key(|view| view.position);
    respond::json(StatusCode::OK, &serde_json::json!({ "requests": requests }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_by_its_beginning() {
        let (first, last) = ids_beginning("req_ab12").unwrap();
        assert_eq!(first.to_string(), format!("req_ab12{}", "0".repeat(28)));
        assert_eq!(last.to_string(), format!("req_ab12{}", "f".repeat(28)));
        let whole = JobId([7; 16]);
        assert_eq!(ids_beginning(&whole.to_string()), Some((whole, whole)));
        for bad in ["req_", "req_ab1", "req_zzzz", "req_AB12", &format!("{whole}0"), "ab12"] {
            assert_eq!(ids_beginning(bad), None, "{bad}");
        }
    }

    #[test]
    fn all_filters_are_read_and_all_faults_told() {
        let known = ["status", "user", "tier", "model", "type", "from", "to", "q", "limit", "cursor"];
        let read = |text: &str| Query::parse(Some(text), &known).read(filters);
        let (whose, sought) =
            read("status=failed&user=ann&tier=pro&model=m&type=d2&from=2026-01-01T00:00:00Z&q=req_abcd")
                .unwrap();
        assert!(matches!(whose, Whose::Named(name) if name == "ann"));
        assert_eq!((sought.state, sought.tier), (Some(JobState::Failed), Some(Tier::Pro)));
        assert!(sought.ids.is_some() && sought.from.is_some());
        assert!(matches!(read("q=an").unwrap().0, Whose::Beginning(name) if name == "an"));
        let bad = read("status=x&tier=x&type=x&from=x&to=x&user=%2F&q=req_1&limit=0&cursor=x").unwrap_err();
        assert_eq!(bad.errors.len(), 9, "{:?}", bad.errors);
        assert!(read("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z").is_err());
    }
}
