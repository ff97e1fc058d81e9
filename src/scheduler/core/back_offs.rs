//! Jobs that wait outside the order: in back-off until a time, or parked while their lanes are
//! down.
//!
//! A parked job has had its turn at probing. It comes back when a lane of its pool opens, or as
//! the next probe when no other job can be that, the one parked longest first.

use std::collections::{BTreeSet, HashMap};

use crate::domain::{JobSeq, Timestamp};

/// Bounded by the jobs that wait: each is here at most once.
#[derive(Debug, Default)]
pub(super) struct BackOffs {
    by_time: BTreeSet<(Timestamp, JobSeq)>,
    /// By pool, in order of parking.
    parked: BTreeSet<(u8, u64, JobSeq)>,
    parked_so_far: u64,
    parked_by_pool: HashMap<u8, usize>,
    by_job: HashMap<JobSeq, Stay>,
}

#[derive(Clone, Copy, Debug)]
struct Stay {
    until: Timestamp,
    /// Pool and turn of a parked job.
    parked: Option<(u8, u64)>,
}

impl BackOffs {
    /// Lets a job wait until `at`.
    pub(super) fn insert(&mut self, seq: JobSeq, at: Timestamp) {
        self.remove(seq);
        self.by_time.insert((at, seq));
        self.by_job.insert(seq, Stay { until: at, parked: None });
    }

    /// Parks a job of a pool; `until` is what its user is told.
    pub(super) fn park(&mut self, seq: JobSeq, pool: u8, until: Timestamp) {
        self.remove(seq);
        self.parked_so_far += 1;
        self.parked.insert((pool, self.parked_so_far, seq));
        *self.parked_by_pool.entry(pool).or_default() += 1;
        self.by_job.insert(seq, Stay { until, parked: Some((pool, self.parked_so_far)) });
    }

    /// Forgets a job, here or not.
    pub(super) fn remove(&mut self, seq: JobSeq) {
        let Some(stay) = self.by_job.remove(&seq) else { return };
        if let Some((pool, turn)) = stay.parked {
            self.parked.remove(&(pool, turn, seq));
            self.parked_by_pool.entry(pool).and_modify(|count| *count -= 1);
        } else {
            self.by_time.remove(&(stay.until, seq));
        }
    }

    /// When a job comes back, as far as is known; `None` when it is not here.
    pub(super) fn until(&self, seq: JobSeq) -> Option<Timestamp> {
        self.by_job.get(&seq).map(|stay| stay.until)
    }

    /// When the next job comes back by time.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// When the last job comes back, as far as is known.
    pub(super) fn last(&self) -> Option<Timestamp> {
        let by_time = self.by_time.last().map(|(at, _)| *at);
        // Few: one is parked with each probe that fails.
        let parked = self.parked.iter().filter_map(|(_, _, seq)| self.until(*seq)).max();
        by_time.max(parked)
    }

    /// Takes out a job that comes back by `now`.
    pub(super) fn take_due(&mut self, now: Timestamp) -> Option<JobSeq> {
        let (_, seq) = self.by_time.first().copied().filter(|(at, _)| *at <= now)?;
        self.remove(seq);
        Some(seq)
    }

    /// How many jobs of a pool are parked.
    pub(super) fn parked_in(&self, pool: u8) -> usize {
        self.parked_by_pool.get(&pool).copied().unwrap_or(0)
    }

    /// Whether a pool has parked jobs.
    pub(super) fn has_parked(&self, pool: u8) -> bool {
        self.parked_in(pool) > 0
    }

    /// Takes out the job of a pool that was parked first.
    pub(super) fn take_parked(&mut self, pool: u8) -> Option<JobSeq> {
        let seq = self.first_parked(pool)?;
        self.remove(seq);
        Some(seq)
    }

    /// Jobs here.
    pub(super) fn len(&self) -> usize {
        self.by_job.len()
    }

    /// The clock was set: waits keep their length.
    pub(super) fn shift(&mut self, by_ms: i64) {
        self.by_time = self.by_time.iter().map(|(at, seq)| (at.moved(by_ms), *seq)).collect();
        self.by_job.values_mut().for_each(|stay| stay.until = stay.until.moved(by_ms));
    }

    /// The job of a pool that was parked first.
    pub(super) fn first_parked(&self, pool: u8) -> Option<JobSeq> {
        let first = self.parked.range((pool, 0, JobSeq(i64::MIN))..).next()?;
        (first.0 == pool).then_some(first.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parked_jobs_come_back_in_turn_and_by_pool() {
        let mut back_offs = BackOffs::default();
        back_offs.park(JobSeq(5), 1, Timestamp(9));
        back_offs.park(JobSeq(3), 0, Timestamp(9));
        back_offs.park(JobSeq(1), 1, Timestamp(9));
        back_offs.insert(JobSeq(2), Timestamp(7));
        assert_eq!(back_offs.take_due(Timestamp(100)), Some(JobSeq(2)));
        assert_eq!(back_offs.take_due(Timestamp(100)), None, "parked jobs do not come back by time");
        assert_eq!(back_offs.take_parked(1), Some(JobSeq(5)));
        assert_eq!(back_offs.take_parked(1), Some(JobSeq(1)));
        assert_eq!(back_offs.take_parked(1), None);
        assert!(back_offs.has_parked(0));
        back_offs.insert(JobSeq(3), Timestamp(8));
        assert!(!back_offs.has_parked(0), "a job is in one place");
        assert_eq!(back_offs.last(), Some(Timestamp(8)));
        back_offs.shift(-5);
        assert_eq!(back_offs.next(), Some(Timestamp(3)));
        back_offs.remove(JobSeq(3));
        assert_eq!(back_offs.len(), 0);
    }
}
