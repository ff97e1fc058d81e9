//! Live updates: the WebSocket, and the same events as a stream.
//!
//! `handshake` leaves HTTP, `socket` carries frames, `conversation` is what is said in them
//! and `following` what it is about;
//! `sse` says the same over HTTP. What both need: `watch` begins a subscription, `guard` ends a
//! connection with its credential, `board` shows the queue to admins.

use std::sync::Arc;

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
    /// Every connection's task, also those that have left HTTP.
    tasks: TaskTracker,
    cut: CancellationToken,
    board: Board,
}

impl Live {
    /// Room for so many sockets.
    pub fn new(sockets_max: usize) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(sockets_max)),
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

    fn room(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.permits).try_acquire_owned().ok()
    }
}
