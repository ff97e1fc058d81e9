//! The writer thread: the only owner of the read-write connection, with group commit.
//!
//! It takes one operation, drains what else is waiting (bounded in number and bytes) without
//! waiting for more, runs all of it in one transaction, commits, tells the listener what
//! changed, and only then answers the callers. Control operations go before submits.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use crate::domain::Change;

use super::{Commands, StoreError};

/// Operations of one transaction.
const BATCH_OPS_MAX: usize = 512;
/// Operations of a batch that are kept for submits while any wait.
const BATCH_SUBMITS_MIN: usize = 128;
/// Bytes of one transaction's operations.
const BATCH_BYTES_MAX: usize = 4 << 20;
/// Submits waiting for the writer; one more is refused with [`StoreError::Busy`].
const SUBMITS_WAITING_MAX: usize = 16_384;
/// Control operations waiting: more than there can be calls in flight.
const CONTROLS_WAITING_MAX: usize = 65_536;

/// A backend's write side.
pub trait Backend: Send {
    /// Runs `work` in one transaction and commits it durably. Returns what changed, in order.
    /// On an error nothing is kept.
    fn transaction(
        &mut self,
        work: &mut dyn FnMut(&mut dyn Commands) -> Result<(), StoreError>,
    ) -> Result<Vec<Change>, StoreError>;

    /// Called after every batch, outside transactions: housekeeping such as checkpoints. Returns
    /// how many pages of a write-ahead log still wait to be copied back.
    fn tidy(&mut self) -> u64 {
        0
    }

    /// Called once, after the last batch.
    fn close(&mut self) {}
}

/// Hears of committed changes on the writer thread, in commit order; must not block.
pub type CommitListener = Arc<dyn Fn(&[Change]) + Send + Sync>;

/// A transaction that is over.
#[derive(Clone, Copy, Debug)]
pub struct BatchDone {
    /// Operations that it ran.
    pub operations: usize,
    /// From its begin to the end of its commit, or to its failure.
    pub duration: Duration,
    /// Whether it is on disk.
    pub committed: bool,
}

/// Hears of every transaction, on the writer thread; must not block.
pub type BatchListener = Arc<dyn Fn(&BatchDone) + Send + Sync>;

/// What waits for the writer now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriterBacklog {
    /// Claims, settlements, cancellations, administration.
    pub controls: usize,
    /// Submissions.
    pub submits: usize,
    /// Pages of the write-ahead log that wait to be copied back, as of the last batch.
    pub wal_pages: u64,
}

/// Which queue an operation waits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Claims, settlements, cancellations, administration.
    Control,
    /// Submissions.
    Submit,
}

/// Runs one operation inside the batch, and once more alone if the batch had to be rolled back.
trait Operation: Send {
    fn run(&mut self, commands: &mut dyn Commands) -> Result<(), StoreError>;
    fn finish(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Write<T, F, D> {
    work: F,
    outcome: Option<T>,
    done: D,
}

impl<T, F, D> Operation for Write<T, F, D>
where
    T: Send,
    F: FnMut(&mut dyn Commands) -> Result<T, StoreError> + Send,
    D: FnOnce(Result<T, StoreError>) + Send,
{
    fn run(&mut self, commands: &mut dyn Commands) -> Result<(), StoreError> {
        self.outcome = Some((self.work)(commands)?);
        Ok(())
    }

    fn finish(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { outcome, done, .. } = *self;
        done(committed.and_then(|()| outcome.ok_or(StoreError::Closed)));
    }
}

struct Waiting {
    operation: Box<dyn Operation>,
    bytes: usize,
}

#[derive(Default)]
struct Inbox {
    controls: VecDeque<Waiting>,
    submits: VecDeque<Waiting>,
    closed: bool,
}

impl Inbox {
    fn next_batch(&mut self) -> Vec<Box<dyn Operation>> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        let mut take = |queue: &mut VecDeque<Waiting>, ops_max: usize| {
            while batch.len() < ops_max && bytes < BATCH_BYTES_MAX {
                let Some(next) = queue.pop_front() else { return };
                bytes += next.bytes;
                batch.push(next.operation);
            }
        };
        // Controls first, but not so many that submits never get in: a lane that is as fast as
        // the writer would fill every batch with its claims and settlements.
        take(&mut self.controls, BATCH_OPS_MAX - self.submits.len().min(BATCH_SUBMITS_MIN));
        take(&mut self.submits, BATCH_OPS_MAX);
        take(&mut self.controls, BATCH_OPS_MAX);
        batch
    }
}

#[derive(Default)]
struct Shared {
    inbox: Mutex<Inbox>,
    arrived: Condvar,
    listener: OnceLock<CommitListener>,
    batch_listener: OnceLock<BatchListener>,
    wal_pages: AtomicU64,
}

/// A handle to the writer thread; cheap to clone.
#[derive(Clone)]
pub struct Writer {
    shared: Arc<Shared>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Writer {
    /// Starts the writer thread on `backend`.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(backend: impl Backend + 'static) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || write_until_closed(&for_thread, backend))?;
        Ok(Self { shared, thread: Arc::new(Mutex::new(Some(thread))) })
    }

