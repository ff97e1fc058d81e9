//! How one call is answered.

use std::time::Duration;

use bytes::Bytes;
use diagramd::domain::TokenUsage;
use serde_json::Value;

use super::Gate;

/// The answer of a call that nobody scripted.
pub const DEFAULT_TEXT: &str = "Here is the diagram.\n\n```mermaid\nflowchart TD\n    A[Customer] --> B{In stock?}\n    \
     B -- yes --> C[Ship]\n    B -- no --> D[Back-order]\n```\n";

/// One call's behaviour; made by a constructor, refined by the rest.
#[derive(Clone, Debug)]
pub struct Behaviour {
    pub(super) shape: Shape,
    pub(super) headers: Vec<(String, String)>,
    pub(super) hold: Option<Gate>,
    pub(super) hold_midway: Option<Gate>,
    pub(super) delay: Duration,
    pub(super) chunk_delay: Duration,
}

/// What goes out.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    Answer(Answer),
    Status(Status),
    RawStream(Bytes),
    Silent,
}

/// A streamed answer and how it ends.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) deltas: usize,
    pub(super) usage: Option<TokenUsage>,
    pub(super) reports_usage: bool,
    pub(super) stop_reason: Option<String>,
    pub(super) ending: Ending,
}

/// How a stream ends.
#[derive(Clone, Debug)]
pub(super) enum Ending {
    Whole,
    Cut { after: usize },
    Stall { after: usize },
    Error { after: usize, kind: String, message: String },
}

/// An error status.
#[derive(Clone, Debug)]
pub(super) struct Status {
    pub(super) status: u16,
    pub(super) kind: String,
    pub(super) message: String,
    pub(super) code: Option<String>,
    pub(super) raw: Option<(String, Bytes)>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self::answer(DEFAULT_TEXT)
    }
}

impl Behaviour {
    /// A whole answer with this text, in several deltas, billed by its bytes.
    pub fn answer(text: impl Into<String>) -> Self {
        Self::of(Shape::Answer(Answer {
            text: text.into(),
            deltas: 4,
            usage: None,
            reports_usage: true,
            stop_reason: None,
            ending: Ending::Whole,
        }))
    }

    /// An error status with the error type that belongs to it.
    pub fn status(status: u16) -> Self {
        let kind = match status {
            400 => "invalid_request_error",
            401 => "authentication_error",
            402 => "billing_error",
            403 => "permission_error",
            404 => "not_found_error",
            409 => "conflict_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            504 => "timeout_error",
            529 => "overloaded_error",
            _ => "api_error",
        };
        let message = format!("scripted {status}");
        Self::of(Shape::Status(Status { status, kind: kind.to_owned(), message, code: None, raw: None }))
    }

    /// The stream is cut off after this many events (the connection closes without an end).
    pub fn cut_after(events: usize) -> Self {
        Self::default().ending(Ending::Cut { after: events })
    }

    /// The stream says nothing more after this many events, until the caller gives up.
    pub fn stall_after(events: usize) -> Self {
        Self::default().ending(Ending::Stall { after: events })
    }

    /// An error of this type inside the 200, after this many events.
    pub fn error_event(kind: &str, after: usize) -> Self {
        let message = format!("scripted {kind}");
        Self::default().ending(Ending::Error { after, kind: kind.to_owned(), message })
    }

    /// A 200 whose body is these bytes, billed nothing.
    pub fn raw_stream(bytes: impl Into<Bytes>) -> Self {
        Self::of(Shape::RawStream(bytes.into()))
    }

    /// A 200 that is no event stream at all.
    pub fn garbage() -> Self {
        Self::raw_stream(&b"<!doctype html>\n\n\xff\xfe data: {\n\n"[..])
    }

    /// Not even headers, until the caller gives up.
    pub fn silent() -> Self {
        Self::of(Shape::Silent)
    }

    /// Headers come only when this gate lets them pass.
    pub fn hold(mut self, gate: &Gate) -> Self {
        self.hold = Some(gate.clone());
        self
    }

    /// The rest of the answer, after its first text, comes only when this gate lets it pass.
    pub fn hold_midway(mut self, gate: &Gate) -> Self {
        self.hold_midway = Some(gate.clone());
        self
    }

    /// Waits this long before the headers (for benches; tests have gates).
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Waits this long before every delta (for benches; tests have gates).
    pub fn chunk_delay(mut self, delay: Duration) -> Self {
        self.chunk_delay = delay;
        self
    }

    /// Adds a header to the answer.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Tokens of an answer, instead of an estimate by bytes.
    pub fn usage(self, usage: TokenUsage) -> Self {
        self.answer_with(|answer| answer.usage = Some(usage))
    }

    /// A server that reports no usage (it is billed all the same).
    pub fn without_usage(self) -> Self {
        self.answer_with(|answer| answer.reports_usage = false)
    }

    /// `stop_reason` or `finish_reason` of an answer.
    pub fn stop_reason(self, reason: &str) -> Self {
        self.answer_with(|answer| answer.stop_reason = Some(reason.to_owned()))
    }

    /// Into how many pieces an answer's text is cut.
    pub fn deltas(self, deltas: usize) -> Self {
        self.answer_with(|answer| answer.deltas = deltas.max(1))
    }

    /// `error.type` of an error status.
    pub fn kind(self, kind: &str) -> Self {
        self.status_with(|status| kind.clone_into(&mut status.kind))
    }

    /// `error.message` of an error status.
    pub fn message(self, message: &str) -> Self {
        self.status_with(|status| message.clone_into(&mut status.message))
    }

    /// `error.details.error_code` (Anthropic) or `error.code` (chat) of an error status.
    pub fn code(self, code: &str) -> Self {
        self.status_with(|status| status.code = Some(code.to_owned()))
    }

    /// The body of an error status as it is, such as a proxy's HTML.
    pub fn raw(self, content_type: &str, body: impl Into<Bytes>) -> Self {
        let raw = (content_type.to_owned(), body.into());
        self.status_with(|status| status.raw = Some(raw))
    }

    fn of(shape: Shape) -> Self {
        Self {
            shape,
            headers: Vec::new(),
            hold: None,
            hold_midway: None,
            delay: Duration::ZERO,
            chunk_delay: Duration::ZERO,
        }
    }

    fn ending(self, ending: Ending) -> Self {
        self.answer_with(|answer| answer.ending = ending)
    }

    fn answer_with(mut self, change: impl FnOnce(&mut Answer)) -> Self {
        match &mut self.shape {
            Shape::Answer(answer) => change(answer),
            other => panic!("only an answer has this, not {other:?}"),
        }
        self
    }

    fn status_with(mut self, change: impl FnOnce(&mut Status)) -> Self {
        match &mut self.shape {
            Shape::Status(status) => change(status),
            other => panic!("only an error status has this, not {other:?}"),
        }
        self
    }
}
