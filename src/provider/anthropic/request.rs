//! The body of a Messages request.
//!
//! Newer models refuse sampling parameters and prefilled answers, so none is ever sent.

use serde::Serialize;

use crate::provider::Call;

/// The body for one call.
pub(super) fn body(call: &Call) -> Vec<u8> {
    let request = Request {
        model: &call.model,
        max_tokens: call.max_tokens,
        // The system prompt is the same for every request of a language: worth caching. Below a
        // size that depends on the model the mark is silently ignored.
        system: [Block { kind: "text", text: &call.system, cache_control: Cache { kind: "ephemeral" } }],
        messages: [Message { role: "user", content: &call.user }],
        stream: true,
        metadata: Metadata { user_id: &call.user_tag },
    };
    serde_json::to_vec(&request).expect("strings and numbers always serialize")
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    max_tokens: u32,
    system: [Block<'a>; 1],
    messages: [Message<'a>; 1],
    stream: bool,
    metadata: Metadata<'a>,
}

#[derive(Serialize)]
struct Block<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    text: &'a str,
    cache_control: Cache,
}

#[derive(Serialize)]
struct Cache {
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

#[derive(Serialize)]
struct Metadata<'a> {
    user_id: &'a str,
}
