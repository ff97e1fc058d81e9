//! The upstream calls. Called by the worker; knows nothing of queue, store or HTTP server.
//!
//! A provider makes one call, tells a [`Listener`] what arrives as it arrives, and returns an
//! answer or a [`CallError`] that already says what to do next ([`CallEnd`]). Dropping the future
//! closes the connection.

pub mod anthropic;
mod endpoint;
mod events;
pub mod offline;
pub mod openai;
mod outcome;
mod retry_after;
mod sse;
mod transport;

use std::future::Future;
use std::pin::Pin;

use crate::domain::lane::{CallEnd, LimitsSeen};
use crate::domain::{DiagramType, TokenUsage};

pub use endpoint::{ApiKey, Endpoint, EndpointError};

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// The model to ask.
    pub model: String,
    /// The system prompt.
    pub system: String,
    /// The user's message.
    pub user: String,
    /// The user's own text alone, for the offline lane.
    pub prompt: String,
    /// The language asked for.
    pub diagram_type: DiagramType,
    /// Output bound, in tokens.
    pub max_tokens: u32,
    /// Opaque, stable per user (never the name); `metadata.user_id` upstream.
    pub user_tag: String,
}

/// Hears of a call's progress.
pub trait Listener: Send {
    /// The request is about to be written to the wire.
    fn sent(&mut self);
    /// The upstream's limits, from the answer's headers.
    fn limits(&mut self, seen: LimitsSeen);
    /// A piece of the answer's text.
    fn text(&mut self, piece: &str);
    /// Tokens known to be used so far; replaces what was told before.
    fn usage(&mut self, usage: TokenUsage);
}

/// Why the model stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// By itself.
    Done,
    /// `max_tokens` or the context window was reached: the answer is cut off.
    CutOff,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// All text.
    pub text: String,
    /// Exact when the upstream reported it, else an estimate.
    pub usage: TokenUsage,
    /// Whether `usage` is an estimate (an OpenAI-compatible server that reports none).
    pub estimated: bool,
    /// Why it stopped.
    pub stop: Stop,
}

/// A call that brought no usable answer.
#[derive(Clone, Debug)]
pub struct CallError {
    /// What lane and job should do.
    pub end: CallEnd,
    /// For the log: no prompt, no key; at most 300 bytes.
    pub detail: String,
}

/// A boxed future that borrows the call and its listener.
pub type CallFuture<'a> = Pin<Box<dyn Future<Output = Result<Answer, CallError>> + Send + 'a>>;

/// An upstream.
pub trait Provider: Send + Sync {
    /// Makes one call. The caller bounds its time and drops the future to give it up.
    fn call<'a>(&'a self, call: &'a Call, listener: &'a mut dyn Listener) -> CallFuture<'a>;

    /// `anthropic`, `openai` or `offline`: the `provider` of status answers.
    fn kind(&self) -> &'static str;
}
