//! The two wires: what is read out of a request, and the events of an answer.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use diagramd::domain::TokenUsage;
use hyper::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::behaviour::{Answer, Ending, Status};
use super::{Outcome, ReceivedCall};

/// Which API is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Anthropic,
    Chat,
}

/// One event of a stream and the output tokens it stands for.
pub(super) struct Piece {
    pub(super) bytes: Bytes,
    pub(super) output: u64,
    pub(super) is_text: bool,
}

impl Dialect {
    /// The one path that is served.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Anthropic => "/v1/messages",
            Self::Chat => "/v1/chat/completions",
        }
    }

    /// The header that has the request's id.
    pub(super) fn id_header(self) -> &'static str {
        match self {
            Self::Anthropic => "request-id",
            Self::Chat => "x-request-id",
        }
    }

    /// Reads a request; the reason when it is not one.
    pub(super) fn read(self, at: Instant, headers: &HeaderMap, body: &Bytes) -> Result<ReceivedCall, String> {
        let request: Request = serde_json::from_slice(body).map_err(|fault| fault.to_string())?;
        if !request.stream {
            return Err("only streams are scripted".to_owned());
        }
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let of = |role: &str| request.messages.iter().rev().find(|message| message.role == role);
        let (system, user_id, key) = match self {
            Self::Anthropic => {
                if header("anthropic-version") != Some("2023-06-01") {
                    return Err("anthropic-version: header is required".to_owned());
                }
                (text_of(&request.system), request.metadata.user_id, header("x-api-key"))
            }
            Self::Chat => (
                of("system").map_or(String::new(), |message| text_of(&message.content)),
                request.user,
                header("authorization").and_then(|value| value.strip_prefix("Bearer ")),
            ),
        };
        Ok(ReceivedCall {
            number: 0,
            at,
            ended: None,
            outcome: Outcome::InFlight,
            usage: TokenUsage::default(),
            prompt: Arc::from(of("user").map_or(String::new(), |message| text_of(&message.content))),
            model: request.model,
            api_key: key.map(str::to_owned),
            user_id,
            max_tokens: request.max_tokens,
            system: Arc::from(system),
            body: body.clone(),
            headers: headers.clone(),
        })
    }

    /// The events of an answer to the end that its script foresees.
    pub(super) fn stream(self, call: &ReceivedCall, answer: &Answer, usage: TokenUsage) -> Vec<Piece> {
        let mut pieces = match self {
            Self::Anthropic => anthropic_stream(call, answer, usage),
            Self::Chat => chat_stream(call, answer, usage),
        };
        match &answer.ending {
            Ending::Whole => {}
            Ending::Cut { after } | Ending::Stall { after } => pieces.truncate(*after),
            Ending::Error { after, kind, message } => {
                pieces.truncate(*after);
                let error = self.error(kind, message, None);
                let bytes = match self {
                    Self::Anthropic => named(&error),
                    Self::Chat => unnamed(&error),
                };
                pieces.push(Piece { bytes, output: 0, is_text: false });
            }
        }
        pieces
    }

    /// The body of an error status.
    pub(super) fn error_body(self, status: &Status) -> Value {
        self.error(&status.kind, &status.message, status.code.as_deref())
    }

    fn error(self, kind: &str, message: &str, code: Option<&str>) -> Value {
        match self {
            Self::Anthropic => {
                let mut error = json!({ "type": kind, "message": message });
                if let Some(code) = code {
                    error["details"] = json!({ "error_code": code });
                }
                json!({ "type": "error", "error": error, "request_id": "req_scripted" })
            }
            Self::Chat => {
                json!({ "error": { "message": message, "type": kind, "param": null, "code": code } })
            }
        }
    }
}

fn anthropic_stream(call: &ReceivedCall, answer: &Answer, usage: TokenUsage) -> Vec<Piece> {
    let input = json!({
        "input_tokens": usage.input,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
        "output_tokens": 1,
    });
    let mut pieces = vec![
        silent(named(&json!({ "type": "message_start", "message": {
            "id": format!("msg_{}", call.number), "type": "message", "role": "assistant", "model": call.model,
            "content": [], "stop_reason": null, "stop_sequence": null, "usage": input,
        }}))),
        silent(named(&json!({
            "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" },
        }))),
        silent(named(&json!({ "type": "ping" }))),
    ];
    pieces.extend(deltas(answer, usage.output, |text| {
        named(&json!({
            "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": text },
        }))
    }));
    let reason = answer.stop_reason.as_deref().unwrap_or("end_turn");
    pieces.extend([
        silent(named(&json!({ "type": "content_block_stop", "index": 0 }))),
        silent(named(&json!({
            "type": "message_delta", "delta": { "stop_reason": reason, "stop_sequence": null },
            "usage": { "output_tokens": usage.output },
        }))),
        silent(named(&json!({ "type": "message_stop" }))),
    ]);
    pieces
}

fn chat_stream(call: &ReceivedCall, answer: &Answer, usage: TokenUsage) -> Vec<Piece> {
    let id = format!("chatcmpl-{}", call.number);
    let chunk = |choices: Value| json!({ "id": id, "object": "chat.completion.chunk", "model": call.model, "choices": choices });
    let one = |delta: Value, reason: Option<&str>| {
        unnamed(&chunk(json!([{ "index": 0, "delta": delta, "finish_reason": reason }])))
    };
    let mut pieces = vec![silent(one(json!({ "role": "assistant", "content": "" }), None))];
    pieces.extend(deltas(answer, usage.output, |text| one(json!({ "content": text }), None)));
    pieces.push(silent(one(json!({}), Some(answer.stop_reason.as_deref().unwrap_or("stop")))));
    if answer.reports_usage {
        let mut last = chunk(json!([]));
        last["usage"] = json!({
            "prompt_tokens": usage.total_input(), "completion_tokens": usage.output,
            "prompt_tokens_details": { "cached_tokens": usage.cache_read },
        });
        pieces.push(silent(unnamed(&last)));
    }
    pieces.push(silent(Bytes::from_static(b"data: [DONE]\n\n")));
    pieces
}

/// The text in about equal pieces, each with its share of the output tokens.
fn deltas(answer: &Answer, output: u64, event: impl Fn(&str) -> Bytes) -> Vec<Piece> {
    let size = answer.text.len().div_ceil(answer.deltas).max(1);
    let (mut rest, mut billed, mut sent) = (answer.text.as_str(), 0, 0);
    let mut pieces = Vec::with_capacity(answer.deltas);
    while !rest.is_empty() {
        let (piece, tail) = rest.split_at(rest.ceil_char_boundary(size.min(rest.len())));
        (rest, sent) = (tail, sent + piece.len() as u64);
        let due = output * sent / answer.text.len() as u64;
        pieces.push(Piece { bytes: event(piece), output: due - billed, is_text: true });
        billed = due;
    }
    pieces
}

fn silent(bytes: Bytes) -> Piece {
    Piece { bytes, output: 0, is_text: false }
}

fn named(event: &Value) -> Bytes {
    Bytes::from(format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default()))
}

fn unnamed(event: &Value) -> Bytes {
    Bytes::from(format!("data: {event}\n\n"))
}

/// A string, or the text of text blocks.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => blocks.iter().filter_map(|block| block["text"].as_str()).collect(),
        _ => String::new(),
    }
}

#[derive(Deserialize)]
struct Request {
    model: String,
    #[serde(alias = "max_completion_tokens")]
    max_tokens: u64,
    messages: Vec<Message>,
    #[serde(default)]
    system: Value,
    #[serde(default)]
    stream: bool,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    user: String,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    content: Value,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    user_id: String,
}
