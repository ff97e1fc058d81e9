//! Accepting a request: checked, charged and stored in one transaction.

use std::sync::Arc;

use rand::Rng;
use tokio::sync::oneshot;

use crate::domain::limits::{Place, UserCounts};
use crate::domain::{JobId, JobSeq, JobState, NewJob, Origin, Tier, Timestamp, UserId};
use crate::store::commands::{Submission, Submitted};
use crate::store::{Commands, Priority, StoreError};

use super::cache_key::cache_key;
use super::following::FOLLOWERS_MAX;
use super::refusal::{self, Times, named};
use super::request::{self, Checked, Unacceptable};
use super::{Accepted, CacheUse, Queue, Rules, SubmitError, SubmitRequest};

/// A caller's idempotency key and the SHA-256 of the body it came with.
#[derive(Clone, Debug)]
pub struct Idempotency {
    /// The key.
    pub key: String,
    /// SHA-256 of the canonical body.
    pub body_hash: [u8; 32],
}

/// What an accepted submission is answered with.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// The request's id.
    pub id: JobId,
    /// Its place of acceptance.
    pub seq: JobSeq,
    /// Its state: queued, unless the cache had its answer or it is a replay.
    pub state: JobState,
    /// Its place; absent once it does not wait.
    pub place: Option<Place>,
    /// Acceptance time.
    pub created_at: Timestamp,
    /// The user's counts after it; absent for a replay.
    pub counts: Option<UserCounts>,
    /// Whether the idempotency key had been used for this very request before.
    pub replayed: bool,
}

/// Characters of an idempotency key.
pub const IDEMPOTENCY_KEY_CHARS_MAX: usize = 255;

impl Queue {
    /// Accepts a request, which `origin` brought. When this returns a receipt, the request is on disk.
    ///
    /// # Errors
    /// [`SubmitError`]; then nothing was accepted and nothing consumed.
    pub async fn submit(
        &self,
        user: UserId,
        tier: Tier,
        request: SubmitRequest,
        idempotency: Option<Idempotency>,
        origin: Origin,
    ) -> Result<Receipt, SubmitError> {
        if self.is_draining() {
            return Err(SubmitError::ShuttingDown);
        }
        let rules = self.rules();
        let base = self.base_of(user, &request).await?;
        let checked =
            request::check(request, base, &rules, rules.tiers.of(tier)).map_err(|reason| match reason {
                Unacceptable::Faults(faults) => SubmitError::Invalid(faults),
                Unacceptable::ModelForbidden(model) => {
                    let better = rules.upgrade(tier, |policy| policy.models.contains(&model));
                    let upgrade = better.map(|better| {
                        named(better, format!("The {better} tier has {model}."), rules.tiers.of(better))
                    });
                    SubmitError::ModelForbidden { model, upgrade }
                }
            })?;
        let job = self.new_job(user, tier, checked, &rules, origin);
        let (id, created_at, held) = (job.id, job.created_at, job.reserved);
        let (diagram_type, asks_cache) = (job.diagram_type, job.cache_key.is_some() && rules.cache.is_some());
        let bytes = job.brief.bytes() + 512;
        let submission = Submission {
            job,
            limits: rules.submit_limits(tier),
            kept_since: rules.cache.map(|cache| cache.kept_since(created_at)),
            followers_max: if rules.coalesce { FOLLOWERS_MAX } else { 0 },
            idempotency: idempotency.map(|i| (i.key, i.body_hash)),
        };
        let (answer, answered) = oneshot::channel();
        let inner = Arc::clone(&self.inner);
        let work = move |commands: &mut dyn Commands| commands.submit(&submission);
        self.inner.writer.write_then(Priority::Submit, bytes, work, move |outcome| {
            // Counted on the writer's thread: the caller may be gone by now, and the request stands.
            if let Some(cache) = outcome.as_ref().ok().and_then(|submitted| cache_use(submitted, asks_cache))
            {
                let accepted = Accepted { tier, diagram_type, cache };
                inner.observers().for_each(|observer| observer.accepted(&accepted));
            }
            drop(answer.send(outcome));
        });
        match answered.await.unwrap_or(Err(StoreError::Closed))? {
            Submitted::Accepted { seq, counts } => {
                // A job that is claimed already was first in line.
                let place = self.place(seq).unwrap_or(Place::NEXT);
                Ok(Receipt {
                    id,
                    seq,
                    state: JobState::Queued,
                    place: Some(place),
                    created_at,
                    counts: Some(counts),
                    replayed: false,
                })
            }
            Submitted::Answered { seq, counts, saved: _ } => Ok(Receipt {
                id,
                seq,
                state: JobState::Completed,
                place: None,
                created_at,
                counts: Some(counts),
                replayed: false,
            }),
            Submitted::Replayed(id) => self.replay(id).await,
            Submitted::KeyReused => Err(SubmitError::KeyReused),
            Submitted::Refused { limit, counts, oldest } => {
                let wait = refusal::waits_for(limit, oldest).and_then(|seq| self.place(seq));
                let wait = wait.map(|place| place.estimated_wait_seconds.max(1));
                let times = Times { counted: created_at, told: self.now() };
                let refusal = refusal::explain(limit, counts, held, tier, &rules, times, wait);
                Err(SubmitError::Refused(Box::new(refusal)))
            }
        }
    }

    async fn replay(&self, id: JobId) -> Result<Receipt, SubmitError> {
        let job = self.inner.reader.read(move |reads| reads.job(id)).await?;
        let job = job.ok_or_else(|| StoreError::Failed("an idempotency key names a missing job".into()))?;
        let is_waiting = job.state == JobState::Queued;
        let place = is_waiting.then(|| self.place(job.seq).unwrap_or(Place::NEXT));
        Ok(Receipt {
            id,
            seq: job.seq,
            state: job.state,
            place,
            created_at: job.created_at,
            counts: None,
            replayed: true,
        })
    }

    fn new_job(&self, user: UserId, tier: Tier, checked: Checked, rules: &Rules, origin: Origin) -> NewJob {
        let now = self.now();
        let mut id = [0; 16];
        rand::rng().fill_bytes(&mut id);
        let estimated_input = (rules.estimate_input)(checked.diagram_type, &checked.brief);
        let reserved = rules.reserve(checked.model.as_deref(), estimated_input, checked.max_tokens);
        let cache_key = cache_key(user, &checked, rules);
        NewJob {
            id: JobId(id),
            user,
            tier,
            diagram_type: checked.diagram_type,
            max_tokens: checked.max_tokens,
            model: checked.model,
            estimated_input,
            reserved,
            deadline_at: checked.deadline.map(|span| now.after(span)),
            brief: checked.brief,
            webhook_url: checked.webhook_url,
            cache_key,
            created_at: now,
            origin,
        }
    }
}

/// What the cache had to do with a request that was accepted just now; `None` when none was.
fn cache_use(submitted: &Submitted, asks_cache: bool) -> Option<CacheUse> {
    match submitted {
        Submitted::Accepted { .. } if asks_cache => Some(CacheUse::Missed),
        Submitted::Accepted { .. } => Some(CacheUse::Bypassed),
        Submitted::Answered { saved, .. } => Some(CacheUse::Hit(*saved)),
        Submitted::Replayed(_) | Submitted::KeyReused | Submitted::Refused { .. } => None,
    }
}
