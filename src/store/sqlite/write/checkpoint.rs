//! Copying the write-ahead log back into the database.
//!
//! The writer does it itself, between two batches, while little waits. While a backup reads, nothing
//! can be copied and the log grows; what waits then, once it is over, is copied by a thread of its own,
//! beside which the writer goes on. Only the rest of that is the writer's again: the log begins anew
//! when all of it is copied, and of that nobody but who writes can be sure.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use rusqlite::{Connection, InterruptHandle};

use crate::store::StoreError;

/// Pages in the log after which it is copied back.
const PAGES: i64 = 4096;
/// So many the writer copies itself, at most: they are on disk within a batch's time.
const PAGES_OF_WRITER: i64 = 2 * PAGES;
/// After a pass the thread rests so long: one that copied nothing is not made again at once.
const REST: Duration = Duration::from_millis(100);

/// What the writer and the thread know of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// Nothing to do.
    Idle,
    /// A pass is wanted or under way, or its rest.
    Wanted,
    /// The store closes.
    Closing,
}

struct Shared {
    work: Mutex<Work>,
    changed: Condvar,
}

/// The thread, and what of the log waits for it.
pub(super) struct Checkpoints {
    shared: Arc<Shared>,
    interrupt: InterruptHandle,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    /// Starts the thread with a connection of its own, which writes nothing else.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub(super) fn start(connection: Connection) -> Result<Self, StoreError> {
        let shared = Arc::new(Shared { work: Mutex::new(Work::Idle), changed: Condvar::new() });
        let interrupt = connection.get_interrupt_handle();
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("checkpoints".to_owned())
            .spawn(move || copy_when_asked(&of_thread, &connection))
            .map_err(|reason| StoreError::Failed(reason.to_string()))?;
        Ok(Self { shared, interrupt, thread: Some(thread) })
    }

    /// Copies what waits, once enough does, or lets the thread. Called by the writer after a batch.
    /// Returns how many pages wait. The log's size on disk says nothing: a log that was copied is
    /// written over from its start and keeps its length.
    pub(super) fn after_batch(&self, connection: &Connection) -> rusqlite::Result<u64> {
        // NOOP (SQLite 3.51) only counts.
        let mut count = connection.prepare_cached("PRAGMA wal_checkpoint(NOOP)")?;
        let pages = count.query_row([], waiting)?;
        if pages < PAGES {
            return Ok(unsigned(pages));
        }
        let mut work = self.shared.work.lock();
        if *work == Work::Wanted {
            return Ok(unsigned(pages));
        }
        if pages > PAGES_OF_WRITER {
            *work = Work::Wanted;
            self.shared.changed.notify_one();
            return Ok(unsigned(pages));
        }
        drop(work);
        pass(connection).map(unsigned)
    }
}

/// Nothing is copied any more when this returns.
impl Drop for Checkpoints {
    fn drop(&mut self) {
        *self.shared.work.lock() = Work::Closing;
        self.shared.changed.notify_one();
        self.interrupt.interrupt();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that copies the write-ahead log panicked");
        }
    }
}

fn copy_when_asked(shared: &Shared, connection: &Connection) {
    let mut work = shared.work.lock();
    loop {
        match *work {
            Work::Closing => return,
            Work::Idle => shared.changed.wait(&mut work),
            Work::Wanted => {
                drop(work);
                let passed = pass(connection);
                work = shared.work.lock();
                if *work == Work::Closing {
                    return;
                }
                if let Err(reason) = passed {
                    tracing::error!(%reason, "the write-ahead log could not be copied back; it is tried again");
                }
                shared.changed.wait_for(&mut work, REST);
                if *work == Work::Wanted {
                    *work = Work::Idle;
                }
            }
        }
    }
}

/// Copies what can be, and waits for nobody. Returns how many pages still wait.
fn pass(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], waiting)
}

fn waiting(row: &rusqlite::Row<'_>) -> rusqlite::Result<i64> {
    Ok(row.get::<_, i64>("log")? - row.get::<_, i64>("checkpointed")?)
}

fn unsigned(pages: i64) -> u64 {
    u64::try_from(pages).unwrap_or(0)
}
