//! One watcher's bounded queue. A slow reader loses deltas and positions first, then its place.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::Envelope;

/// From this many waiting events on, deltas and positions are not added any more.
const SHED_FROM: usize = 64;
/// With this many waiting events the reader is given up.
const WAITING_MAX: usize = 256;

/// What a watcher receives.
#[derive(Debug)]
pub enum Received {
    /// The next event.
    Event(Arc<Envelope>),
    /// Too slow: events were lost that may not be lost. Close and let the client subscribe again.
    Overflowed,
}

#[derive(Debug, Default)]
pub(super) struct Mailbox {
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Arc<Envelope>>,
    overflowed: bool,
}

impl Mailbox {
    pub(super) fn push(&self, envelope: &Arc<Envelope>) {
        let mut state = self.state.lock();
        if state.overflowed {
            return;
        }
        if state.waiting.len() >= SHED_FROM {
            if envelope.event.what.is_sheddable() {
                return;
            }
            state.waiting.retain(|waiting| !waiting.event.what.is_sheddable());
        }
        if state.waiting.len() >= WAITING_MAX {
            state.overflowed = true;
            state.waiting = VecDeque::new();
        } else {
            state.waiting.push_back(Arc::clone(envelope));
        }
        drop(state);
        self.arrived.notify_one();
    }

    pub(super) async fn recv(&self) -> Received {
        loop {
            let arrived = self.arrived.notified();
            if let Some(received) = self.take() {
                return received;
            }
            arrived.await;
        }
    }

    /// Returns when the reader has been given up.
    pub(super) async fn overflowed(&self) {
        loop {
            let arrived = self.arrived.notified();
            if self.state.lock().overflowed {
                return;
            }
            arrived.await;
        }
    }

    pub(super) fn take(&self) -> Option<Received> {
        let mut state = self.state.lock();
        if state.overflowed {
            return Some(Received::Overflowed);
        }
        let next = state.waiting.pop_front()?;
        if state.waiting.is_empty() {
            // Ten thousand idle watchers must not each keep a buffer.
            state.waiting = VecDeque::new();
        }
        Some(Received::Event(next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Event, JobEvent, JobId, UserId};

    fn envelope(seq: u64, what: JobEvent) -> Arc<Envelope> {
        Arc::new(Envelope::new(seq, Event { job: JobId([0; 16]), user: UserId(1), what }, None))
    }

    #[test]
    fn a_slow_reader_loses_deltas_first_and_then_its_place() {
        let mailbox = Mailbox::default();
        for seq in 0..1000 {
            mailbox.push(&envelope(seq, JobEvent::Delta { text: "x".into() }));
        }
        assert_eq!(mailbox.state.lock().waiting.len(), SHED_FROM);
        mailbox.push(&envelope(1000, JobEvent::Cancelled));
        assert!(matches!(mailbox.take(), Some(Received::Event(e)) if e.seq == 1000), "deltas make room");
        for seq in 0..=WAITING_MAX as u64 {
            mailbox.push(&envelope(seq, JobEvent::Expired));
        }
        assert!(matches!(mailbox.take(), Some(Received::Overflowed)));
    }
}
