//! Ending a request on its user's word.

use crate::domain::JobId;
use crate::store::commands::{Cancellation, Owner};
use crate::store::{Priority, StoreError};

use super::Queue;

impl Queue {
    /// Cancels a waiting or running request. A running call is closed as soon as the
    /// cancellation is on disk.
    ///
    /// # Errors
    /// What the store reports; then nothing changed.
    pub async fn cancel(&self, id: JobId, owner: Owner) -> Result<Cancellation, StoreError> {
        let now = self.now();
        self.inner.writer.write(Priority::Control, 0, move |commands| commands.cancel(id, owner, now)).await
    }
}
