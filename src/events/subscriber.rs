//! One watcher: any number of watches, one mailbox. Dropping it ends them all.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use crate::domain::{JobId, JobSeq, UserId};

use super::Envelope;
use super::bus::Bus;
use super::mailbox::{Mailbox, Received};
use super::topic::Topic;

/// A watcher: one connection, any number of watches.
pub struct Subscriber {
    bus: Bus,
    mailbox: Arc<Mailbox>,
    jobs: HashMap<JobId, Watch>,
    users: Vec<UserId>,
    all: bool,
}

/// The watch of one job.
struct Watch {
    /// The topic's number.
    topic: u64,
    owner: UserId,
    /// Events up to this number are in the snapshot.
    floor: u64,
}

/// What a watcher must be told of the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Larger than the number of every event so far, smaller than that of every later one.
    pub seq: u64,
    /// The text that the running answer has so far.
    pub text: String,
}

impl Subscriber {
    pub(super) fn new(bus: Bus) -> Self {
        Self { bus, mailbox: Arc::default(), jobs: HashMap::new(), users: Vec::new(), all: false }
    }

    /// Watches one job from now on: the events before the snapshot are not received any more,
    /// also those that wait already; all later ones are. Read the job's row after this call,
    /// then ask [`Subscriber::is_current`].
    pub fn watch_job(&mut self, job: JobId, seq: JobSeq, user: UserId) -> Snapshot {
        let mut shard = self.bus.shard(job).lock();
        let floor = self.bus.next_seq();
        let topic = shard.entry(job).or_insert_with(|| Topic::new(floor));
        topic.place_of = Some((seq, user));
        let watched = self.jobs.insert(job, Watch { topic: topic.number, owner: user, floor });
        if watched.is_none_or(|watch| watch.topic != topic.number) {
            topic.watchers.push(Arc::clone(&self.mailbox));
        }
        Snapshot { seq: floor, text: topic.text.clone() }
    }

    /// Whether a row read after this snapshot shows no event that comes after it: if it might,
    /// take another snapshot and read again.
    pub fn is_current(&self, job: JobId, snapshot: u64) -> bool {
        self.bus.shard(job).lock().get(&job).is_some_and(|topic| topic.changed < snapshot)
    }

    /// Ends the watch of one job. What waits of it is still received.
    pub fn unwatch_job(&mut self, job: JobId) {
        if let Some(watch) = self.jobs.remove(&job) {
            self.leave(job, &watch);
        }
    }

    /// Ends every watch of a single job.
    pub fn unwatch_jobs(&mut self) {
        for (job, watch) in std::mem::take(&mut self.jobs) {
            self.leave(job, &watch);
        }
    }

    /// Whether this job is watched by itself.
    pub fn is_watching(&self, job: JobId) -> bool {
        self.jobs.contains_key(&job)
    }

    /// Whose a job is that is watched by itself.
    pub fn owner_of(&self, job: JobId) -> Option<UserId> {
        self.jobs.get(&job).map(|watch| watch.owner)
    }

    /// Jobs watched one by one.
    pub fn jobs_watched(&self) -> usize {
        self.jobs.len()
    }

    /// Watches everything one user's jobs do.
    pub fn watch_user(&mut self, user: UserId) {
        if !self.users.contains(&user) {
            self.bus.add_user_watcher(user, &self.mailbox);
            self.users.push(user);
        }
    }

    /// Ends the watch of a user's jobs; those watched by themselves stay watched.
    pub fn unwatch_user(&mut self, user: UserId) {
        if self.users.contains(&user) {
            self.users.retain(|watched| *watched != user);
            self.bus.remove_user_watcher(user, &self.mailbox);
        }
    }

    /// Watches everything.
    pub fn watch_all(&mut self) {
        if !self.all {
            self.bus.add_watcher(&self.mailbox);
            self.all = true;
        }
    }

    /// The next event. Cancel-safe.
    pub async fn recv(&self) -> Received {
        loop {
            match self.mailbox.recv().await {
                Received::Event(envelope) if self.is_in_snapshot(&envelope) => {}
                received => return received,
            }
        }
    }

    /// The next event, if one waits.
    pub fn try_recv(&self) -> Option<Received> {
        loop {
            match self.mailbox.take()? {
                Received::Event(envelope) if self.is_in_snapshot(&envelope) => {}
                received => return Some(received),
            }
        }
    }

    /// Returns when this watcher has been too slow and lost its place. Cancel-safe; an event
    /// that arrives meanwhile is not lost.
    pub async fn overflowed(&self) {
        self.mailbox.overflowed().await;
    }

