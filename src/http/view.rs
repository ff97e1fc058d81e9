//! A job as callers see it: the status object.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::job::{Bill, JobRecord};
use crate::domain::limits::Place;
use crate::domain::{DiagramType, Failure, JobId, JobState, Money, Timestamp, Validation};

/// Where a request's parts are found.
#[derive(Clone, Debug, Serialize)]
pub struct Links {
    status: String,
    cancel: String,
    events: String,
    svg: String,
    png: String,
}

impl Links {
    /// The links of one request, absolute when `public_url` is set.
    pub fn of(id: JobId, public_url: &str) -> Self {
        let link = |part: &str| format!("{public_url}/api/diagram/{part}/{id}");
        Self {
            status: link("status"),
            cancel: link("cancel"),
            events: link("events"),
            svg: link("svg"),
            png: link("png"),
        }
    }

    /// Where the status object is found.
    pub fn status(&self) -> &str {
        &self.status
    }
}

/// Tokens and cost of a request.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UsageView {
    input_tokens: u64,
    output_tokens: u64,
    cache_read_tokens: u64,
    cache_write_tokens: u64,
    cost_usd: Money,
    estimated: bool,
}

impl From<Bill> for UsageView {
    fn from(bill: Bill) -> Self {
        Self {
            input_tokens: bill.tokens.input,
            output_tokens: bill.tokens.output,
            cache_read_tokens: bill.tokens.cache_read,
            cache_write_tokens: bill.tokens.cache_write,
            cost_usd: bill.cost,
            estimated: bill.estimated,
        }
    }
}

/// The status object.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusView<'a> {
    request_id: JobId,
    status: JobState,
    diagram_type: DiagramType,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_wait_seconds: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    paused: bool,
    attempts: u32,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    validation: Option<&'a Validation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
    cached: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a RawValue>,
    links: Links,
}

impl<'a> StatusView<'a> {
    /// The status object of `job`; `place` only while it waits, and then always: one that has
    /// none is about to run.
    pub fn of(job: &'a JobRecord, place: Option<Place>, public_url: &str) -> Self {
        let waiting = job.state == JobState::Queued;
        let place = waiting.then(|| place.unwrap_or(Place::NEXT));
        Self {
            request_id: job.id,
            status: job.state,
            diagram_type: job.diagram_type,
            position: place.map(|place| place.position),
            estimated_wait_seconds: place.map(|place| place.estimated_wait_seconds),
            paused: place.is_some_and(|place| place.paused),
            attempts: job.attempts,
            created_at: job.created_at,
            started_at: job.started_at,
            completed_at: job.completed_at,
            retry_at: job.retry_at.filter(|_| waiting),
            result: job.outcome.source.as_deref(),
            validation: job.outcome.validation.as_ref(),
            title: job.outcome.title.as_deref(),
            usage: job.bill.map(UsageView::from),
            model: job.model.as_deref(),
            provider: job.provider.as_deref(),
            cached: job.cached,
            error: job.outcome.failure.as_ref(),
            metadata: job.metadata.as_deref(),
            links: Links::of(job.id, public_url),
        }
    }
}
