//! `POST /api/diagram/generate`.

use std::sync::Arc;
use std::time::Duration;

use hyper::header::{HeaderMap, HeaderName, HeaderValue, LOCATION};
use hyper::{Response, StatusCode};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::accounts::Caller;
use crate::domain::job::JobRecord;
use crate::domain::{JobId, JobState, Timestamp};
use crate::events::Received;
use crate::http::api::Api;
use crate::http::body::Body;
use crate::http::call::Call;
use crate::http::dispatch::About;
use crate::http::inbound;
use crate::http::json::{self, Field, JsonBody, refused_field};
use crate::http::problem::Problem;
use crate::http::ratelimit;
use crate::http::refuse::field_errors;
use crate::http::respond::{self, Answer};
use crate::http::view::{Links, StatusView};
use crate::queue::{IDEMPOTENCY_KEY_CHARS_MAX, Idempotency, Receipt, SubmitRequest};
use crate::store::StoreError;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
/// Seconds that an answer is held back at most.
const WAIT_SECONDS_MAX: u64 = 60;

impl JsonBody for SubmitRequest {
    const FIELDS: &'static [Field] = &[
        Field::required::<String>("prompt", "a string"),
        Field::optional::<crate::domain::DiagramType>("diagramType", "mermaid, graphviz, plantuml or d2"),
        Field::optional::<u64>("maxTokens", "a whole number from 1 on"),
        Field::optional::<String>("model", "a string"),
        Field::optional::<String>("template", "a string"),
        Field::optional::<serde_json::Map<String, serde_json::Value>>("variables", "an object"),
        Field::optional::<String>("baseRequestId", "a string"),
        Field::optional::<String>("baseSource", "a string"),
        Field::optional::<u64>("deadlineSeconds", "a whole number from 1 on"),
        Field::optional::<String>("cache", "\"default\" or \"bypass\""),
        Field::optional::<String>("webhookUrl", "a string"),
        Field::optional::<serde_json::Map<String, serde_json::Value>>("metadata", "an object"),
    ];
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Accepted {
    request_id: JobId,
    status: JobState,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_wait_seconds: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    paused: bool,
    created_at: Timestamp,
    links: Links,
}