    /// Sets who hears of commits; once, before the first job is written.
    pub fn listen(&self, listener: CommitListener) {
        // A second listener would split the truth; the first one stays.
        if self.shared.listener.set(listener).is_err() {
            tracing::error!("a second commit listener was refused");
        }
    }

    /// Sets who hears of transactions; once.
    pub fn listen_to_batches(&self, listener: BatchListener) {
        if self.shared.batch_listener.set(listener).is_err() {
            tracing::error!("a second listener to batches was refused");
        }
    }

    /// What waits now.
    pub fn backlog(&self) -> WriterBacklog {
        let inbox = self.shared.inbox.lock();
        WriterBacklog {
            controls: inbox.controls.len(),
            submits: inbox.submits.len(),
            wal_pages: self.shared.wal_pages.load(Ordering::Relaxed),
        }
    }

    /// Runs `work` in the next transaction and returns its outcome after the commit.
    ///
    /// `bytes` is the rough size of what it writes. `work` may run twice (the first run's effects
    /// are rolled back when another operation of the batch fails).
    ///
    /// # Errors
    /// [`StoreError::Busy`] when too much is waiting, else what the store reports: then nothing
    /// of `work` is kept.
    pub async fn write<T, F>(&self, priority: Priority, bytes: usize, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn Commands) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.write_then(priority, bytes, work, move |outcome| {
            // The caller may have gone away; the commit stands all the same.
            drop(answer.send(outcome));
        });
        answered.await.unwrap_or(Err(StoreError::Closed))
    }

    /// As [`Writer::write`], for callers outside the runtime: blocks until the commit.
    ///
    /// # Errors
    /// As [`Writer::write`].
    pub fn write_blocking<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn Commands) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.write_then(Priority::Control, 0, work, move |outcome| drop(answer.send(outcome)));
        answered.blocking_recv().unwrap_or(Err(StoreError::Closed))
    }

    /// As [`Writer::write`], but calls `done` on the writer thread instead of waiting. `done`
    /// must not block; it is called at once, on this thread, when the operation is refused.
    pub fn write_then<T, F, D>(&self, priority: Priority, bytes: usize, work: F, done: D)
    where
        T: Send + 'static,
        F: FnMut(&mut dyn Commands) -> Result<T, StoreError> + Send + 'static,
        D: FnOnce(Result<T, StoreError>) + Send + 'static,
    {
        let operation = Box::new(Write { work, outcome: None, done });
        if let Err((operation, reason)) = self.enqueue(priority, Waiting { operation, bytes }) {
            operation.finish(Err(reason));
        }
    }

    fn enqueue(&self, priority: Priority, waiting: Waiting) -> Result<(), (Box<dyn Operation>, StoreError)> {
        let mut inbox = self.shared.inbox.lock();
        if inbox.closed {
            return Err((waiting.operation, StoreError::Closed));
        }
        let (queue, room) = match priority {
            Priority::Control => (&mut inbox.controls, CONTROLS_WAITING_MAX),
            Priority::Submit => (&mut inbox.submits, SUBMITS_WAITING_MAX),
        };
        if queue.len() >= room {
            return Err((waiting.operation, StoreError::Busy));
        }
        queue.push_back(waiting);
        drop(inbox);
        self.shared.arrived.notify_one();
        Ok(())
    }

    /// Commits everything that waits, stops the thread and closes the connection. Later writes
    /// get [`StoreError::Closed`].
    pub fn close(&self) {
        self.shared.inbox.lock().closed = true;
        self.shared.arrived.notify_one();
        let thread = self.thread.lock().take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the store's writer thread panicked");
        }
    }
}

