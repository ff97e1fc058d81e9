//! The jobs that may use the same lanes, in fair order.
//!
//! Inside a tier: start-time fair queueing over users. A job's start tag is fixed when it
//! arrives, `max(the tier's virtual time, its user's last finish tag)`, so the tier's order is
//! the order of tags: a thousand jobs of one user do not stand before another user's one. A user
//! at its cap is not in the ready set; its jobs keep their tags.

use std::collections::{BTreeSet, HashMap, VecDeque};

use crate::domain::{JobSeq, Tier, UserId};

use super::order::{Entry, Order};

/// A job's key in its tier's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) tag: u64,
    pub(super) seq: JobSeq,
}

/// One user's waiting jobs in one tier of one pool.
#[derive(Debug, Default)]
struct Flow {
    /// Sorted by sequence; jobs in back-off are not here.
    waiting: VecDeque<Key>,
    last_finish: u64,
    /// Its head as it stands in the ready set.
    ready: Option<Key>,
}

/// One tier of a pool.
#[derive(Debug, Default)]
pub(super) struct TierQueue {
    pub(super) order: Order,
    /// Heads of users that may run now, by tag.
    ready: BTreeSet<(Key, UserId)>,
    flows: HashMap<UserId, Flow>,
    /// Start tag of the job that went last.
    virtual_time: u64,
}

impl TierQueue {
    /// The tag of a job that arrives now.
    pub(super) fn tag(&mut self, user: UserId, cost: u32) -> u64 {
        let start_of_time = self.virtual_time;
        let flow = self.flows.entry(user).or_default();
        let start = start_of_time.max(flow.last_finish);
        flow.last_finish = start + u64::from(cost);
        start
    }

    /// Adds a waiting job; `may_run` says whether its user is below its cap.
    pub(super) fn add(&mut self, user: UserId, key: Key, cost: u32, may_run: bool) {
        self.order.insert(Entry { tag: key.tag, seq: key.seq.0, cost });
        let flow = self.flows.entry(user).or_default();
        let at = flow.waiting.partition_point(|other| other.seq < key.seq);
        flow.waiting.insert(at, key);
        self.refresh(user, may_run);
    }

    /// Removes a waiting job, wherever it stands.
    pub(super) fn remove(&mut self, user: UserId, key: Key, may_run: bool) {
        self.order.remove(key.tag, key.seq.0);
        if let Some(flow) = self.flows.get_mut(&user)
            && let Ok(at) = flow.waiting.binary_search_by_key(&key.seq, |other| other.seq)
        {
            flow.waiting.remove(at);
        }
        self.refresh(user, may_run);
    }

    /// Puts the user's head into the ready set, or takes it out.
    pub(super) fn refresh(&mut self, user: UserId, may_run: bool) {
        let Some(flow) = self.flows.get_mut(&user) else { return };
        let head = flow.waiting.front().copied().filter(|_| may_run);
        if head != flow.ready {
            if let Some(old) = flow.ready {
                self.ready.remove(&(old, user));
            }
            if let Some(new) = head {
                self.ready.insert((new, user));
            }
            flow.ready = head;
        }
        if flow.waiting.is_empty() && flow.last_finish <= self.virtual_time {
            self.flows.remove(&user);
        }
    }

    /// The job that goes next.
    pub(super) fn head(&self) -> Option<(Key, UserId)> {
        self.ready.first().copied()
    }

    /// Moves virtual time to a job that goes.
    pub(super) fn went(&mut self, tag: u64) {
        self.virtual_time = self.virtual_time.max(tag);
    }

    /// Place of the user's job among the user's own: how many of them stand before it.
    pub(super) fn before_in_flow(&self, user: UserId, seq: JobSeq) -> u64 {
        self.flows.get(&user).map_or(0, |flow| flow.waiting.partition_point(|key| key.seq < seq) as u64)
    }

    /// Forgets users without jobs whose tags are in the past. Call now and then.
    pub(super) fn sweep(&mut self) {
        let now = self.virtual_time;
        self.flows.retain(|_, flow| !flow.waiting.is_empty() || flow.last_finish > now);
    }
}

/// A pool.
#[derive(Debug)]
pub(super) struct Pool {
    /// Its lanes, in order of preference.
    pub(super) lanes: Vec<usize>,
    /// The tiers, by [`Tier::index`].
    pub(super) tiers: [TierQueue; 4],
}

impl Pool {
    pub(super) fn new(lanes: Vec<usize>) -> Self {
        Self { lanes, tiers: Default::default() }
    }

    pub(super) fn tier(&mut self, tier: Tier) -> &mut TierQueue {
        &mut self.tiers[tier.index()]
    }
}
