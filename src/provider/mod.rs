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
use crate::domain::trace::TraceHeaders;
use crate::domain::{DiagramType, LaneName, TokenUsage};

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
    /// Whether it asks for a change of a diagram, which `user` brings along.
    pub changes: bool,
    /// The template that `user` follows, for the offline lane, which cannot.
    pub template: Option<TemplateHint>,
    /// The language asked for.
    pub diagram_type: DiagramType,
    /// Output bound, in tokens.
    pub max_tokens: u32,
    /// Opaque, stable per user (never the name); `metadata.user_id` upstream.
    pub user_tag: String,
    /// What goes along so that the upstream's trace is part of the caller's.
    pub trace: TraceHeaders,
}

/// What is known of a template without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateHint {
    /// The kind of Mermaid diagram it makes, as templates name kinds.
    pub kind: Option<String>,
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
    /// What the operator has to see to, when it is the upstream and not the call.
    pub trouble: Option<Trouble>,
    /// The tokens of the whole call, when the upstream counted them to the end.
    pub usage: Option<TokenUsage>,
}

/// What keeps an upstream from working, for its operator's eyes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What is wrong: no prompt, no key.
    pub what: String,
    /// What sets it right.
    pub remedy: Remedy,
}

/// Where an upstream's trouble is mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// `api_key` in the configuration.
    ApiKey,
    /// `model` in the configuration.
    Model,
    /// `base_url` in the configuration, or the server there.
    BaseUrl,
    /// Credit and limits at the upstream.
    Account,
}

impl Trouble {
    /// What is wrong with `lane` and what to do, in one sentence.
    pub fn sentence(&self, lane: &LaneName) -> String {
        let what = &self.what;
        match self.remedy {
            Remedy::ApiKey => format!("{what}; check api_key of [[upstreams]] {lane}"),
            Remedy::Model => format!("{what}; check model of [[upstreams]] {lane}"),
            Remedy::BaseUrl => {
                format!("{what}; check base_url of [[upstreams]] {lane}, and that its server runs")
            }
            Remedy::Account => {
                format!("{what}; see to the credit and limits of the account behind [[upstreams]] {lane}")
            }
        }
    }
}

/// A boxed future that borrows the call and its listener.
pub type CallFuture<'a> = Pin<Box<dyn Future<Output = Result<Answer, CallError>> + Send + 'a>>;

/// An upstream.
pub trait Provider: Send + Sync {
    /// Makes one call. The caller bounds its time and drops the future to give it up.
    fn call<'a>(&'a self, call: &'a Call, listener: &'a mut dyn Listener) -> CallFuture<'a>;

    /// Whether it makes anything of a source and its errors: a second call with the same prompt
    /// is no help.
    fn corrects(&self) -> bool {
        true
    }

    /// `anthropic`, `openai` or `offline`: the `provider` of status answers.
    fn kind(&self) -> &'static str;
}
