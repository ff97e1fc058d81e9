//! What a start does with what the last stop, or crash, left behind.

use crate::domain::QueuedJob;
use crate::store::StoreError;
use crate::store::commands::{LiveCharge, Recovered};

use super::Queue;

/// Longest life of a charge after its call's end: a minute and the largest network margin.
const CHARGE_LIFE_MS: i64 = 60_000 + 60_000;

/// What the scheduler must know before its first decision.
#[derive(Debug)]
pub struct Backlog {
    /// What had to be put right.
    pub recovered: Recovered,
    /// Charges of earlier calls that may still count upstream.
    pub charges: Vec<LiveCharge>,
    /// Whether the operator paused the queue.
    pub paused: bool,
}

impl Queue {
    /// Puts every job that was running back to its place and hands all waiting jobs over, in
    /// order. Blocks; call once, before the scheduler begins.
    ///
    /// # Errors
    /// What the store reports.
    pub fn recover(&self, hand_over: &mut dyn FnMut(QueuedJob)) -> Result<Backlog, StoreError> {
        let now = self.now();
        let recovered = self.inner.writer.write_blocking(move |commands| commands.recover(now))?;
        let reads = self.inner.reader.blocking();
        reads.each_queued(hand_over)?;
        let since = crate::domain::Timestamp(now.0.saturating_sub(CHARGE_LIFE_MS));
        Ok(Backlog { recovered, charges: reads.live_charges(since)?, paused: reads.paused()? })
    }
}
