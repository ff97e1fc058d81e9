//! The whole queue's figures.

use crate::domain::limits::{Overview, TierOverview};
use crate::domain::{JobSeq, Tier, Timestamp};

use super::Core;

/// How much the core holds; each is bounded by the jobs that live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Users with jobs.
    pub users: usize,
    /// Jobs in back-off or parked.
    pub back_offs: usize,
    /// Runs that are not over.
    pub runs: usize,
}

impl Core {
    /// How much is held.
    pub fn held(&self) -> Held {
        Held { users: self.users.len(), back_offs: self.back_offs.len(), runs: self.runs.len() }
    }

    /// Whether a run of this job is not over.
    pub fn is_running(&self, seq: JobSeq) -> bool {
        self.runs.contains_key(&seq)
    }

    /// Whether this job waits, in the order or in back-off.
    pub fn waits(&self, seq: JobSeq) -> bool {
        self.jobs.find(seq).is_some()
    }

    /// The figures at `now`.
    pub fn overview(&mut self, now: Timestamp) -> Overview {
        self.notice(now);
        self.lanes.iter_mut().for_each(|lane| lane.advance(now));
        let tier = |tier: Tier| {
            let oldest = self.jobs.oldest(tier);
            TierOverview {
                queued: self.jobs.waiting(tier),
                processing: self.running_by_tier[tier.index()].into(),
                oldest_wait_seconds: oldest.map_or(0, |job| now.since(job.created_at).as_secs()),
            }
        };
        Overview {
            depth: self.waiting(),
            processing: self.runs.len() as u64,
            paused: self.paused,
            by_tier: Tier::ALL.into_iter().map(|t| (t.name(), tier(t))).collect(),
            upstreams: self.lanes.iter().map(|lane| lane.status(now)).collect(),
            estimated_drain_seconds: self.drain_seconds(now),
            throughput_per_minute: self.pace.a_minute(now),
        }
    }
}
