//! Places: where a waiting job stands, by water-filling.
//!
//! The job's own finish tag follows from the cost that stands before it in its tier. What other
//! tiers finish by that tag goes before it. Two binary searches and a sum for each tier: about a
//! microsecond each at a million.

use crate::domain::limits::Place;
use crate::domain::{JobId, JobSeq, Tier, Timestamp};

use super::Core;
use super::jobs::Waiting;
use super::pool::Pool;

impl Core {
    /// A waiting job's place; `None` when it does not wait.
    pub fn place(&self, seq: JobSeq, now: Timestamp) -> Option<Place> {
        let job = self.jobs.get(self.jobs.find(seq)?);
        let position = self.position(job);
        let estimated_wait_seconds = self.estimated_wait(job, position, now);
        Some(Place { position, estimated_wait_seconds, paused: self.is_paused_for(job) })
    }

    /// The first `count` waiting jobs in order, with their places.
    pub fn front(&self, count: usize, now: Timestamp) -> Vec<(JobId, Place)> {
        let heads = self.pools.iter().flat_map(|pool| pool.tiers.iter());
        let first = heads.flat_map(|tier| tier.order.iter().take(count));
        let mut front: Vec<(JobId, Place)> = first
            .filter_map(|key| {
                let job = self.jobs.get(self.jobs.find(key.seq)?);
                Some((job.id, self.place(key.seq, now)?))
            })
            .collect();
        front.sort_by_key(|(_, place)| place.position);
        front.truncate(count);
        front
    }

    /// 1-based. A job in back-off has the place it will come back to.
    fn position(&self, job: &Waiting) -> u64 {
        let pool = &self.pools[usize::from(job.pool)];
        let own = pool.tiers[job.tier.index()].order.ahead_of(job.key);
        let finish = self.shares.finish_after(job.tier, own.weight + u64::from(job.cost));
        let others = Tier::ALL.into_iter().filter(|tier| *tier != job.tier);
        let before =
            others.map(|tier| self.finishing_before(pool, tier, finish, tier > job.tier)).sum::<u64>();
        own.count + before + 1
    }

    fn finishing_before(&self, pool: &Pool, tier: Tier, finish: u128, ties_win: bool) -> u64 {
        let order = &pool.tiers[tier.index()].order;
        if order.len() == 0 {
            return 0;
        }
        order.within(self.shares.work_by(tier, finish, ties_win))
    }
}
