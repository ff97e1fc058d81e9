//! The jobs that may use the same lanes, in fair order.
//!
//! Inside a tier: start-time fair queueing over users. A user's jobs are a chain of virtual start
//! tags, each the finish of the one before, and the smallest tag goes next: a thousand jobs of one
//! user do not stand before another user's one. A user at its cap is not in the ready set.
//!
//! The head of a chain starts at `max(virtual time, finish of the user's last job that went)`,
//! decided when it becomes the head and may run. So a user that its cap held back, or that
//! cancelled its backlog, comes back with neither credit nor debt. The tags behind such a head
//! are moved along a few at a time ([`MOVED_MAX`]): only the head's tag decides, the others only
//! tell positions.

use std::collections::{BTreeSet, HashMap, VecDeque};

use crate::domain::{JobSeq, UserId};

use super::jobs::{Jobs, Key, Slot};
use super::ranked::Ranked;

/// Tags of one user moved at once; what is left is moved as the chain advances.
const MOVED_MAX: usize = 32;

/// One user's waiting jobs in one tier of one pool.
#[derive(Debug, Default)]
struct Flow {
    /// In order of acceptance; jobs in back-off are not here.
    waiting: VecDeque<Slot>,
    /// Virtual finish of the last job that went.
    served: u64,
    /// The head as it stands in the ready set.
    ready: Option<Key>,
}

/// One tier of a pool.
#[derive(Debug)]
pub(super) struct TierQueue {
    /// Jobs that wait, not in back-off, with their costs.
    pub(super) order: Ranked<Key, u32>,
    /// Heads of users that may run now, by tag.
    ready: BTreeSet<(Key, UserId)>,
    flows: HashMap<UserId, Flow>,
    /// Start tag of the job that went last.
    virtual_time: u64,
    /// Where this pool stands among the pools of its tier: the smallest goes next.
    pub(super) turn: u64,
}

impl TierQueue {
    const fn new(flows: HashMap<UserId, Flow>) -> Self {
        Self { order: Ranked::new(), ready: BTreeSet::new(), flows, virtual_time: 0, turn: 0 }
    }

    /// The tag of a job that arrives now, behind what its user has here that was accepted before it.
    pub(super) fn tag(&self, user: UserId, seq: JobSeq, jobs: &Jobs) -> u64 {
        let Some(flow) = self.flows.get(&user) else { return self.virtual_time };
        let is_before = |slot: &Slot| jobs.get(*slot).key.seq < seq;
        let before = match flow.waiting.back() {
            Some(last) if is_before(last) => Some(last),
            _ => flow.waiting.partition_point(is_before).checked_sub(1).and_then(|at| flow.waiting.get(at)),
        };
        let before = before.map(|slot| jobs.get(*slot)).filter(|job| !job.paid);
        before.map_or(self.virtual_time.max(flow.served), |job| job.finish())
    }

    /// Adds a waiting job; `may_run` says whether its user is below its cap.
    pub(super) fn add(&mut self, slot: Slot, jobs: &mut Jobs, may_run: bool) {
        let job = *jobs.get(slot);
        self.order.insert(job.key, job.cost);
        let flow = self.flows.entry(job.user).or_default();
        let at = flow.waiting.partition_point(|other| jobs.get(*other).key.seq < job.key.seq);
        flow.waiting.insert(at, slot);
        self.refresh(job.user, jobs, may_run);
    }

    /// Removes a waiting job that ends here, wherever it stands.
    pub(super) fn remove(&mut self, slot: Slot, jobs: &mut Jobs, may_run: bool) {
        let user = jobs.get(slot).user;
        let Some(at) = self.take(slot, jobs) else { return };
        if at > 0 {
            self.close_gap(user, at, jobs);
        }
        self.refresh(user, jobs, may_run);
    }

    /// Removes the head that goes, and moves virtual time.
    pub(super) fn go(&mut self, slot: Slot, jobs: &mut Jobs) {
        let job = *jobs.get(slot);
        self.take(slot, jobs);
        self.virtual_time = self.virtual_time.max(job.key.tag);
        if let Some(flow) = self.flows.get_mut(&job.user)
            && !job.paid
        {
            flow.served = job.finish();
        }
    }