/// Accepts a request, and waits for its end as long as the caller prefers.
///
/// # Errors
/// Every refusal of the contract; then nothing was accepted.
pub async fn generate(api: &Arc<Api>, caller: &Caller, call: &mut Call) -> Answer {
    let key = idempotency_key(call.headers())?;
    let wait = preferred_wait(call.headers());
    let bytes = inbound::read_json(&call.head.headers, &mut call.body, api.options.max_body).await?;
    let request = json::decode_and(&bytes, |rest| field_errors(api.queue.faults_of(rest, caller.tier)))?;
    let idempotency = key.map(|key| Idempotency { key, body_hash: canonical_hash(&bytes) });
    let submitted =
        api.queue.submit(caller.user, caller.tier, request, idempotency, call.origin.clone()).await;
    let receipt = submitted.map_err(Problem::from)?;
    let mut response = match finished(api, &receipt, wait, call).await {
        Some(finished) => finished,
        None => self::receipt(api, &receipt)?,
    };
    response.extensions_mut().insert(About(receipt.id));
    let headers = response.headers_mut();
    if let Some(counts) = &receipt.counts {
        headers.extend(ratelimit::headers(api, caller, counts));
    }
    if receipt.replayed {
        headers.insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    if let Some(wait) = wait {
        respond::set(headers, PREFERENCE_APPLIED, &format!("wait={wait}"));
    }
    Ok(response)
}

/// 202 for a receipt.
///
/// # Errors
/// 500 when it cannot be rendered.
pub fn receipt(api: &Api, receipt: &Receipt) -> Answer {
    let links = Links::of(receipt.id, &api.options.public_url);
    let location = links.status().to_owned();
    let body = Accepted {
        request_id: receipt.id,
        status: receipt.state,
        position: receipt.place.map(|place| place.position),
        estimated_wait_seconds: receipt.place.map(|place| place.estimated_wait_seconds),
        paused: receipt.place.is_some_and(|place| place.paused),
        created_at: receipt.created_at,
        links,
    };
    let mut response = respond::json(StatusCode::ACCEPTED, &body)?;
    respond::set(response.headers_mut(), LOCATION, &location);
    Ok(response)
}

/// The finished request as the answer: if it has ended already (a replay), or ends while the
/// caller prefers to wait. The request is accepted by now, so nothing here is an error to the
/// caller: what cannot be read is logged, and the answer is 202.
async fn finished(
    api: &Arc<Api>,
    receipt: &Receipt,
    wait: Option<u64>,
    call: &Call,
) -> Option<Response<Body>> {
    let job = match wait {
        Some(seconds) => ended_within(api, receipt, seconds, &call.stop).await,
        None if receipt.state.is_terminal() => read(api, receipt.id).await,
        None => return None,
    };
    match job {
        Ok(job) => {
            let job = job.filter(|job| job.state.is_terminal())?;
            respond::json(StatusCode::OK, &StatusView::of(&job, None, &api.options.public_url)).ok()
        }
        Err(reason) => {
            tracing::warn!(
                job = %receipt.id,
                %reason,
                trace_id = %call.origin.trace(),
                request_id = %call.origin.request_id(),
                "an accepted request could not be read back; it is answered with 202"
            );
            None
        }
    }
}

async fn read(api: &Api, id: JobId) -> Result<Option<JobRecord>, StoreError> {
    api.reader.read(move |reads| reads.job(id)).await
}

/// The request after its end, or after so many seconds.
async fn ended_within(
    api: &Arc<Api>,
    receipt: &Receipt,
    seconds: u64,
    stop: &CancellationToken,
) -> Result<Option<JobRecord>, StoreError> {
    let mut subscriber = api.bus.subscriber();
    let id = receipt.id;
    let Some(job) = read(api, id).await? else { return Ok(None) };
    subscriber.watch_job(id, receipt.seq, job.user);
    let ended = async {
        loop {
            match subscriber.recv().await {
                Received::Event(envelope) if envelope.event.what.is_terminal() => return,
                Received::Event(_) => {}
                Received::Overflowed => return,
            }
        }
    };
    let job = read(api, id).await?;
    if job.as_ref().is_some_and(|job| !job.state.is_terminal()) {
        tokio::select! {
            () = ended => {}
            () = tokio::time::sleep(Duration::from_secs(seconds)) => {}
            () = stop.cancelled() => {}
        }
    }
    read(api, id).await
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let visible = value.as_bytes().iter().all(u8::is_ascii_graphic);
    let key = value.to_str().unwrap_or_default();
    if !visible || !(1..=IDEMPOTENCY_KEY_CHARS_MAX).contains(&key.len()) {
        return Err(refused_field(
            "/Idempotency-Key",
            format!("The header must have 1 to {IDEMPOTENCY_KEY_CHARS_MAX} visible ASCII characters."),
        ));
    }
    Ok(Some(key.to_owned()))
}

/// `Prefer: wait=N` (RFC 7240); what cannot be read is no preference.
fn preferred_wait(headers: &HeaderMap) -> Option<u64> {
    let lines = headers.get_all(PREFER).iter().filter_map(|line| line.to_str().ok());
    let mut preferences = lines.flat_map(|line| line.split(',')).map(str::trim);
    let wait = preferences.find_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("wait")
            .then(|| value.trim().trim_matches('"').parse::<u64>().ok())?
    })?;
    (wait > 0).then_some(wait.min(WAIT_SECONDS_MAX))
}

/// SHA-256 of the body with its keys sorted and without white space. A body that holds a number
/// beyond all bounds has no such form; it is refused for it in a moment.
fn canonical_hash(bytes: &[u8]) -> [u8; 32] {
    let canonical = serde_json::from_slice::<serde_json::Value>(bytes)
        .and_then(|mut value| {
            value.sort_all_objects();
            serde_json::to_vec(&value)
        })
        .unwrap_or_else(|_| bytes.to_vec());
    Sha256::digest(&canonical).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_read_from_any_preference() {
        for (value, wait) in [
            ("wait=5", Some(5)),
            ("respond-async, wait=\"7\"", Some(7)),
            ("wait=600", Some(60)),
            ("wait=0", None),
            ("wait=-1", None),
            ("handling=lenient", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(PREFER, value.parse().unwrap());
            assert_eq!(preferred_wait(&headers), wait, "{value}");
        }
    }

    #[test]
    fn equal_bodies_have_equal_hashes_however_they_are_written() {
        let one = canonical_hash(br#"{"prompt":"x","maxTokens":5}"#);
        assert_eq!(one, canonical_hash(b"{ \"maxTokens\": 5,\n\"prompt\":\"x\" }"));
        assert_ne!(one, canonical_hash(br#"{"prompt":"y","maxTokens":5}"#));
        let nested = canonical_hash(br#"{"metadata":{"b":[{"d":1,"c":2}],"a":1}}"#);
        assert_eq!(nested, canonical_hash(br#"{"metadata":{"a":1,"b":[{"c":2,"d":1}]}}"#));
    }
}
