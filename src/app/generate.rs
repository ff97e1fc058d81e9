//! `generate` without a server: the whole engine in this process, on the data directory.

use anyhow::{Context, bail};
use tokio_util::sync::CancellationToken;

use crate::client::{GenerateRequest, Progress};
use crate::config::Loaded;
use crate::domain::job::JobRecord;
use crate::domain::trace::SpanContext;
use crate::domain::{
    JobEvent, JobId, JobSeq, JobState, Origin, SourceError, Tier, Validation, ValidationStatus,
};
use crate::events::Received;
use crate::queue::{SubmitError, SubmitRequest};
use crate::store::StoreError;
use crate::store::commands::{Cancellation, Owner};
use crate::store::sqlite::Watch;

use super::engine::{BacklogUse, Engine};

/// Whose requests of the command line are.
const LOCAL_USER: &str = "local";

/// A diagram made.
#[derive(Clone, Debug)]
pub struct Generated {
    /// The diagram's text.
    pub source: String,
    /// The verdict on it.
    pub validation: ValidationStatus,
    /// What the verdict rests on.
    pub errors: Vec<SourceError>,
    /// What was done to a repaired source.
    pub mends: Vec<String>,
}

/// The request was cancelled on the caller's word; nothing of it is left to do.
#[derive(Debug, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

/// Runs one request to its end. When `cancel` fires the request is cancelled, its call closed, and
/// the engine stopped before this returns.
///
/// # Errors
/// [`Cancelled`]; and when the engine does not start (a server on the same data directory, say),
/// the request is refused, or it ends without a diagram.
pub async fn generate_in_process(
    loaded: Loaded,
    request: GenerateRequest,
    progress: &mut (dyn FnMut(Progress) + Send),
    cancel: CancellationToken,
) -> anyhow::Result<Generated> {
    let watch = Watch::until(&cancel);
    let mut engine = Engine::start(&loaded.config, BacklogUse::Leave, watch).await.map_err(|reason| {
        match reason.downcast_ref::<StoreError>() {
            Some(StoreError::Locked(_)) => {
                anyhow::anyhow!("{reason}; or let it make the diagram, with --server URL and --key KEY")
            }
            _ => reason,
        }
    })?;
    engine.begin().await?;
    let outcome = run(&engine, request, progress, &cancel).await;
    engine.drain().await;
    engine.finish(std::future::ready(())).await;
    outcome
}

async fn run(
    engine: &Engine,
    request: GenerateRequest,
    progress: &mut (dyn FnMut(Progress) + Send),
    cancel: &CancellationToken,
) -> anyhow::Result<Generated> {
    let caller = engine
        .accounts
        .by_name(LOCAL_USER, Some(Tier::Enterprise))
        .await?
        .context("the user \"local\" is disabled on this data directory")?;
    let (template, variables) = request.template.unzip();
    let body = SubmitRequest {
        prompt: request.prompt,
        diagram_type: Some(request.diagram_type),
        base_source: request.base_source,
        template,
        variables: variables.map(|variables| serde_json::value::to_raw_value(&variables)).transpose()?,
        ..SubmitRequest::default()
    };
    if cancel.is_cancelled() {
        return Err(Cancelled.into());
    }
    let receipt = engine
        .queue
        .submit(caller.user, caller.tier, body, None, Origin::of(SpanContext::new(rand::random(), false)))
        .await
        .map_err(plain_refusal)?;
    tokio::select! {
        ended = follow(engine, receipt.id, progress) => {
            if ended.is_err() {
                // Nobody waits for it any more; what has ended stays as it is.
                engine.queue.cancel(receipt.id, Owner::Anyone).await?;
            }
            ended
        }
        () = cancel.cancelled() => match engine.queue.cancel(receipt.id, Owner::Anyone).await? {
            Cancellation::Cancelled | Cancellation::AlreadyCancelled | Cancellation::Unknown => {
                Err(Cancelled.into())
            }
            Cancellation::NotCancellable => ended(read(engine, receipt.id).await?),
        },
    }
}

async fn follow(
    engine: &Engine,
    id: JobId,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> anyhow::Result<Generated> {
    let mut subscriber = engine.bus.subscriber();
    let first = read(engine, id).await?;
    subscriber.watch_job(id, first.seq, first.user);
    let mut job = read(engine, id).await?;
    tell_place(engine, job.seq, progress);
    while !job.state.is_terminal() {
        let Received::Event(envelope) = subscriber.recv().await else { bail!("too many events at once") };
        match &envelope.event.what {
            JobEvent::Position { position, estimated_wait_seconds, paused } => progress(Progress::Queued {
                position: *position,
                estimated_wait_seconds: *estimated_wait_seconds,
                paused: *paused,
            }),
            JobEvent::Processing { attempt, model } => {
                progress(Progress::Processing { attempt: *attempt, model: model.clone() });
            }
            JobEvent::Delta { text } => progress(Progress::Delta { text: text.clone() }),
            JobEvent::Retrying { attempt, reason, .. } => {
                // At the terminal sits the operator, who may know more than a user of the API.
                let reason = engine.troubles.latest().unwrap_or_else(|| reason.clone());
                progress(Progress::Retrying { attempt: *attempt, reason });
            }
            JobEvent::Validating => progress(Progress::Validating),
            JobEvent::Repairing { .. } => progress(Progress::Repairing),
            JobEvent::Completed(_) | JobEvent::Failed(_) | JobEvent::Cancelled | JobEvent::Expired => {
                job = read(engine, id).await?;
            }
        }
    }
    ended(job)
}

fn ended(job: JobRecord) -> anyhow::Result<Generated> {
    match (job.state, &job.outcome.failure) {
        (JobState::Completed, _) => Ok(generated(job)),
        (_, Some(failure)) => bail!("{}", failure.message),
        (state, None) => bail!("the request ended as {}", state.name()),
    }
}

fn generated(job: JobRecord) -> Generated {
    let verdict = job.outcome.validation.unwrap_or_else(Validation::unchecked);
    Generated {
        source: job.outcome.source.unwrap_or_default(),
        validation: verdict.status,
        errors: verdict.errors,
        mends: verdict.mends,
    }
}

fn tell_place(engine: &Engine, seq: JobSeq, progress: &mut (dyn FnMut(Progress) + Send)) {
    if let Some(place) = engine.queue.place(seq) {
        progress(Progress::Queued {
            position: place.position,
            estimated_wait_seconds: place.estimated_wait_seconds,
            paused: place.paused,
        });
    }
}

async fn read(engine: &Engine, id: JobId) -> anyhow::Result<JobRecord> {
    let job = engine.reader.read(move |reads| reads.job(id)).await?;
    job.context("the request has gone from the database")
}

fn plain_refusal(error: SubmitError) -> anyhow::Error {
    match error {
        SubmitError::Invalid(faults) => {
            let faults: Vec<String> = faults
                .iter()
                .map(|fault| format!("{}: {}", fault.pointer.trim_start_matches('/'), fault.detail))
                .collect();
            anyhow::anyhow!("{}", faults.join("\n"))
        }
        SubmitError::ModelForbidden { model, .. } => {
            anyhow::anyhow!("the model {model:?} may not be used here")
        }
        SubmitError::Refused(refusal) => anyhow::anyhow!(
            "a limit of the tier enterprise was reached ({:?}); it resets at {}",
            refusal.limit,
            refusal.resets_at
        ),
        SubmitError::KeyReused | SubmitError::ShuttingDown => anyhow::anyhow!("the engine is stopping"),
        SubmitError::Store(reason) => reason.into(),
    }
}
