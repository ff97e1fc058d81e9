//! The answer's events as they arrive, and the body of an answer that is none.

use std::time::Duration;

use reqwest::Response;

use super::sse::{Event, SseReader};
use super::transport::Transport;
use super::{CallError, Listener, outcome};

/// Bytes of all text of one answer.
pub(super) const ANSWER_BYTES_MAX: usize = 4 << 20;
/// Bytes that are read of an error's body.
const ERROR_BYTES_MAX: usize = 64 << 10;
/// How long the end of a finished answer is waited for, so that its connection can be used again.
const TAIL_WAIT_MAX: Duration = Duration::from_millis(20);

/// Whether a stream has said all it has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// More is to come.
    More,
    /// The last event was seen.
    End,
}

/// What one kind of upstream makes of its events.
pub(super) trait ReadEvents: Send {
    /// Takes one event and tells the listener what is new in it.
    fn take(&mut self, event: &Event, listener: &mut dyn Listener) -> Result<Flow, CallError>;

    /// What it means that the stream ended without its last event.
    fn ended_without_last(&self) -> Result<(), CallError>;
}

/// The event stream of one answer.
pub(super) struct Events<'a> {
    transport: &'a Transport,
    response: Response,
    reader: SseReader,
    ended: bool,
}

impl<'a> Events<'a> {
    /// The events of `response`.
    pub(super) fn new(transport: &'a Transport, response: Response) -> Self {
        Self { transport, response, reader: SseReader::default(), ended: false }
    }

    /// Reads the whole stream.
    pub(super) async fn read_into(
        mut self,
        reading: &mut impl ReadEvents,
        listener: &mut dyn Listener,
    ) -> Result<(), CallError> {
        while let Some(event) = self.next().await? {
            if reading.take(&event, listener)? == Flow::End {
                self.finish().await;
                return Ok(());
            }
        }
        reading.ended_without_last()
    }

    /// The next event; `None` at the end of the stream.
    async fn next(&mut self) -> Result<Option<Event>, CallError> {
        loop {
            if let Some(event) = self.reader.next() {
                return Ok(Some(event));
            }
            if self.ended {
                return Ok(None);
            }
            let chunk = self.response.chunk().await.map_err(|fault| self.transport.trouble(&fault))?;
            let taken = match chunk {
                Some(bytes) => self.reader.push(&bytes),
                None => {
                    self.ended = true;
                    self.reader.end()
                }
            };
            taken.map_err(|_| outcome::broken("an event of the upstream is too long"))?;
        }
    }

    /// Reads what follows the last event, so that the connection goes back to the pool.
    async fn finish(mut self) {
        let tail = async { while let Ok(Some(_)) = self.response.chunk().await {} };
        // The answer is complete either way; only the connection is lost.
        let _ = tokio::time::timeout(TAIL_WAIT_MAX, tail).await;
    }
}

/// The beginning of an error's body; what cannot be read is left out.
pub(super) async fn error_body(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = ERROR_BYTES_MAX - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() == ERROR_BYTES_MAX {
            break;
        }
    }
    body
}

/// Appends a piece of text to an answer, within its bound.
pub(super) fn append(text: &mut String, piece: &str) -> Result<(), CallError> {
    if text.len() + piece.len() > ANSWER_BYTES_MAX {
        return Err(outcome::broken("the upstream's answer is too long"));
    }
    text.push_str(piece);
    Ok(())
}

/// Tokens of `bytes` of text where nobody counted them.
pub(super) fn estimated_tokens(bytes: usize) -> u64 {
    (bytes as u64).div_ceil(4)
}
