//! Where drawing happens: on threads of its own, few at once, with a bounded number that waits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::diagram::picture::Undrawn;

use super::turns::{Place, Turn, Turns};

/// What drawing may take beyond its deadline, which it looks at only now and then. After that
/// nobody waits for it any more; its thread counts until it ends.
const GRACE: Duration = Duration::from_secs(3);
/// Layout is recursive. Only what is used of it is real memory.
const STACK_BYTES: usize = 32 << 20;

/// The threads.
pub struct Threads {
    turns: Turns,
}

impl Threads {
    /// At most `at_once` pictures are drawn at the same time.
    pub fn new(at_once: usize) -> Self {
        Self { turns: Turns::new(at_once, 0) }
    }

    /// A place for one picture.
    ///
    /// # Errors
    /// [`Undrawn::Busy`].
    pub fn place(&self, caller: i64) -> Result<Place, Undrawn> {
        self.turns.place(caller)
    }

    /// A turn at drawing.
    ///
    /// # Errors
    /// [`Undrawn::Busy`] after ten seconds.
    pub async fn turn(&self, place: &Place) -> Result<Turn, Undrawn> {
        self.turns.turn(place).await
    }

    /// Runs `work`, which keeps to `deadline` itself, on a thread of its own.
    ///
    /// # Errors
    /// What `work` says; a fault when it panics or the system gives no thread.
    pub async fn run<T: Send + 'static>(
        &self,
        place: &Place,
        deadline: Duration,
        work: impl FnOnce() -> Result<T, Undrawn> + Send + 'static,
    ) -> Result<T, Undrawn> {
        let turn = self.turn(place).await?;
        let (reply, answer) = oneshot::channel();
        let body = move || {
            let _turn = turn;
            let outcome = catch_unwind(AssertUnwindSafe(work));
            // Whoever asked may have gone meanwhile.
            let _ = reply.send(outcome.unwrap_or_else(|_| Err(Undrawn::Fault("it panicked".to_owned()))));
        };
        std::thread::Builder::new()
            .name("draw".into())
            .stack_size(STACK_BYTES)
            .spawn(body)
            .map_err(|reason| Undrawn::Fault(format!("the system gives no thread: {reason}")))?;
        match tokio::time::timeout(deadline + GRACE, answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(Undrawn::Fault("its thread is gone".to_owned())),
            Err(_) => {
                tracing::error!("a drawing goes on long after its deadline; its thread counts until it ends");
                Err(Undrawn::TooSlow(deadline))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEADLINE: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_panic_is_a_fault_and_nothing_more() {
        let threads = Threads::new(1);
        let place = threads.place(1).unwrap();
        let outcome = threads.run(&place, DEADLINE, || -> Result<(), Undrawn> { panic!("oh") }).await;
        assert!(matches!(outcome, Err(Undrawn::Fault(_))), "{outcome:?}");
        assert_eq!(threads.run(&place, DEADLINE, || Ok(7)).await, Ok(7), "the turn was given back");
    }
}
