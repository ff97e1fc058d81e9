//! From a committed change to everybody who must know: the scheduler, the workers, the watchers.
//! Runs on the store's writer thread, after the commit and before the callers are answered.

use crate::domain::change::{EndKind, Ended, Follower, UnderWay};
use crate::domain::limits::Place;
use crate::domain::{Change, Claimed, Event, JobEvent, JobId, QueuedJob, UserId};

use super::{Inner, Running};

pub(super) fn relay(inner: &Inner, changes: &[Change]) {
    if let Some(scheduler) = inner.scheduler.get() {
        scheduler.committed(changes);
    }
    inner.observers().for_each(|observer| observer.committed(changes));
    for change in changes {
        match change {
            Change::Claimed(job) => begin(inner, job),
            Change::Requeued { job, repairing: Some(errors), .. } => {
                inner.running.end(job.seq);
                publish(inner, job.id, job.user, JobEvent::Repairing { errors: errors.clone() });
            }
            Change::Requeued { job, attempts, reason, .. } => {
                inner.running.end(job.seq);
                let retrying = JobEvent::Retrying {
                    attempt: *attempts,
                    retry_at: job.retry_at,
                    reason: (*reason).to_owned(),
                };
                publish(inner, job.id, job.user, retrying);
            }
            Change::Ended(ended) => end(inner, ended),
            Change::Joined { follower, under_way } => join(inner, follower, under_way.as_ref()),
            Change::Released { leader, job, was_running } => release(inner, *leader, job, *was_running),
            Change::Left(ended) => {
                if let Some(follower) = inner.following.remove(ended.seq) {
                    inner.bus.unfollow(&follower);
                }
                end(inner, ended);
            }
            Change::Queued(job) => accept(inner, job),
            Change::Answered(job) => {
                let event = Event { job: job.id, user: job.user, what: JobEvent::Completed(job.clone()) };
                inner.bus.publish_end(event, job.created_at);
            }
            Change::Message(message) => {
                if let Some(outbox) = inner.outbox.get() {
                    outbox.stored(message);
                }
            }
            Change::UserChanged { .. } | Change::Paused(_) => {}
        }
    }
    inner.changed.notify_one();
}

/// Who watches all of a user's requests hears of a new one by its place.
fn accept(inner: &Inner, job: &QueuedJob) {
    if !inner.bus.is_user_watched(job.user) {
        return;
    }
    let place = inner.scheduler.get().and_then(|scheduler| scheduler.place(job.seq));
    if let Some(Place { position, estimated_wait_seconds, paused }) = place {
        publish(inner, job.id, job.user, JobEvent::Position { position, estimated_wait_seconds, paused });
    }
}

/// A job that shares another one's call is told of as that call goes.
fn join(inner: &Inner, follower: &Follower, under_way: Option<&UnderWay>) {
    inner.following.add(follower.clone());
    let first = match under_way {
        Some(UnderWay { attempt, model }) => {
            Some(JobEvent::Processing { attempt: *attempt, model: model.clone() })
        }
        None if inner.bus.is_user_watched(follower.user) => {
            let place = inner.scheduler.get().and_then(|scheduler| scheduler.place(follower.leader));
            let Place { position, estimated_wait_seconds, paused } = place.unwrap_or(Place::NEXT);
            Some(JobEvent::Position { position, estimated_wait_seconds, paused })
        }
        None => None,
    };
    inner.bus.follow(follower, first);
}

/// One of those that shared a call waits for its own now, and the others share that one.
fn release(inner: &Inner, leader: JobId, job: &QueuedJob, was_running: bool) {
    let Some(next) = inner.following.remove(job.seq) else { return };
    let others = inner.bus.follow_instead(leader, &next);
    others.into_iter().for_each(|follower| inner.following.add(follower));
    if was_running {
        let retrying = JobEvent::Retrying {
            attempt: 0,
            retry_at: None,
            reason: "the equal request whose call was shared has ended".to_owned(),
        };
        publish(inner, job.id, job.user, retrying);
    }
}

fn begin(inner: &Inner, job: &Claimed) {
    let processing = JobEvent::Processing { attempt: job.attempts + 1, model: job.model.clone() };
    publish(inner, job.id, job.user, processing);
    let ended = inner.running.begin(job.seq);
    let running = Running { job: Box::new(job.clone()), ended };
    if inner.claimed.try_send(running).is_err() {
        // Only while stopping: the worker is gone, and the next start recovers the job.
        tracing::warn!(
            job = %job.id,
            trace_id = %job.origin.trace(),
            request_id = %job.origin.request_id(),
            "no worker takes this claimed request; the next start will"
        );
    }
}

/// What ended without a call of its own has no other line in the log.
fn log_end(ended: &Ended, how: &'static str) {
    if !ended.was_running {
        tracing::info!(
            job = %ended.id,
            how,
            shared_trace_id = ended.shared.map(|call| call.trace.to_string()),
            trace_id = %ended.origin.trace(),
            request_id = %ended.origin.request_id(),
            "a request ended that had no call running"
        );
    }
}

fn end(inner: &Inner, ended: &Ended) {
    inner.running.end(ended.seq);
    log_end(ended, ended.how.name());
    let what = match &ended.how {
        EndKind::Completed(job) => JobEvent::Completed(job.clone()),
        EndKind::Failed(failure) => JobEvent::Failed(failure.clone()),
        EndKind::Cancelled => JobEvent::Cancelled,
        EndKind::Expired => JobEvent::Expired,
    };
    let event = Event { job: ended.id, user: ended.user, what };
    inner.bus.publish_end(event, ended.ended_at);
}

fn publish(inner: &Inner, job: JobId, user: UserId, what: JobEvent) {
    inner.bus.publish(Event { job, user, what });
}
