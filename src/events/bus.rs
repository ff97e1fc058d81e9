//! Who watches what, and the order of events within a job.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::{Mutex, RwLock};
use tokio::sync::broadcast;

use crate::domain::alert::{Alert, AlertTurn};
use crate::domain::{Event, JobEvent, JobId, JobSeq, Timestamp, UserId};

use super::Envelope;
use super::following::Following;
use super::mailbox::Mailbox;
use super::subscriber::Subscriber;
use super::topic::{self, Topic};

/// Topics are spread over this many locks.
const SHARDS: usize = 64;
/// Alerts that a watcher may be behind; it loses the oldest, and finds them in the list of alerts.
const ALERTS_BEHIND_MAX: usize = 64;

/// The bus; cheap to clone.
#[derive(Clone, Default)]
pub struct Bus {
    inner: Arc<Inner>,
}

struct Inner {
    shards: Vec<Mutex<HashMap<JobId, Topic>>>,
    following: Following,
    /// Watchers of everything one user's jobs do.
    users: RwLock<HashMap<UserId, Vec<Arc<Mailbox>>>>,
    /// Watchers of everything.
    all: RwLock<Vec<Arc<Mailbox>>>,
    alerts: broadcast::Sender<Arc<AlertNews>>,
    last_seq: AtomicU64,
}

/// News of an alert.
#[derive(Clone, Debug)]
pub struct AlertNews {
    /// Rises from message to message.
    pub seq: u64,
    /// What happened to it.
    pub turn: AlertTurn,
    /// The alert as it is now.
    pub alert: Alert,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            following: Following::default(),
            users: RwLock::default(),
            all: RwLock::default(),
            alerts: broadcast::Sender::new(ALERTS_BEHIND_MAX),
            last_seq: AtomicU64::new(0),
        }
    }
}

/// A watched job that waits, for the position ticker.
#[derive(Clone, Copy, Debug)]
pub struct WatchedJob {
    /// The job.
    pub job: JobId,
    /// Its place of acceptance.
    pub seq: JobSeq,
    /// Its owner.
    pub user: UserId,
    /// The position last published, and whether it was said to be paused.
    pub last_told: Option<(u64, bool)>,
}

impl Bus {
    /// A new watcher that watches nothing yet. Dropping it ends all its watches.
    pub fn subscriber(&self) -> Subscriber {
        Subscriber::new(self.clone())
    }

    /// Hands an event to everybody who watches its job, its user or everything; each once. A
    /// position that comes after its job began to run is dropped. What is told of a call is told of
    /// every job that shares it.
    pub fn publish(&self, event: Event) {
        if !event.what.is_of_the_call() {
            return self.hand_out(event, None, String::new());
        }
        let following = self.following().of(event.job);
        let followers = following.get(&event.job).into_iter().flatten();
        let shared: Vec<Event> = followers
            .map(|follower| Event { job: follower.id, user: follower.user, what: event.what.clone() })
            .collect();
        for event in std::iter::once(event).chain(shared) {
            self.hand_out(event, None, String::new());
        }
    }

    /// As [`Bus::publish`], for the event that ends a job, with the instant that its row shows:
    /// by it a watcher tells this end from another one of the same job.
    pub fn publish_end(&self, event: Event, ended_at: Timestamp) {
        self.hand_out(event, Some(ended_at), String::new());
    }

    /// `text` is what a call has written that begins for this job when it is under way already.
    pub(super) fn hand_out(&self, event: Event, ended_at: Option<Timestamp>, text: String) {
        let mut shard = self.shard(event.job).lock();
        let mut topic = shard.entry(event.job);
        if let Entry::Occupied(known) = &topic
            && known.get().running
            && matches!(event.what, JobEvent::Position { .. })
        {
            return;
        }
        // Under the topic's lock: numbers rise in the order in which watchers hear.
        let envelope = Arc::new(Envelope::new(self.next_seq(), event, ended_at));
        let mut told = self.audience(envelope.event.user);
        let watches_overlap = !told.is_empty();
        if let Entry::Occupied(known) = &mut topic {
            let known = known.get_mut();
            known.note(envelope.seq, &envelope.event.what);
            told.extend(known.watchers.iter().cloned());
        }
        if watches_overlap {
            told.sort_unstable_by_key(Arc::as_ptr);
            told.dedup_by(|one, other| Arc::ptr_eq(one, other));
        }
        told.iter().for_each(|mailbox| mailbox.push(&envelope));
        topic::settle(topic, envelope.seq, &envelope.event.what, text);
    }

    /// Tells whoever watches alerts.
    pub fn publish_alert(&self, turn: AlertTurn, alert: Alert) {
        // Nobody may be watching.
        drop(self.inner.alerts.send(Arc::new(AlertNews { seq: self.next_seq(), turn, alert })));
    }

    /// News of alerts from now on.
    pub fn alerts(&self) -> broadcast::Receiver<Arc<AlertNews>> {
        self.inner.alerts.subscribe()
    }

    /// Every watched job that waits, with the position last told.
    pub fn watched_waiting(&self) -> Vec<WatchedJob> {
        let mut watched = Vec::new();
        for shard in &self.inner.shards {
            let shard = shard.lock();
            watched.extend(shard.iter().filter_map(|(job, topic)| topic.watched(*job)));
        }
        watched
    }

    /// The watched job's state for the ticker; `None` when nobody watches it or it runs.
    pub fn watched(&self, job: JobId) -> Option<WatchedJob> {
        self.shard(job).lock().get(&job)?.watched(job)
    }

    /// Whether anybody watches all of this user's jobs.
    pub fn is_user_watched(&self, user: UserId) -> bool {
        !self.inner.all.read().is_empty() || self.inner.users.read().contains_key(&user)
    }

    /// A number above every `seq` given out so far, for messages that are no events.
    pub fn next_seq(&self) -> u64 {
        // Starting at the clock keeps a job's numbers rising over a restart, without a column.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis());
        let now = u64::try_from(now).unwrap_or(u64::MAX >> 1);
        let before = self
            .inner
            .last_seq
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |last| Some(now.max(last + 1)))
            .unwrap_or(now);
        now.max(before + 1)
    }

    fn audience(&self, user: UserId) -> Vec<Arc<Mailbox>> {
        let mut told = self.inner.all.read().clone();
        if let Some(watchers) = self.inner.users.read().get(&user) {
            told.extend(watchers.iter().cloned());
        }
        told
    }

    pub(super) fn add_watcher(&self, mailbox: &Arc<Mailbox>) {
        self.inner.all.write().push(Arc::clone(mailbox));
    }

    pub(super) fn remove_watcher(&self, mailbox: &Arc<Mailbox>) {
        self.inner.all.write().retain(|watcher| !Arc::ptr_eq(watcher, mailbox));
    }

    pub(super) fn add_user_watcher(&self, user: UserId, mailbox: &Arc<Mailbox>) {
        self.inner.users.write().entry(user).or_default().push(Arc::clone(mailbox));
    }

    pub(super) fn remove_user_watcher(&self, user: UserId, mailbox: &Arc<Mailbox>) {
        let mut users = self.inner.users.write();
        let Entry::Occupied(mut watchers) = users.entry(user) else { return };
        watchers.get_mut().retain(|watcher| !Arc::ptr_eq(watcher, mailbox));
        if watchers.get().is_empty() {
            watchers.remove();
        }
    }

    pub(super) fn following(&self) -> &Following {
        &self.inner.following
    }

    pub(super) fn shard(&self, job: JobId) -> &Mutex<HashMap<JobId, Topic>> {
        &self.inner.shards[usize::from(job.0[15]) % SHARDS]
    }
}
