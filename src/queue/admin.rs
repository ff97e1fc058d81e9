//! The operator's moves: pause, resume, try a failed request again, delete what is too old.

use crate::domain::limits::Place;
use crate::domain::{Change, JobId, Tier, UserId};
use crate::store::retention::{Ages, Keep, Stale, StaleKind};
use crate::store::{Priority, StoreError};

use super::{Queue, Receipt};

/// Rows of a kind that are looked for at once.
const STALE_AT_ONCE: u32 = 1000;

impl Queue {
    /// Stops or starts claiming; survives a restart. Resuming also opens every paused upstream.
    ///
    /// # Errors
    /// What the store reports; then nothing changed.
    pub async fn set_paused(&self, paused: bool) -> Result<(), StoreError> {
        self.inner.writer.write(Priority::Control, 0, move |commands| commands.set_paused(paused)).await?;
        if !paused && let Some(scheduler) = self.inner.scheduler.get() {
            scheduler.resume_lanes();
        }
        Ok(())
    }

    /// Runs an empty transaction: returns when the store takes writes.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn probe(&self) -> Result<(), StoreError> {
        let at = self.now();
        self.inner.writer.write(Priority::Control, 0, move |commands| commands.heartbeat(at)).await
    }

    /// Tells the scheduler of a user's tier that another process changed.
    pub fn user_changed(&self, user: UserId, tier: Tier) {
        if let Some(scheduler) = self.inner.scheduler.get() {
            scheduler.committed(&[Change::UserChanged { user, tier }]);
        }
    }

    /// Queues a failed request again, at its old place, at no charge to its user; `None` when
    /// there is no such failed request.
    ///
    /// # Errors
    /// What the store reports; then nothing changed.
    pub async fn retry_failed(&self, id: JobId) -> Result<Option<Receipt>, StoreError> {
        let now = self.now();
        let job = self
            .inner
            .writer
            .write(Priority::Control, 0, move |commands| commands.retry_failed(id, now))
            .await?;
        Ok(job.map(|job| Receipt {
            id,
            seq: job.seq,
            state: job.state,
            // A job that is claimed already was first in line.
            place: Some(self.place(job.seq).unwrap_or(Place::NEXT)),
            created_at: job.created_at,
            counts: None,
            replayed: false,
        }))
    }

    /// What of this kind is too old: at most so many that looking for them again is no waste.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn stale(&self, kind: StaleKind, keep: Keep) -> Result<(Ages, Vec<Stale>), StoreError> {
        let ages = Ages::at(self.now(), keep);
        let stale = self.inner.reader.read(move |reads| reads.stale(kind, &ages, STALE_AT_ONCE)).await?;
        Ok((ages, stale))
    }

    /// Deletes a few of what [`Queue::stale`] found, behind whatever waits for the writer. Returns
    /// how many are gone.
    ///
    /// # Errors
    /// What the store reports; [`StoreError::Busy`] when others come first. Then none are gone.
    pub async fn purge(&self, ages: Ages, few: Vec<Stale>) -> Result<u32, StoreError> {
        self.inner.writer.write(Priority::Submit, 0, move |commands| commands.purge(&few, &ages)).await
    }
}
