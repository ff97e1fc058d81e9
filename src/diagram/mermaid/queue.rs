//! What waits for a process, and whose turn it is. Plain data behind the pool's lock.

use std::collections::VecDeque;

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::diagram::check::{Purpose, Report};

/// A source that waits for its verdict.
pub struct Task {
    /// The source.
    pub source: String,
    /// For whom.
    pub purpose: Purpose,
    /// Where the verdict goes; closed when nobody waits any more.
    pub reply: oneshot::Sender<Report>,
    /// Its place in the queue, given back when the task is done.
    pub place: OwnedSemaphorePermit,
}

/// The waiting tasks: generated ones first, then those of callers, in the order they came, but
/// one whose caller has another one running lets others pass.
#[derive(Default)]
pub struct Queue {
    generated: VecDeque<Task>,
    asked: VecDeque<Task>,
    running: Vec<i64>,
}

impl Queue {
    /// Tasks that wait.
    pub fn len(&self) -> usize {
        self.generated.len() + self.asked.len()
    }

    /// What of `caller` waits or runs.
    pub fn of(&self, caller: i64) -> usize {
        let waits = self.asked.iter().filter(|task| task.purpose == Purpose::Asked(caller)).count();
        waits + self.running.iter().filter(|running| **running == caller).count()
    }

    /// One more.
    pub fn push(&mut self, task: Task) {
        match task.purpose {
            Purpose::Generated => self.generated.push_back(task),
            Purpose::Asked(_) => self.asked.push_back(task),
        }
    }

    /// The next one; [`Queue::done`] must be called when it has its verdict.
    pub fn pop(&mut self) -> Option<Task> {
        if let Some(task) = self.generated.pop_front() {
            return Some(task);
        }
        let rested = |task: &Task| match task.purpose {
            Purpose::Asked(caller) => !self.running.contains(&caller),
            Purpose::Generated => true,
        };
        let next = self.asked.iter().position(rested).unwrap_or(0);
        let task = self.asked.remove(next)?;
        if let Purpose::Asked(caller) = task.purpose {
            self.running.push(caller);
        }
        Some(task)
    }

    /// A popped task is over.
    pub fn done(&mut self, purpose: Purpose) {
        let Purpose::Asked(caller) = purpose else { return };
        if let Some(at) = self.running.iter().position(|running| *running == caller) {
            self.running.swap_remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;

    fn task(purpose: Purpose) -> Task {
        let places = Arc::new(Semaphore::new(1));
        let place = places.try_acquire_owned().unwrap();
        Task { source: String::new(), purpose, reply: oneshot::channel().0, place }
    }

    fn order(queue: &mut Queue) -> Vec<Purpose> {
        std::iter::from_fn(|| queue.pop().map(|task| task.purpose)).collect()
    }

    #[test]
    fn what_is_paid_for_goes_first_and_one_caller_lets_others_pass() {
        use Purpose::{Asked, Generated};
        let mut queue = Queue::default();
        for purpose in [Asked(1), Asked(1), Asked(1), Asked(2), Generated] {
            queue.push(task(purpose));
        }
        assert_eq!((queue.len(), queue.of(1), queue.of(3)), (5, 3, 0));
        assert_eq!(order(&mut queue), [Generated, Asked(1), Asked(2), Asked(1), Asked(1)]);
        assert_eq!(queue.of(1), 3, "they run");
        for purpose in [Asked(1), Asked(1), Asked(1), Asked(2), Generated] {
            queue.done(purpose);
        }
        assert_eq!((queue.len(), queue.of(1)), (0, 0));
    }
}