/// Closes the inbox when the thread ends, also by a panic: nobody may wait for a writer that is
/// gone. Who waits is told [`StoreError::Closed`] by the fall of its operation.
struct Closing<'a>(&'a Shared);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        let mut inbox = self.0.inbox.lock();
        let left = std::mem::replace(&mut *inbox, Inbox { closed: true, ..Inbox::default() });
        // What falls may come back for the lock.
        drop(inbox);
        drop(left);
    }
}

fn write_until_closed(shared: &Shared, mut backend: impl Backend) {
    let _closing = Closing(shared);
    loop {
        let batch = {
            let mut inbox = shared.inbox.lock();
            loop {
                let batch = inbox.next_batch();
                if !batch.is_empty() {
                    break batch;
                }
                if inbox.closed {
                    return backend.close();
                }
                shared.arrived.wait(&mut inbox);
            }
        };
        write_batch(shared, &mut backend, batch);
        shared.wal_pages.store(backend.tidy(), Ordering::Relaxed);
    }
}

fn write_batch(shared: &Shared, backend: &mut impl Backend, mut batch: Vec<Box<dyn Operation>>) {
    let mut one_failed = false;
    let begin = Instant::now();
    let committed = backend.transaction(&mut |commands| {
        let ran = batch.iter_mut().try_for_each(|op| op.run(commands));
        one_failed = ran.is_err();
        ran
    });
    if let Some(listener) = shared.batch_listener.get() {
        listener(&BatchDone {
            operations: batch.len(),
            duration: begin.elapsed(),
            committed: committed.is_ok(),
        });
    }
    match committed {
        Ok(changes) => {
            publish(shared, &changes);
            batch.into_iter().for_each(|op| op.finish(Ok(())));
        }
        // One bad operation must not fail its neighbours: each gets a transaction of its own.
        // When the transaction itself failed (an fsync that did not happen), or the disk is full,
        // all of them did, and trying each again would only keep everybody waiting.
        Err(reason) if one_failed && batch.len() > 1 && !matches!(reason, StoreError::Full(_)) => {
            for op in batch {
                write_batch(shared, backend, vec![op]);
            }
        }
        Err(reason) => batch.into_iter().for_each(|op| op.finish(Err(reason.clone()))),
    }
}

fn publish(shared: &Shared, changes: &[Change]) {
    if changes.is_empty() {
        return;
    }
    if let Some(listener) = shared.listener.get() {
        listener(changes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(count: usize) -> VecDeque<Waiting> {
        let operation = || {
            let work = |_: &mut dyn Commands| Ok(());
            Box::new(Write { work, outcome: None, done: |_: Result<(), StoreError>| {} })
        };
        (0..count).map(|_| Waiting { operation: operation(), bytes: 100 }).collect()
    }

    #[test]
    fn controls_go_first_and_leave_room_for_submits() {
        let left = |controls, submits| {
            let mut inbox = Inbox { controls: waiting(controls), submits: waiting(submits), closed: false };
            inbox.next_batch();
            (inbox.controls.len(), inbox.submits.len())
        };
        assert_eq!(left(1000, 1000), (616, 872), "384 controls and 128 submits");
        assert_eq!(left(1000, 3), (491, 0));
        assert_eq!(left(1000, 0), (488, 0));
        assert_eq!(left(5, 1000), (0, 493));
    }
}
