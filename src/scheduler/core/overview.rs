//! The whole queue's figures.

use crate::domain::limits::{Overview, TierOverview};
use crate::domain::{Tier, Timestamp};

use super::Core;

impl Core {
    /// The figures at `now`.
    pub fn overview(&mut self, now: Timestamp) -> Overview {
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
