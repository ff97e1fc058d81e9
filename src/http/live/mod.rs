//! Live updates: the WebSocket, and the same events as a stream.
//!
//! `handshake` leaves HTTP, `socket` carries frames, `conversation` is what is said in them
//! and `following` what it is about;
//! `sse` says the same over HTTP. What both need: `watch` begins a subscription, `guard` ends a
//! connection with its credential, `board` shows the queue to admins.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

mod board;
mod conversation;
mod ends;
mod following;
mod guard;
pub mod handshake;
pub mod messages;
mod socket;
pub mod sse;
mod watch;

use board::Board;

/// What all live connections share; one per server.
pub struct Live {
    /// Sockets that may still be opened: they have left HTTP, and its connection limit.
    permits: Arc<Semaphore>,
    sockets_max: usize,
    /// Streams that are open.
    streams: AtomicUsize,
    /// Messages sent so far by sockets.
    messages: AtomicU64,
    /// Sockets closed so far because their readers were too slow.
    too_slow: AtomicU64,
    /// Every connection's task, also those that have left HTTP.
    tasks: TaskTracker,
    cut: CancellationToken,
    board: Board,
}

/// What live connections are at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveFigures {
    /// Connections that speak HTTP; streams of events among them.
    pub connections: usize,
    /// WebSockets.
    pub sockets: usize,
    /// Streams of events.
    pub streams: usize,
    /// Messages that sockets have sent so far.
    pub messages: u64,
    /// Sockets closed so far because their readers were too slow.
    pub too_slow: u64,
}

impl Live {
    /// Room for so many sockets.
    pub fn new(sockets_max: usize) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(sockets_max)),
            sockets_max,
            streams: AtomicUsize::new(0),
            messages: AtomicU64::new(0),
            too_slow: AtomicU64::new(0),
            tasks: TaskTracker::new(),
            cut: CancellationToken::new(),
            board: Board::default(),
        }
    }

    /// The tasks to wait for at the stop.
    pub fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// Fires when connections must end at once, told or not.
    pub fn cut(&self) -> &CancellationToken {
        &self.cut
    }

    /// What is open now, and what has been sent.
    pub fn figures(&self) -> LiveFigures {
        let sockets = self.sockets_max.saturating_sub(self.permits.available_permits());
        LiveFigures {
            // A socket has a task of its own, and the connection it came by has ended.
            connections: self.tasks.len().saturating_sub(sockets),
            sockets,
            streams: self.streams.load(Ordering::Relaxed),
            messages: self.messages.load(Ordering::Relaxed),
            too_slow: self.too_slow.load(Ordering::Relaxed),
        }
    }

    fn room(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.permits).try_acquire_owned().ok()
    }
}
