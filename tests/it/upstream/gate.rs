//! A gate that holds calls until the test lets them go.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// Closed at first. Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Semaphore>);

impl Gate {
    /// A closed gate.
    pub fn closed() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    /// Lets everyone pass, for ever.
    pub fn open(&self) {
        self.0.close();
    }

    /// Lets `n` pass, those who wait longest first.
    pub fn let_pass(&self, n: usize) {
        self.0.add_permits(n);
    }

    /// Waits until it may pass.
    pub(super) async fn pass(self) {
        if let Ok(permit) = self.0.acquire().await {
            permit.forget();
        }
    }
}
