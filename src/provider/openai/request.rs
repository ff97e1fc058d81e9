//! The body of a chat completions request.

use serde_json::{Value, json};

use crate::provider::Call;

/// What the bound on the answer is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LengthField {
    /// `max_tokens`: what compatible servers know.
    Compatible,
    /// `max_completion_tokens`: what OpenAI's own newer models insist on.
    Openai,
}

impl LengthField {
    /// The field that the server at `host` knows.
    pub(super) fn of_host(host: &str) -> Self {
        if host == "api.openai.com" { Self::Openai } else { Self::Compatible }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Compatible => "max_tokens",
            Self::Openai => "max_completion_tokens",
        }
    }
}

/// The body for one call.
pub(super) fn body(call: &Call, length: LengthField) -> Vec<u8> {
    let mut request = json!({
        "model": call.model,
        "messages": [
            { "role": "system", "content": call.system },
            { "role": "user", "content": call.user },
        ],
        "stream": true,
        "stream_options": { "include_usage": true },
        "user": call.user_tag,
    });
    request[length.name()] = Value::from(call.max_tokens);
    request.to_string().into_bytes()
}