    fn is_in_snapshot(&self, envelope: &Envelope) -> bool {
        self.jobs.get(&envelope.event.job).is_some_and(|watch| envelope.seq <= watch.floor)
    }

    fn leave(&self, job: JobId, watch: &Watch) {
        let mut shard = self.bus.shard(job).lock();
        let Entry::Occupied(mut known) = shard.entry(job) else { return };
        let topic = known.get_mut();
        if topic.number != watch.topic {
            return;
        }
        if let Some(at) = topic.watchers.iter().position(|watcher| Arc::ptr_eq(watcher, &self.mailbox)) {
            topic.watchers.swap_remove(at);
        }
        if topic.watchers.is_empty() {
            topic.watchers = Vec::new();
            topic.place_of = None;
            if !topic.running {
                known.remove();
            }
        }
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.unwatch_jobs();
        for user in &self.users {
            self.bus.remove_user_watcher(*user, &self.mailbox);
        }
        if self.all {
            self.bus.remove_watcher(&self.mailbox);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Event, JobEvent, Timestamp};

    const JOB: JobId = JobId([7; 16]);
    const USER: UserId = UserId(1);

    fn delta(text: &str) -> Event {
        Event { job: JOB, user: USER, what: JobEvent::Delta { text: text.to_owned() } }
    }

    fn processing() -> Event {
        Event { job: JOB, user: USER, what: JobEvent::Processing { attempt: 1, model: "m".to_owned() } }
    }

    fn text_waiting(subscriber: &Subscriber) -> String {
        let mut text = String::new();
        while let Some(Received::Event(envelope)) = subscriber.try_recv() {
            if let JobEvent::Delta { text: piece } = &envelope.event.what {
                text.push_str(piece);
            }
        }
        text
    }

    #[test]
    fn a_snapshot_and_what_follows_it_are_the_whole_text_once() {
        let bus = Bus::default();
        bus.publish(processing());
        let mut subscriber = bus.subscriber();
        subscriber.watch_job(JOB, JobSeq(1), USER);
        bus.publish(delta("a"));
        bus.publish(delta("b"));
        let snapshot = subscriber.watch_job(JOB, JobSeq(1), USER);
        bus.publish(delta("c"));
        assert_eq!((snapshot.text.as_str(), text_waiting(&subscriber).as_str()), ("ab", "c"));
    }

    #[test]
    fn a_change_after_the_snapshot_makes_it_old() {
        let bus = Bus::default();
        let mut subscriber = bus.subscriber();
        let snapshot = subscriber.watch_job(JOB, JobSeq(1), USER);
        assert!(subscriber.is_current(JOB, snapshot.seq));
        bus.publish(processing());
        assert!(!subscriber.is_current(JOB, snapshot.seq));
        let snapshot = subscriber.watch_job(JOB, JobSeq(1), USER);
        bus.publish(delta("no row shows this"));
        assert!(subscriber.is_current(JOB, snapshot.seq));
        bus.publish_end(Event { what: JobEvent::Cancelled, ..processing() }, Timestamp(1));
        assert!(!subscriber.is_current(JOB, snapshot.seq));
    }

    #[test]
    fn a_job_queued_again_is_watched_again_by_who_has_not_heard_its_end() {
        let bus = Bus::default();
        let mut subscriber = bus.subscriber();
        subscriber.watch_job(JOB, JobSeq(1), USER);
        bus.publish_end(Event { what: JobEvent::Cancelled, ..processing() }, Timestamp(1));
        subscriber.watch_job(JOB, JobSeq(1), USER);
        bus.publish(processing());
        assert!(matches!(subscriber.try_recv(), Some(Received::Event(_))));
        assert!(subscriber.try_recv().is_none());
    }

    #[test]
    fn the_watch_of_a_user_ends_and_that_of_a_job_stays() {
        let bus = Bus::default();
        let mut subscriber = bus.subscriber();
        subscriber.watch_user(USER);
        subscriber.watch_job(JOB, JobSeq(1), USER);
        subscriber.unwatch_user(USER);
        assert!(!bus.is_user_watched(USER));
        bus.publish(processing());
        bus.publish(Event { job: JobId([8; 16]), ..processing() });
        assert!(
            matches!(subscriber.try_recv(), Some(Received::Event(envelope)) if envelope.event.job == JOB)
        );
        assert!(subscriber.try_recv().is_none());
    }

    #[test]
    fn who_watches_a_job_and_its_user_hears_once() {
        let bus = Bus::default();
        let mut subscriber = bus.subscriber();
        subscriber.watch_user(USER);
        subscriber.watch_job(JOB, JobSeq(1), USER);
        bus.publish(processing());
        assert!(subscriber.try_recv().is_some());
        assert!(subscriber.try_recv().is_none());
    }
}
