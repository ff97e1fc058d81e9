//! Tries to deliver, as whoever counts sees them. `app` joins the two.

use std::sync::Arc;

use crate::domain::trace::SpanContext;
use crate::domain::webhook::Then;
use crate::domain::{JobId, Timestamp};

/// A try of which is written down what came of it.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// What became of the message.
    pub then: Then,
    /// What went out; `None`: the message was given up without.
    pub sent: Option<Sent>,
}

/// A message that went out.
#[derive(Clone, Debug)]
pub struct Sent {
    /// When it was begun.
    pub begun_at: Timestamp,
    /// When there was an answer, or it was clear that there is none.
    pub ended_at: Timestamp,
    /// The receiver's HTTP status; `None`: there was no answer.
    pub status: Option<u16>,
    /// Where to: scheme, host and port.
    pub origin: String,
    /// The request whose end it tells; `None` for a test.
    pub job: Option<JobId>,
    /// The span of what it comes from.
    pub parent: SpanContext,
    /// The `tracestate` of what it comes from.
    pub state: Option<Arc<str>>,
    /// Its own span.
    pub span: SpanContext,
    /// Tries of the present schedule before it.
    pub tries: u32,
}

/// Hears of every try; must not block.
pub type AttemptListener = Arc<dyn Fn(&Attempt) + Send + Sync>;

/// What waits to be delivered, now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Messages that wait for a try, the first or a further one.
    pub waiting: usize,
    /// Messages on their way.
    pub in_flight: usize,
    /// When the schedule began of the one that waits or is under way the longest; `None`: there is none.
    pub oldest: Option<Timestamp>,
}