    /// Puts the user's head into the ready set, or takes it out.
    pub(super) fn refresh(&mut self, user: UserId, jobs: &mut Jobs, may_run: bool) {
        let Some(flow) = self.flows.get_mut(&user) else { return };
        let head = flow.waiting.front().copied().filter(|_| may_run);
        let key = head.map(|slot| jobs.get(slot).key);
        if key != flow.ready {
            if let Some(old) = flow.ready.take() {
                self.ready.remove(&(old, user));
            }
            if let Some(slot) = head {
                let start = self.virtual_time.max(flow.served);
                if !jobs.get(slot).paid {
                    chain(&mut self.order, jobs, &flow.waiting, 0, start);
                }
                let key = jobs.get(slot).key;
                self.ready.insert((key, user));
                flow.ready = Some(key);
            }
        }
        if flow.waiting.is_empty() && flow.served <= self.virtual_time {
            self.flows.remove(&user);
        }
    }

    /// The job that goes next.
    pub(super) fn head(&self) -> Option<Key> {
        self.ready.first().map(|(key, _)| *key)
    }

    /// How many of the user's own jobs stand before this one.
    pub(super) fn before_in_flow(&self, user: UserId, seq: JobSeq, jobs: &Jobs) -> u64 {
        let before = |flow: &Flow| flow.waiting.partition_point(|slot| jobs.get(*slot).key.seq < seq) as u64;
        self.flows.get(&user).map_or(0, before)
    }

    /// Forgets users without jobs whose tags are in the past. Call now and then.
    pub(super) fn sweep(&mut self) {
        let now = self.virtual_time;
        self.flows.retain(|_, flow| !flow.waiting.is_empty() || flow.served > now);
    }

    /// Takes a job out of the order and its user's chain; returns where it stood in the chain.
    fn take(&mut self, slot: Slot, jobs: &Jobs) -> Option<usize> {
        let job = jobs.get(slot);
        self.order.remove(job.key);
        let flow = self.flows.get_mut(&job.user)?;
        let seq = job.key.seq;
        let at = flow.waiting.binary_search_by_key(&seq, |other| jobs.get(*other).key.seq).ok()?;
        flow.waiting.remove(at);
        Some(at)
    }

    /// Moves the user's jobs from `at` on up to the job before them.
    fn close_gap(&mut self, user: UserId, at: usize, jobs: &mut Jobs) {
        let Some(flow) = self.flows.get(&user) else { return };
        let Some(before) = at.checked_sub(1).and_then(|before| flow.waiting.get(before)) else { return };
        if !jobs.get(*before).paid {
            let start = jobs.get(*before).finish();
            chain(&mut self.order, jobs, &flow.waiting, at, start);
        }
    }
}

/// Makes the tags from `at` on a chain that begins at `start`, as far as [`MOVED_MAX`] allows.
fn chain(order: &mut Ranked<Key, u32>, jobs: &mut Jobs, waiting: &VecDeque<Slot>, at: usize, start: u64) {
    let mut start = start;
    for slot in waiting.range(at..).take(MOVED_MAX) {
        let job = jobs.get_mut(*slot);
        if job.paid {
            continue;
        }
        if job.key.tag == start {
            return;
        }
        order.remove(job.key);
        job.key.tag = start;
        order.insert(job.key, job.cost);
        start = job.finish();
    }
}

/// A pool.
#[derive(Debug)]
pub(super) struct Pool {
    /// Its lanes, in order of preference.
    pub(super) lanes: Vec<usize>,
    /// The tiers, by [`Tier::index`](crate::domain::Tier::index).
    pub(super) tiers: [TierQueue; 4],
}

impl Pool {
    pub(super) fn new(lanes: Vec<usize>) -> Self {
        Self { lanes, tiers: [(); 4].map(|()| TierQueue::new(HashMap::new())) }
    }
}
