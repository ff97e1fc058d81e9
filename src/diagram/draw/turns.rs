//! Whose turn it is at what few can have at once: a bounded number waits, no caller takes all of
//! it, and what is generated never waits behind what callers ask for.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::diagram::picture::Undrawn;

/// What callers ask for that waits or has its turn; more is refused.
const PLACES: usize = 64;
/// That of one caller.
const PLACES_OF_ONE_MAX: u32 = 16;
/// How long a caller's waits for its turn before it is refused.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// The turns.
pub struct Turns {
    all: Arc<Semaphore>,
    asked: Arc<Semaphore>,
    of_one: usize,
    places: Arc<Semaphore>,
    callers: Callers,
}

type Callers = Arc<Mutex<HashMap<i64, OfOne>>>;

/// What one caller has.
struct OfOne {
    places: u32,
    turns: Arc<Semaphore>,
}

/// A turn, given back when it is dropped.
pub struct Turn {
    _held: Vec<OwnedSemaphorePermit>,
}

/// A place among what waits or has its turn, given back when it is dropped.
pub struct Place {
    caller: i64,
    callers: Callers,
    turns: Arc<Semaphore>,
    _place: OwnedSemaphorePermit,
}

impl Turns {
    /// `at_once` turns, `generated` of them for nothing but what is generated. All that are left
    /// but one are for a single caller at the most, so that there is always one for the others.
    pub fn new(at_once: usize, generated: usize) -> Self {
        let asked = at_once.saturating_sub(generated).max(1);
        Self {
            all: Arc::new(Semaphore::new(at_once)),
            asked: Arc::new(Semaphore::new(asked)),
            of_one: asked.saturating_sub(1).max(1),
            places: Arc::new(Semaphore::new(PLACES)),
            callers: Arc::default(),
        }
    }

    /// A place for what a caller asks for.
    ///
    /// # Errors
    /// [`Undrawn::Busy`].
    pub fn place(&self, caller: i64) -> Result<Place, Undrawn> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Undrawn::Busy)?;
        let mut callers = self.callers.lock();
        let of_one = callers
            .entry(caller)
            .or_insert_with(|| OfOne { places: 0, turns: Arc::new(Semaphore::new(self.of_one)) });
        if of_one.places >= PLACES_OF_ONE_MAX {
            return Err(Undrawn::Busy);
        }
        of_one.places += 1;
        let turns = Arc::clone(&of_one.turns);
        drop(callers);
        Ok(Place { caller, callers: Arc::clone(&self.callers), turns, _place: place })
    }

    /// The turn of what a caller asks for.
    ///
    /// # Errors
    /// [`Undrawn::Busy`] after ten seconds.
    pub async fn turn(&self, place: &Place) -> Result<Turn, Undrawn> {
        let taken = taken([&place.turns, &self.asked, &self.all]);
        tokio::time::timeout(WAIT_MAX, taken).await.ok().flatten().ok_or(Undrawn::Busy)
    }

    /// The turn of what is generated: it is paid for, so it waits as long as that takes, and whoever
    /// waits for it says when that is over.
    ///
    /// # Errors
    /// None that can happen: the turns are never closed.
    pub async fn turn_of_generated(&self) -> Result<Turn, Undrawn> {
        taken([&self.all]).await.ok_or(Undrawn::Busy)
    }
}

/// One of each, in this order; what is given back meanwhile goes to who waits longest.
async fn taken<const N: usize>(semaphores: [&Arc<Semaphore>; N]) -> Option<Turn> {
    let mut held = Vec::with_capacity(N);
    for semaphore in semaphores {
        held.push(Arc::clone(semaphore).acquire_owned().await.ok()?);
    }
    Some(Turn { _held: held })
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

    #[test]
    fn one_caller_cannot_take_every_place() {
        let turns = Turns::new(1, 0);
        let first: Vec<_> = (0..PLACES_OF_ONE_MAX).map(|_| turns.place(1).unwrap()).collect();
        assert_eq!(turns.place(1).err(), Some(Undrawn::Busy));
        let mut others = Vec::new();
        for caller in 2..5 {
            others.extend((0..PLACES_OF_ONE_MAX).map(|_| turns.place(caller).unwrap()));
        }
        assert_eq!(turns.place(9).err(), Some(Undrawn::Busy), "the server's places are taken");
        drop(first);
        assert!(turns.place(1).is_ok());
        drop(others);
        assert!(turns.callers.lock().is_empty(), "who has none is not remembered");
    }

    #[tokio::test(start_paused = true)]
    async fn one_caller_cannot_take_every_turn_and_what_waits_too_long_is_refused() {
        let turns = Turns::new(2, 0);
        let (first, other) = (turns.place(1).unwrap(), turns.place(2).unwrap());
        let turn = turns.turn(&first).await.unwrap();
        assert_eq!(turns.turn(&first).await.err(), Some(Undrawn::Busy));
        assert!(turns.turn(&other).await.is_ok(), "one turn is left for others");
        drop(turn);
        assert!(turns.turn(&first).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_generated_has_a_turn_of_its_own_and_is_never_refused() {
        let turns = Arc::new(Turns::new(3, 1));
        let (first, other) = (turns.place(1).unwrap(), turns.place(2).unwrap());
        let asked = (turns.turn(&first).await.unwrap(), turns.turn(&other).await.unwrap());
        let third = turns.place(3).unwrap();
        assert_eq!(turns.turn(&third).await.err(), Some(Undrawn::Busy), "the last is not for callers");
        let generated = turns.turn_of_generated().await.unwrap();
        let waits = tokio::spawn({
            let turns = Arc::clone(&turns);
            async move { turns.turn_of_generated().await.is_ok() }
        });
        tokio::time::advance(100 * WAIT_MAX).await;
        assert!(!waits.is_finished(), "it waits on");
        drop(asked);
        assert!(waits.await.unwrap());
        drop(generated);
    }
}
