//! What a start does with what the last stop, or crash, left behind.

use std::collections::HashSet;

use crate::domain::change::Follower;
use crate::domain::{JobSeq, QueuedJob};
use crate::store::StoreError;
use crate::store::reads::LiveCharge;
use crate::store::retention::CALL_COUNTS;

use super::Queue;

/// What the scheduler must know before its first decision.
#[derive(Debug)]
pub struct Recovery {
    /// Jobs that were running: they wait again, in the order of their arrival.
    pub put_back: Vec<QueuedJob>,
    /// Jobs that share the calls of others.
    pub followers: Vec<Follower>,
    /// Charges of earlier calls that may still count upstream.
    pub charges: Vec<LiveCharge>,
    /// Whether the operator paused the queue.
    pub paused: bool,
}

impl Queue {
    /// Puts every job that was running back to its place. Blocks; call once, before the
    /// scheduler begins.
    ///
    /// # Errors
    /// What the store reports.
    pub fn recover(&self) -> Result<Recovery, StoreError> {
        let now = self.now();
        let recovered = self.inner.writer.write_blocking(move |commands| commands.recover(now))?;
        let reads = self.inner.reader.blocking();
        let since = now.before(CALL_COUNTS);
        Ok(Recovery {
            put_back: reads.queued(&recovered.requeued)?,
            followers: reads.followers()?,
            charges: reads.live_charges(since)?,
            paused: reads.paused()?,
        })
    }

    /// Hands every job that waits for a call of its own over in the order of arrival, but for those
    /// that the scheduler knows or hears of by itself: they may run by now. Blocks; nothing may be
    /// submitted meanwhile.
    ///
    /// # Errors
    /// What the store reports.
    pub fn backlog(
        &self,
        known: &HashSet<JobSeq>,
        hand_over: &mut dyn FnMut(QueuedJob),
    ) -> Result<(), StoreError> {
        self.inner.reader.blocking().each_queued(&mut |job| {
            if !known.contains(&job.seq) {
                hand_over(job);
            }
        })
    }
}
