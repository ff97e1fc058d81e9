//! Jobs in back-off, and when each comes back.

use std::collections::{BTreeSet, HashMap};

use crate::domain::{JobSeq, Timestamp};

/// Bounded by the jobs that wait: each is here at most once.
#[derive(Debug, Default)]
pub(super) struct BackOffs {
    by_time: BTreeSet<(Timestamp, JobSeq)>,
    by_job: HashMap<JobSeq, Timestamp>,
}

impl BackOffs {
    /// Lets a job wait until `at`.
    pub(super) fn insert(&mut self, seq: JobSeq, at: Timestamp) {
        self.remove(seq);
        self.by_time.insert((at, seq));
        self.by_job.insert(seq, at);
    }

    /// Forgets a job, here or not.
    pub(super) fn remove(&mut self, seq: JobSeq) {
        if let Some(at) = self.by_job.remove(&seq) {
            self.by_time.remove(&(at, seq));
        }
    }

    /// When a job comes back; `None` when it is not here.
    pub(super) fn until(&self, seq: JobSeq) -> Option<Timestamp> {
        self.by_job.get(&seq).copied()
    }

    /// When the next job comes back.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Takes out a job that comes back by `now`.
    pub(super) fn take_due(&mut self, now: Timestamp) -> Option<JobSeq> {
        let (_, seq) = self.by_time.first().copied().filter(|(at, _)| *at <= now)?;
        self.remove(seq);
        Some(seq)
    }
}
