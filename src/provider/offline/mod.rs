//! The offline lane: diagrams drafted by rules, without a model and without a network. Good
//! enough to demonstrate and to develop against; always labelled `offline`.
//!
//! Data goes one way: the prompt is taken apart ([`request`]), read into a [`sketch::Sketch`],
//! and the sketch is written in the language asked for. The same prompt gives the same diagram,
//! always, and whatever the prompt holds, the language's own parser accepts it.

use crate::domain::TokenUsage;

use super::{Answer, Call, CallFuture, Listener, Provider, Stop};

mod draft;
mod kinds;
mod read;
mod request;
mod sentences;
mod sketch;
mod title;
mod verbs;
mod words;
mod write;

#[cfg(test)]
mod tests;

/// Bytes of a piece handed to the listener.
const PIECE_BYTES: usize = 48;
/// Bytes that count as a token.
const BYTES_PER_TOKEN: usize = 4;
/// Bytes of an answer around its source: the fences, the title, and what a change says of itself.
const FRAME_BYTES: usize = 500;

/// The rule-based lane.
#[derive(Clone, Copy, Debug, Default)]
pub struct Offline;

impl Provider for Offline {
    fn call<'a>(&'a self, call: &'a Call, listener: &'a mut dyn Listener) -> CallFuture<'a> {
        Box::pin(async move {
            listener.sent();
            let (text, stop) = answer(call);
            let mut rest = text.as_str();
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE_BYTES));
                listener.text(piece);
                rest = after;
                tokio::task::yield_now().await;
            }
            let usage = TokenUsage {
                input: tokens(call.prompt.len()),
                output: tokens(text.len()),
                ..TokenUsage::default()
            };
            listener.usage(usage);
            Ok(Answer { text, usage, estimated: true, stop })
        })
    }

    /// The same prompt gives the same diagram.
    fn corrects(&self) -> bool {
        false
    }

    fn kind(&self) -> &'static str {
        "offline"
    }
}

/// The answer, with as many elements as `max_tokens` has room for. Where not even the smallest
/// drawing fits, it is cut off, as a model's would be.
fn answer(call: &Call) -> (String, Stop) {
    let bytes_max = usize::try_from(call.max_tokens).unwrap_or(usize::MAX).saturating_mul(BYTES_PER_TOKEN);
    let asked = kinds::asked(call.template.as_ref().and_then(|template| template.kind.as_deref()));
    let prompt = format!("{asked}{}", call.prompt);
    let draft = draft::draft(&prompt, call.diagram_type, bytes_max.saturating_sub(FRAME_BYTES));
    // Rules can neither change a diagram as a request asks nor follow a template; the draft says so.
    let source = match (call.template.is_some(), call.changes) {
        (false, false) => draft.source,
        (true, false) => write::from_the_request_alone(&draft.source, "the template was"),
        (false, true) => {
            write::from_the_request_alone(&draft.source, "the diagram that was to be changed was")
        }
        (true, true) => write::from_the_request_alone(
            &draft.source,
            "the template and the diagram that was to be changed were",
        ),
    };
    let mut text = format!("```{}\n{source}\n```\nTitle: {}\n", call.diagram_type, draft.title);
    if text.len() <= bytes_max {
        return (text, Stop::Done);
    }
    text.truncate(text.floor_char_boundary(bytes_max));
    (text, Stop::CutOff)
}

fn tokens(bytes: usize) -> u64 {
    u64::try_from(bytes.div_ceil(BYTES_PER_TOKEN)).unwrap_or(u64::MAX)
}
