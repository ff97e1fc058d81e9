//! Where drawing happens: on threads of its own, few at once, with a bounded number that waits.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::diagram::picture::Undrawn;

/// Pictures that wait or are drawn; more are refused.
const PLACES: usize = 64;
/// Those of one caller.
const PLACES_OF_ONE_MAX: u32 = 16;
/// How long a picture waits for its turn before it is refused.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// What drawing may take beyond its deadline, which it looks at only now and then. After that
/// nobody waits for it any more; its thread counts until it ends.
const GRACE: Duration = Duration::from_secs(3);
/// Layout is recursive. Only what is used of it is real memory.
const STACK_BYTES: usize = 32 << 20;

/// The threads.
pub struct Threads {
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    at_once: usize,
    callers: Callers,
}

type Callers = Arc<Mutex<HashMap<i64, OfOne>>>;

/// What one caller has.
struct OfOne {
    places: u32,
    turns: Arc<Semaphore>,
}

/// A turn at drawing, given back when it is dropped.
pub struct Turn {
    _turn: OwnedSemaphorePermit,
    _of_one: OwnedSemaphorePermit,
}

/// A place among those that wait or are drawn, given back when it is dropped.
pub struct Place {
    caller: i64,
    callers: Callers,
    turns: Arc<Semaphore>,
    _place: OwnedSemaphorePermit,
}

impl Threads {
    /// At most `at_once` pictures are drawn at the same time.
    pub fn new(at_once: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(PLACES)),
            turns: Arc::new(Semaphore::new(at_once)),
            at_once,
            callers: Arc::default(),
        }
    }

    /// A place for one picture.
    ///
    /// # Errors
    /// [`Undrawn::Busy`].
    pub fn place(&self, caller: i64) -> Result<Place, Undrawn> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Undrawn::Busy)?;
        let mut callers = self.callers.lock();
        // All turns but one: whatever one caller asks for, there is one left for others.
        let turns_of_one = self.at_once.saturating_sub(1).max(1);
        let of_one = callers
            .entry(caller)
            .or_insert_with(|| OfOne { places: 0, turns: Arc::new(Semaphore::new(turns_of_one)) });
        if of_one.places >= PLACES_OF_ONE_MAX {
            return Err(Undrawn::Busy);
        }
        of_one.places += 1;
        let turns = Arc::clone(&of_one.turns);
        drop(callers);
        Ok(Place { caller, callers: Arc::clone(&self.callers), turns, _place: place })
    }

    /// A turn at drawing.
    ///
    /// # Errors
    /// [`Undrawn::Busy`] after ten seconds.
    pub async fn turn(&self, place: &Place) -> Result<Turn, Undrawn> {
        let both = async {
            let of_one = Arc::clone(&place.turns).acquire_owned().await.ok()?;
            let turn = Arc::clone(&self.turns).acquire_owned().await.ok()?;
            Some(Turn { _turn: turn, _of_one: of_one })
        };
        tokio::time::timeout(WAIT_MAX, both).await.ok().flatten().ok_or(Undrawn::Busy)
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

impl Drop for Place {
    fn drop(&mut self) {
        let mut callers = self.callers.lock();
        if let Some(of_one) = callers.get_mut(&self.caller) {
            of_one.places -= 1;
            if of_one.places == 0 {
                callers.remove(&self.caller);
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

    #[test]
    fn one_caller_cannot_take_every_place() {
        let threads = Threads::new(1);
        let first: Vec<_> = (0..PLACES_OF_ONE_MAX).map(|_| threads.place(1).unwrap()).collect();
        assert_eq!(threads.place(1).err(), Some(Undrawn::Busy));
        let mut others = Vec::new();
        for caller in 2..5 {
            others.extend((0..PLACES_OF_ONE_MAX).map(|_| threads.place(caller).unwrap()));
        }
        assert_eq!(threads.place(9).err(), Some(Undrawn::Busy), "the server's places are taken");
        drop(first);
        assert!(threads.place(1).is_ok());
        drop(others);
        assert!(threads.callers.lock().is_empty(), "who has none is not remembered");
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_too_long_is_refused() {
        let threads = Threads::new(2);
        let (first, other) = (threads.place(1).unwrap(), threads.place(2).unwrap());
        let turn = threads.turn(&first).await.unwrap();
        assert_eq!(threads.run(&first, DEADLINE, || Ok(())).await, Err(Undrawn::Busy));
        assert!(threads.turn(&other).await.is_ok(), "one turn is left for others");
        drop(turn);
        assert!(threads.turn(&first).await.is_ok());
    }
}
