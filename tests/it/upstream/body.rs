//! A scripted response body: pieces, waits, cuts and stalls, charged as they go out.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use diagramd::domain::TokenUsage;
use hyper::body::{Body, Frame};

use super::ledger::Entry;
use super::wire::Piece;
use super::{Outcome, Shared};

/// One thing a body does.
pub(super) enum Step {
    /// Sends an event.
    Send(Piece),
    /// Waits.
    Wait(Pin<Box<dyn Future<Output = ()> + Send>>),
    /// Lets what was sent reach the wire.
    Flush,
    /// Breaks the connection.
    Break,
    /// Says nothing more.
    Stall,
}

/// The body of one answer.
pub(super) struct ScriptedBody {
    steps: VecDeque<Step>,
    entry: Option<(Entry, Outcome)>,
    shared: Arc<Shared>,
}

impl ScriptedBody {
    /// Does `steps`; the call ends so when they are done.
    pub(super) fn new(shared: Arc<Shared>, entry: Entry, steps: Vec<Step>, outcome: Outcome) -> Self {
        Self { steps: steps.into(), entry: Some((entry, outcome)), shared }
    }

    /// Just bytes, for a call that has already ended.
    pub(super) fn whole(shared: Arc<Shared>, bytes: Bytes) -> Self {
        let piece = Piece { bytes, output: 0, is_text: false };
        Self { steps: VecDeque::from([Step::Send(piece)]), entry: None, shared }
    }

    fn end(&mut self) {
        if let Some((mut entry, outcome)) = self.entry.take() {
            entry.end(outcome);
        }
    }

    fn send(&mut self, piece: Piece) -> Bytes {
        if let Some((entry, _)) = &self.entry {
            if piece.output > 0 {
                let now = Instant::now();
                self.shared.quota.lock().charge(now, 0, 0, piece.output);
                entry.bill(now, TokenUsage { output: piece.output, ..TokenUsage::default() });
            }
            if piece.is_text {
                entry.touch();
            }
        }
        if self.steps.is_empty() {
            // Ended before the last byte is out: a caller that has it may start its next call.
            self.end();
        }
        piece.bytes
    }
}

impl Body for ScriptedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        loop {
            match self.steps.pop_front() {
                None => {
                    self.end();
                    return Poll::Ready(None);
                }
                Some(Step::Send(piece)) => return Poll::Ready(Some(Ok(Frame::data(self.send(piece))))),
                Some(Step::Wait(mut wait)) => {
                    if wait.as_mut().poll(cx).is_pending() {
                        self.steps.push_front(Step::Wait(wait));
                        return Poll::Pending;
                    }
                }
                Some(Step::Flush) => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some(Step::Break) => {
                    self.end();
                    return Poll::Ready(Some(Err(io::Error::other("cut, as scripted"))));
                }
                Some(Step::Stall) => {
                    self.steps.push_front(Step::Stall);
                    return Poll::Pending;
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty()
    }
}
