//! Reads from the runtime: on blocking threads, as many at once as the backend has connections.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::{Reads, StoreError};

/// A handle for reading; cheap to clone.
#[derive(Clone)]
pub struct Reader {
    reads: Arc<dyn Reads>,
    permits: Arc<Semaphore>,
}

impl Reader {
    /// Reads through `reads`, at most `at_once` at a time; more wait their turn.
    pub fn new(reads: Arc<dyn Reads>, at_once: usize) -> Self {
        Self { reads, permits: Arc::new(Semaphore::new(at_once)) }
    }

    /// Runs one read without blocking the runtime.
    ///
    /// # Errors
    /// What the read reports; [`StoreError::Closed`] when the runtime stops.
    pub async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&dyn Reads) -> Result<T, StoreError> + Send + 'static,
    {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let reads = Arc::clone(&self.reads);
        let running = tokio::task::spawn_blocking(move || {
            let outcome = work(reads.as_ref());
            drop(permit);
            outcome
        });
        running.await.unwrap_or(Err(StoreError::Closed))
    }

    /// The reads themselves, for callers that may block.
    pub fn blocking(&self) -> &dyn Reads {
        self.reads.as_ref()
    }
}
