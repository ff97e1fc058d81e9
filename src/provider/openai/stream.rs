//! From the chunks of one completion to its text, tokens and stop.

use serde_json::Value;

use super::errors;
use crate::domain::{Timestamp, TokenUsage};
use crate::provider::events::{Flow, ReadEvents, append, estimated_tokens};
use crate::provider::sse::Event;
use crate::provider::{Answer, CallError, Listener, Stop, outcome};

/// A completion that is being read.
pub(super) struct Reading {
    text: String,
    reported: Option<TokenUsage>,
    prompt_bytes: usize,
    started: bool,
    declined: bool,
    finish_reason: String,
    request_id: String,
    now: Timestamp,
}

impl Reading {
    /// A completion of which nothing has come yet; `prompt_bytes` is what was sent.
    pub(super) fn new(prompt_bytes: usize, request_id: String, now: Timestamp) -> Self {
        Self {
            text: String::new(),
            reported: None,
            prompt_bytes,
            started: false,
            declined: false,
            finish_reason: String::new(),
            request_id,
            now,
        }
    }

    /// Whether anything of a completion arrived, so that tokens must have been used.
    pub(super) fn has_started(&self) -> bool {
        self.started
    }

    /// As reported, or estimated from the bytes of both sides.
    pub(super) fn usage(&self) -> TokenUsage {
        self.reported.unwrap_or_else(|| TokenUsage {
            input: estimated_tokens(self.prompt_bytes),
            output: estimated_tokens(self.text.len()),
            ..TokenUsage::default()
        })
    }

    /// The answer, after its last chunk.
    pub(super) fn answer(self) -> Result<Answer, CallError> {
        if !self.started {
            return Err(outcome::broken("the stream had no chunk of a completion"));
        }
        if self.declined || self.finish_reason == "content_filter" {
            return Err(outcome::refused("content_filter", self.reported));
        }
        let stop = if self.finish_reason == "length" { Stop::CutOff } else { Stop::Done };
        Ok(Answer { usage: self.usage(), estimated: self.reported.is_none(), text: self.text, stop })
    }
}

impl ReadEvents for Reading {
    fn take(&mut self, event: &Event, listener: &mut dyn Listener) -> Result<Flow, CallError> {
        let data = event.data.trim();
        if data == "[DONE]" {
            return Ok(Flow::End);
        }
        if data.is_empty() {
            return Ok(Flow::More);
        }
        let chunk: Value = serde_json::from_str(data).map_err(|_| outcome::broken("unreadable chunk"))?;
        if event.name == "error" || !chunk["error"].is_null() {
            return Err(errors::of_chunk(&chunk, &self.request_id, self.now));
        }
        self.started = true;
        // The last chunk has the usage and no choice.
        let choice = &chunk["choices"][0];
        if let Some(piece) = choice["delta"]["content"].as_str().filter(|piece| !piece.is_empty()) {
            append(&mut self.text, piece)?;
            listener.text(piece);
        }
        self.declined |= choice["delta"]["refusal"].as_str().is_some_and(|words| !words.is_empty());
        if let Some(reason) = choice["finish_reason"].as_str() {
            reason.clone_into(&mut self.finish_reason);
        }
        if let Some(usage) = reported(&chunk["usage"]) {
            self.reported = Some(usage);
            listener.usage(usage);
        }
        Ok(Flow::More)
    }

    /// Fine for the servers that never send `[DONE]`, provided the model had said why it stopped.
    fn ended_without_last(&self) -> Result<(), CallError> {
        if self.finish_reason.is_empty() {
            return Err(outcome::broken("the stream was cut before its end"));
        }
        Ok(())
    }
}

/// Cached prompt tokens are part of `prompt_tokens` on this wire.
fn reported(usage: &Value) -> Option<TokenUsage> {
    let prompt = usage["prompt_tokens"].as_u64()?;
    let cached = usage["prompt_tokens_details"]["cached_tokens"].as_u64().unwrap_or(0).min(prompt);
    let output = usage["completion_tokens"].as_u64().unwrap_or(0);
    Some(TokenUsage { input: prompt - cached, output, cache_read: cached, cache_write: 0 })
}
