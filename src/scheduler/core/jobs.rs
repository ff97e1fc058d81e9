//! Every waiting job, in little memory: about 130 bytes each at a million, orders included.
//!
//! Jobs live in one arena and are named by their slot; the orders hold slots and keys. Each tier
//! has an index by sequence, which finds a job by its number and knows the tier's oldest.

use crate::domain::{JobId, JobSeq, Tier, Timestamp, UserId};

use super::ranked::Ranked;

/// A job's index in the arena.
pub(super) type Slot = u32;

/// A job's key in its tier's order: virtual start tag, then order of acceptance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) tag: u64,
    pub(super) seq: JobSeq,
}

/// A job as the core keeps it, waiting or in back-off. Kept small: there may be a million.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) id: JobId,
    pub(super) key: Key,
    pub(super) user: UserId,
    pub(super) created_at: Timestamp,
    /// [`NO_DEADLINE`] when there is none.
    pub(super) deadline_at: Timestamp,
    pub(super) estimated_input: u32,
    pub(super) max_tokens: u32,
    pub(super) cost: u32,
    pub(super) run: u32,
    /// Index into the interned models; 0: none asked.
    pub(super) model: u16,
    pub(super) strikes: u16,
    pub(super) tier: Tier,
    pub(super) pool: u8,
    /// It went once already: its user has paid for it, and it comes back to its old place.
    pub(super) paid: bool,
    pub(super) backing_off: bool,
}

/// The deadline of a job without one.
pub(super) const NO_DEADLINE: Timestamp = Timestamp(i64::MAX);

impl Waiting {
    /// The deadline, if there is one.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        (self.deadline_at != NO_DEADLINE).then_some(self.deadline_at)
    }

    /// The virtual finish tag among its user's jobs.
    pub(super) fn finish(&self) -> u64 {
        self.key.tag + u64::from(self.cost)
    }
}

/// The arena and its indexes.
#[derive(Debug)]
pub(super) struct Jobs {
    slots: Vec<Waiting>,
    free: Vec<Slot>,
    by_tier: [Ranked<(JobSeq, Slot), ()>; 4],
}

impl Jobs {
    /// An empty arena.
    pub(super) fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new(), by_tier: [const { Ranked::new() }; 4] }
    }

    /// Jobs.
    pub(super) fn len(&self) -> u64 {
        Tier::ALL.into_iter().map(|tier| self.waiting(tier)).sum()
    }

    /// Jobs of a tier.
    pub(super) fn waiting(&self, tier: Tier) -> u64 {
        self.by_tier[tier.index()].len() as u64
    }

    /// The tier's job that was accepted first.
    pub(super) fn oldest(&self, tier: Tier) -> Option<&Waiting> {
        self.by_tier[tier.index()].first().map(|(_, slot)| self.get(slot))
    }

    /// Where the job with this number is.
    pub(super) fn find(&self, seq: JobSeq) -> Option<Slot> {
        let entries = self.by_tier.iter().filter_map(|index| index.at_or_after((seq, 0)));
        entries.into_iter().find(|(found, _)| *found == seq).map(|(_, slot)| slot)
    }

    /// The job in a slot that is in use.
    pub(super) fn get(&self, slot: Slot) -> &Waiting {
        &self.slots[slot as usize]
    }

    /// The same, to change. Sequence and tier must stay.
    pub(super) fn get_mut(&mut self, slot: Slot) -> &mut Waiting {
        &mut self.slots[slot as usize]
    }

    /// Adds a job.
    pub(super) fn insert(&mut self, job: Waiting) -> Slot {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(job);
            // `queue.max_queued` is far below four billion.
            (self.slots.len() - 1) as Slot
        });
        self.slots[slot as usize] = job;
        self.by_tier[job.tier.index()].insert((job.key.seq, slot), ());
        slot
    }

    /// Removes a job from a slot in use.
    pub(super) fn remove(&mut self, slot: Slot) -> Waiting {
        let job = self.slots[slot as usize];
        self.by_tier[job.tier.index()].remove((job.key.seq, slot));
        self.free.push(slot);
        job
    }
}
