//! Who watches what, and the order of events within a job.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::{Mutex, RwLock};

use crate::domain::{Event, JobEvent, JobId, JobSeq, UserId};

use super::Envelope;
use super::mailbox::{Mailbox, Received};

/// Topics are spread over this many locks.
const SHARDS: usize = 64;
/// Bytes of a running answer kept for late subscribers; more than `max_tokens_cap` can write.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// The bus; cheap to clone.
#[derive(Clone, Default)]
pub struct Bus {
    inner: Arc<Inner>,
}

struct Inner {
    shards: Vec<Mutex<HashMap<JobId, Topic>>>,
    /// Watchers of everything one user's jobs do.
    users: RwLock<HashMap<UserId, Vec<Arc<Mailbox>>>>,
    /// Watchers of everything.
    all: RwLock<Vec<Arc<Mailbox>>>,
    last_seq: AtomicU64,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            users: RwLock::default(),
            all: RwLock::default(),
            last_seq: AtomicU64::new(0),
        }
    }
}

/// One job's watchers, and what a late one must be told.
#[derive(Default)]
struct Topic {
    watchers: Vec<Arc<Mailbox>>,
    /// For the position ticker; set by a watcher.
    place_of: Option<(JobSeq, UserId)>,
    /// The running answer's text so far.
    text: String,
    running: bool,
    last_position: Option<u64>,
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
    /// The position last published.
    pub last_position: Option<u64>,
}

impl Bus {
    /// A new watcher that watches nothing yet. Dropping it ends all its watches.
    pub fn subscriber(&self) -> Subscriber {
        Subscriber {
            bus: self.clone(),
            mailbox: Arc::default(),
            jobs: Vec::new(),
            users: Vec::new(),
            all: false,
        }
    }

    /// Hands an event to everybody who watches its job, its user or everything; each once. A
    /// position that comes after its job began to run is dropped.
    pub fn publish(&self, event: Event) {
        let mut shard = self.shard(event.job).lock();
        let mut topic = shard.entry(event.job);
        if let Entry::Occupied(known) = &topic
            && known.get().running
            && matches!(event.what, JobEvent::Position { .. })
        {
            return;
        }
        let seq = self.next_seq();
        let envelope = Arc::new(Envelope::new(seq, event));
        let mut told = self.audience(envelope.event.user);
        match &mut topic {
            Entry::Occupied(known) => {
                let known = known.get_mut();
                known.note(&envelope.event.what);
                told.extend(known.watchers.iter().cloned());
            }
            Entry::Vacant(_) => {}
        }
        let other_scopes = told.len();
        if other_scopes > 1 && (!self.inner.users.read().is_empty() || !self.inner.all.read().is_empty()) {
            told.sort_unstable_by_key(Arc::as_ptr);
            told.dedup_by(|one, other| Arc::ptr_eq(one, other));
        }
        told.iter().for_each(|mailbox| mailbox.push(&envelope));
        settle_topic(topic, &envelope.event.what);
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

    fn shard(&self, job: JobId) -> &Mutex<HashMap<JobId, Topic>> {
        &self.inner.shards[usize::from(job.0[15]) % SHARDS]
    }
}

impl Topic {
    fn watched(&self, job: JobId) -> Option<WatchedJob> {
        let (seq, user) = self.place_of.filter(|_| !self.running)?;
        Some(WatchedJob { job, seq, user, last_position: self.last_position })
    }

    fn note(&mut self, what: &JobEvent) {
        match what {
            JobEvent::Position { position, .. } => self.last_position = Some(*position),
            JobEvent::Processing { .. } => {
                self.running = true;
                self.text.clear();
            }
            JobEvent::Delta { text } => {
                if self.text.len() + text.len() <= TEXT_BYTES_MAX {
                    self.text.push_str(text);
                }
            }
            JobEvent::Retrying { .. } => {
                self.running = false;
                self.text = String::new();
                self.last_position = None;
            }
            JobEvent::Validating | JobEvent::Repairing { .. } => {}
            // The topic goes away with its last event.
            JobEvent::Completed(_) | JobEvent::Failed(_) | JobEvent::Cancelled | JobEvent::Expired => {}
        }
    }
}

/// Keeps a topic for a running job (its text is wanted by late watchers); forgets an ended one.
fn settle_topic(topic: Entry<'_, JobId, Topic>, what: &JobEvent) {
    match topic {
        Entry::Occupied(known) => {
            if what.is_terminal() || (known.get().watchers.is_empty() && !known.get().running) {
                known.remove();
            }
        }
        Entry::Vacant(slot) => {
            if matches!(what, JobEvent::Processing { .. }) {
                let mut topic = Topic::default();
                topic.note(what);
                slot.insert(topic);
            }
        }
    }
}

/// A watcher: one connection, any number of watches.
pub struct Subscriber {
    bus: Bus,
    mailbox: Arc<Mailbox>,
    jobs: Vec<JobId>,
    users: Vec<UserId>,
    all: bool,
}

impl Subscriber {
    /// Watches one job from now on and returns the text that its running answer has so far.
    /// Read the job's row after this call: then nothing can fall between.
    pub fn watch_job(&mut self, job: JobId, seq: JobSeq, user: UserId) -> String {
        let mut shard = self.bus.shard(job).lock();
        let topic = shard.entry(job).or_default();
        topic.place_of = Some((seq, user));
        if !self.jobs.contains(&job) {
            topic.watchers.push(Arc::clone(&self.mailbox));
            self.jobs.push(job);
        }
        topic.text.clone()
    }

    /// Ends the watch of one job.
    pub fn unwatch_job(&mut self, job: JobId) {
        self.jobs.retain(|watched| *watched != job);
        self.leave(job);
    }

    /// Whether this job is watched by itself.
    pub fn is_watching(&self, job: JobId) -> bool {
        self.jobs.contains(&job)
    }

    /// Jobs watched one by one.
    pub fn jobs_watched(&self) -> usize {
        self.jobs.len()
    }

    /// Watches everything one user's jobs do.
    pub fn watch_user(&mut self, user: UserId) {
        if !self.users.contains(&user) {
            self.bus.inner.users.write().entry(user).or_default().push(Arc::clone(&self.mailbox));
            self.users.push(user);
        }
    }

    /// Watches everything.
    pub fn watch_all(&mut self) {
        if !self.all {
            self.bus.inner.all.write().push(Arc::clone(&self.mailbox));
            self.all = true;
        }
    }

    /// The next event. Cancel-safe.
    pub async fn recv(&self) -> Received {
        self.mailbox.recv().await
    }

    fn leave(&self, job: JobId) {
        let mut shard = self.bus.shard(job).lock();
        let Entry::Occupied(mut topic) = shard.entry(job) else { return };
        topic.get_mut().watchers.retain(|watcher| !Arc::ptr_eq(watcher, &self.mailbox));
        if topic.get().watchers.is_empty() && !topic.get().running {
            topic.remove();
        }
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.jobs.iter().for_each(|job| self.leave(*job));
        let stays = |watcher: &Arc<Mailbox>| !Arc::ptr_eq(watcher, &self.mailbox);
        if !self.users.is_empty() {
            let mut users = self.bus.inner.users.write();
            for user in &self.users {
                let Entry::Occupied(mut watchers) = users.entry(*user) else { continue };
                watchers.get_mut().retain(stays);
                if watchers.get().is_empty() {
                    watchers.remove();
                }
            }
        }
        if self.all {
            self.bus.inner.all.write().retain(stays);
        }
    }
}
