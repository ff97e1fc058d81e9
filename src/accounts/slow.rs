//! Work that is slow on purpose: argon2 takes 19 MiB and tens of milliseconds each time, so that
//! only a few run at once, off the runtime's own threads, and only some wait.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::AccountError;

/// At once.
const AT_ONCE: usize = 2;
/// Waiting, running ones included.
const WAITING_MAX: usize = 64;

#[derive(Debug)]
pub(super) struct Slow {
    places: Semaphore,
    turns: Arc<Semaphore>,
}

impl Default for Slow {
    fn default() -> Self {
        Self { places: Semaphore::new(WAITING_MAX), turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Slow {
    /// Runs `work` in its turn.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AccountError> {
        let _place = self.places.try_acquire().map_err(|_| AccountError::Busy)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| AccountError::Busy)?;
        // The turn goes with the work: a caller who goes away does not make room for another.
        let running = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        running.await.map_err(|reason| AccountError::Hashing(reason.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn only_some_wait_and_the_next_is_turned_away() {
        let slow = Arc::new(Slow::default());
        let (open, gate) = mpsc::channel::<()>();
        let gate = Arc::new(parking_lot::Mutex::new(gate));
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..WAITING_MAX {
            let (slow, gate) = (Arc::clone(&slow), Arc::clone(&gate));
            waiting.spawn(async move { slow.run(move || gate.lock().recv().is_ok()).await });
        }
        while slow.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(slow.turns.available_permits(), 0);
        assert!(matches!(slow.run(|| ()).await, Err(AccountError::Busy)));
        for _ in 0..WAITING_MAX {
            open.send(()).unwrap();
        }
        for done in waiting.join_all().await {
            assert!(done.unwrap());
        }
        assert!(slow.run(|| ()).await.is_ok());
    }
}
