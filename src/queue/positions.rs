//! Telling watchers their place: at most once a second each, and at once for the first ten.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::domain::limits::Place;
use crate::domain::{Event, JobEvent};
use crate::events::WatchedJob;

use super::Queue;

/// Places that are told at once.
const FRONT: usize = 10;
/// Between two looks at the front: a burst of changes is one message.
const FRONT_PAUSE: Duration = Duration::from_millis(25);
/// Between two looks at everybody.
const ALL_PAUSE: Duration = Duration::from_secs(1);
/// Places computed before the runtime gets its turn.
const AT_ONCE: usize = 256;

impl Queue {
    /// Publishes positions of watched jobs until `stop` fires.
    pub async fn tell_positions(self, stop: CancellationToken) {
        let mut every_second = interval(ALL_PAUSE);
        every_second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told_revision = None;
        let mut front_due = Instant::now();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.inner.changed.notified() => {
                    tokio::time::sleep_until(front_due).await;
                    self.tell_front();
                    front_due = Instant::now() + FRONT_PAUSE;
                }
                _ = every_second.tick() => {
                    let revision = self.inner.scheduler.get().map(|scheduler| scheduler.revision());
                    if revision != told_revision {
                        told_revision = revision;
                        self.tell_all().await;
                    }
                }
            }
        }
    }

    fn tell_front(&self) {
        let Some(scheduler) = self.inner.scheduler.get() else { return };
        for (job, place) in scheduler.front(FRONT) {
            for job in self.inner.bus.followers(job).into_iter().chain([job]) {
                if let Some(watched) = self.inner.bus.watched(job) {
                    self.tell(watched, place);
                }
            }
        }
    }

    async fn tell_all(&self) {
        let watched = self.inner.bus.watched_waiting();
        for some in watched.chunks(AT_ONCE) {
            for job in some {
                if let Some(place) = self.place(job.seq) {
                    self.tell(*job, place);
                }
            }
            tokio::task::yield_now().await;
        }
    }

    fn tell(&self, watched: WatchedJob, place: Place) {
        if watched.last_told == Some((place.position, place.paused)) {
            return;
        }
        let Place { position, estimated_wait_seconds, paused } = place;
        self.inner.bus.publish(Event {
            job: watched.job,
            user: watched.user,
            what: JobEvent::Position { position, estimated_wait_seconds, paused },
        });
    }
}
