//! From the events of one answer to its text, tokens and stop.

use serde_json::Value;

use super::errors;
use crate::domain::{Timestamp, TokenUsage};
use crate::provider::events::{Flow, ReadEvents, append, estimated_tokens};
use crate::provider::sse::Event;
use crate::provider::{Answer, CallError, Listener, Stop, outcome};

/// An answer that is being read. Unknown events, deltas and stop reasons are passed over.
pub(super) struct Reading {
    text: String,
    usage: TokenUsage,
    started: bool,
    stop_reason: String,
    request_id: String,
    now: Timestamp,
}

impl Reading {
    /// An answer of which nothing has come yet.
    pub(super) fn new(request_id: String, now: Timestamp) -> Self {
        Self {
            text: String::new(),
            usage: TokenUsage::default(),
            started: false,
            stop_reason: String::new(),
            request_id,
            now,
        }
    }

    /// The answer, after its last event.
    pub(super) fn answer(self) -> Result<Answer, CallError> {
        let stop = match self.stop_reason.as_str() {
            "refusal" => {
                let detail = format!("refusal{}", self.of_request());
                return Err(outcome::refused(detail, self.started.then_some(self.usage)));
            }
            "max_tokens" | "model_context_window_exceeded" => Stop::CutOff,
            _ => Stop::Done,
        };
        Ok(Answer { text: self.text, usage: self.usage, estimated: false, stop })
    }

    /// Tokens of an answer that broke off: what was reported, and the text that did arrive where
    /// the report is still the placeholder of the beginning.
    pub(super) fn usage_at_least(&self) -> TokenUsage {
        let output = self.usage.output.max(estimated_tokens(self.text.len()));
        TokenUsage { output, ..self.usage }
    }

    /// Figures are cumulative: each that is present replaces what was known. Any may be null.
    fn merge_usage(&mut self, reported: &Value, listener: &mut dyn Listener) {
        let replace = |known: &mut u64, field: &str| {
            if let Some(tokens) = reported[field].as_u64() {
                *known = tokens;
            }
        };
        replace(&mut self.usage.input, "input_tokens");
        replace(&mut self.usage.output, "output_tokens");
        replace(&mut self.usage.cache_write, "cache_creation_input_tokens");
        replace(&mut self.usage.cache_read, "cache_read_input_tokens");
        listener.usage(self.usage);
    }

    fn of_request(&self) -> String {
        match (self.request_id.as_str(), self.started) {
            ("", true) => String::new(),
            ("", false) => " (not one event of the upstream came)".to_owned(),
            (id, _) => format!(", upstream request {id}"),
        }
    }
}

impl ReadEvents for Reading {
    fn take(&mut self, event: &Event, listener: &mut dyn Listener) -> Result<Flow, CallError> {
        // Padding and pings are the most frequent events after deltas: not worth parsing.
        match event.name.as_str() {
            "ping" | "content_block_start" | "content_block_stop" => return Ok(Flow::More),
            "message_stop" => return Ok(Flow::End),
            "message_start" | "message_delta" | "content_block_delta" | "error" | "" => {}
            _ => return Ok(Flow::More),
        }
        let data: Value = serde_json::from_str(&event.data)
            .map_err(|_| outcome::broken(format!("unreadable event{}", self.of_request())))?;
        let kind = data["type"].as_str().unwrap_or(&event.name);
        match kind {
            "message_start" => {
                self.started = true;
                self.merge_usage(&data["message"]["usage"], listener);
            }
            "content_block_delta" if data["delta"]["type"] == "text_delta" => {
                let piece = data["delta"]["text"].as_str().unwrap_or_default();
                append(&mut self.text, piece)?;
                listener.text(piece);
            }
            "message_delta" => {
                if let Some(reason) = data["delta"]["stop_reason"].as_str() {
                    reason.clone_into(&mut self.stop_reason);
                }
                self.merge_usage(&data["usage"], listener);
            }
            "message_stop" => return Ok(Flow::End),
            "error" => return Err(errors::of_event(&data, &self.request_id, self.now)),
            _ => {}
        }
        Ok(Flow::More)
    }

    fn ended_without_last(&self) -> Result<(), CallError> {
        Err(outcome::broken(format!("the stream was cut before its end{}", self.of_request())))
    }
}
