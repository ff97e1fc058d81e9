//! Events in the contract's words.

use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::job::JobRecord;
use crate::domain::limits::Place;
use crate::domain::{JobEvent, JobId, JobState};
use crate::events::Envelope;
use crate::http::view::{Links, StatusView, UsageView};

/// The message's `type`.
pub fn name(what: &JobEvent) -> &'static str {
    match what {
        JobEvent::Position { .. } => "position",
        JobEvent::Processing { .. } => "processing",
        JobEvent::Delta { .. } => "delta",
        JobEvent::Validating => "validating",
        JobEvent::Repairing { .. } => "repairing",
        JobEvent::Retrying { .. } => "retrying",
        JobEvent::Completed(_) => "completed",
        JobEvent::Failed(_) => "failed",
        JobEvent::Cancelled => "cancelled",
        JobEvent::Expired => "expired",
    }
}

/// An event as a message.
pub fn event(envelope: &Envelope, public_url: &str) -> String {
    let id = envelope.event.job;
    let mut message = match &envelope.event.what {
        JobEvent::Position { position, estimated_wait_seconds, paused: false } => {
            json!({ "position": position, "estimatedWaitSeconds": estimated_wait_seconds })
        }
        JobEvent::Position { position, estimated_wait_seconds, paused: true } => {
            json!({ "position": position, "estimatedWaitSeconds": estimated_wait_seconds, "paused": true })
        }
        JobEvent::Processing { attempt, model } => json!({ "attempt": attempt, "model": model }),
        JobEvent::Delta { text } => json!({ "text": text }),
        JobEvent::Validating => json!({ "errors": [] }),
        JobEvent::Repairing { errors } => json!({ "errors": errors }),
        JobEvent::Retrying { attempt, retry_at, reason } => {
            json!({ "attempt": attempt, "retryAt": retry_at, "reason": reason })
        }
        JobEvent::Completed(job) => completed(job, public_url),
        JobEvent::Failed(failure) => json!({ "error": failure }),
        JobEvent::Cancelled | JobEvent::Expired => json!({}),
    };
    head(&mut message, name(&envelope.event.what), envelope.seq, id);
    message.to_string()
}

/// The message of a job that has ended, for one who comes late; `None` while it has not.
pub fn terminal(job: &JobRecord, seq: u64, public_url: &str) -> Option<(&'static str, String)> {
    let (name, mut message) = match job.state {
        JobState::Queued | JobState::Processing => return None,
        JobState::Completed => ("completed", completed(job, public_url)),
        JobState::Failed => ("failed", json!({ "error": job.outcome.failure })),
        JobState::Cancelled => ("cancelled", json!({})),
        JobState::Expired => ("expired", json!({})),
    };
    head(&mut message, name, seq, job.id);
    Some((name, message.to_string()))
}

/// The first message of a subscription: the status object as it stands.
pub fn subscribed(
    job: &JobRecord,
    place: Option<Place>,
    partial: &str,
    seq: u64,
    public_url: &str,
) -> String {
    let running = job.state == JobState::Processing && !partial.is_empty();
    let message = Subscribed {
        r#type: "subscribed",
        seq,
        partial_result: running.then_some(partial),
        status: StatusView::of(job, place, public_url),
    };
    // Straight to text: metadata is raw, and need not fit into a `Value`.
    serde_json::to_string(&message).unwrap_or_else(|reason| {
        tracing::error!(job = %job.id, %reason, "a status could not be written for a subscriber");
        let mut message = json!({});
        head(&mut message, "subscribed", seq, job.id);
        message.to_string()
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Subscribed<'a> {
    r#type: &'static str,
    seq: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    partial_result: Option<&'a str>,
    #[serde(flatten)]
    status: StatusView<'a>,
}

fn completed(job: &JobRecord, public_url: &str) -> Value {
    json!({
        "result": job.outcome.source,
        "title": job.outcome.title,
        "validation": job.outcome.validation,
        "usage": job.bill.map(UsageView::from),
        "cached": job.cached,
        "links": Links::of(job.id, public_url),
    })
}

fn head(message: &mut Value, name: &str, seq: u64, id: JobId) {
    message["type"] = Value::from(name);
    message["seq"] = Value::from(seq);
    message["requestId"] = Value::from(id.to_string());
}
