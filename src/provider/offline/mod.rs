//! The offline lane: diagrams drafted by rules, without a model and without a network. Good
//! enough to demonstrate and to develop against; always labelled `offline`.
//!
//! Data goes one way: the prompt is read into a [`sketch::Sketch`], the sketch is written in the
//! language asked for. The same prompt gives the same diagram, always.

use crate::domain::{DiagramType, TokenUsage};

use super::{Answer, Call, CallFuture, Listener, Provider, Stop};

mod read;
mod sketch;
mod words;
mod write;

/// Bytes of a piece handed to the listener.
const PIECE_BYTES: usize = 48;
/// Bytes that count as a token.
const BYTES_PER_TOKEN: usize = 4;

/// The rule-based lane.
#[derive(Clone, Copy, Debug, Default)]
pub struct Offline;

/// A diagram for `prompt` and its title; any prompt gives one.
pub fn draft(prompt: &str, diagram_type: DiagramType) -> (String, String) {
    let sketch = read::read(prompt);
    let title = words::title(prompt);
    (write::write(&sketch, &title, diagram_type), title)
}

impl Provider for Offline {
    fn call<'a>(&'a self, call: &'a Call, listener: &'a mut dyn Listener) -> CallFuture<'a> {
        Box::pin(async move {
            listener.sent();
            let (source, title) = draft(&call.prompt, call.diagram_type);
            let text = format!("```{}\n{source}\n```\nTitle: {title}\n", call.diagram_type);
            let mut rest = text.as_str();
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE_BYTES.max(4)));
                listener.text(piece);
                rest = after;
                tokio::task::yield_now().await;
            }
            let tokens = |bytes: usize| u64::try_from(bytes.div_ceil(BYTES_PER_TOKEN)).unwrap_or(u64::MAX);
            let usage = TokenUsage {
                input: tokens(call.prompt.len()),
                output: tokens(text.len()),
                ..TokenUsage::default()
            };
            listener.usage(usage);
            Ok(Answer { text, usage, estimated: true, stop: Stop::Done })
        })
    }

    fn kind(&self) -> &'static str {
        "offline"
    }
}
