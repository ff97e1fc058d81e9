//! The ends a call can have without an answer, with the words for user, operator and log.
//!
//! No text of an upstream gets into a log line or an answer unless it is of a class that speaks
//! about the account (keys, billing, models); the others might repeat the prompt.

use std::time::Duration;

use super::{CallError, Remedy, Trouble};
use crate::domain::failure::{Failure, FailureCode};
use crate::domain::lane::CallEnd;
use crate::domain::{Timestamp, TokenUsage};

/// Bytes of [`CallError::detail`].
const DETAIL_BYTES_MAX: usize = 300;
/// Bytes of a sentence of the upstream that is repeated to the operator.
const REASON_BYTES_MAX: usize = 200;

/// What an upstream said when it did not answer, as far as it may be repeated.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    /// The status, or the one that an error event stands for.
    pub(super) status: u16,
    /// `error.type`.
    pub(super) kind: String,
    /// `error.code` or `error.details.error_code`.
    pub(super) code: String,
    /// `error.message`: may repeat the prompt, so it is only used for known classes.
    pub(super) message: String,
    /// The upstream's own id of the request.
    pub(super) request_id: String,
}

impl Said {
    /// Status, type, code and request id: never any free text.
    pub(super) fn summary(&self) -> String {
        let mut text = self.status.to_string();
        for word in [&self.kind, &self.code] {
            if is_plain_word(word) {
                text.push(' ');
                text.push_str(word);
            }
        }
        if is_plain_word(&self.request_id) {
            text.push_str(", upstream request ");
            text.push_str(&self.request_id);
        }
        text
    }

    /// The message, for the classes that speak about the account.
    pub(super) fn reason(&self) -> String {
        let words: Vec<&str> = self.message.split_whitespace().map(masked).collect();
        let message = if words.is_empty() { "no reason given".to_owned() } else { words.join(" ") };
        let kind = if is_plain_word(&self.kind) { &self.kind } else { "error" };
        cut(format!("{} {kind}: {message}", self.status), REASON_BYTES_MAX)
    }
}

/// The lane waits; nothing is counted against the job.
pub(super) fn limited(retry_after: Option<Duration>, said: &Said) -> CallError {
    error(CallEnd::Limited { retry_after }, said.summary())
}

/// The lane stops for a reason that the upstream's message explains to the operator.
pub(super) fn paused(until: Option<Timestamp>, said: &Said) -> CallError {
    let reason = said.reason();
    let detail = format!("{}: {reason}", said.summary());
    let (what, remedy) = match said.status {
        401 | 407 => ("the upstream refuses the key", Remedy::ApiKey),
        403 => ("the upstream forbids the key to make this call", Remedy::ApiKey),
        404 => ("the upstream does not have the model", Remedy::Model),
        _ if said.code == "model_not_found" => ("the upstream does not have the model", Remedy::Model),
        _ => ("the upstream's account may not make calls now", Remedy::Account),
    };
    let trouble = Trouble { what: format!("{what} ({reason})"), remedy };
    CallError { trouble: Some(trouble), ..error(CallEnd::LanePaused { reason, until }, detail) }
}

/// The lane stops: the answer sends us elsewhere, and a key follows nobody.
pub(super) fn redirected(until: Option<Timestamp>, said: &Said) -> CallError {
    let reason = "the upstream redirects: its base_url is not the right one";
    let what = format!("the upstream redirects ({})", said.status);
    let end = CallEnd::LanePaused { reason: reason.to_owned(), until };
    let trouble = Some(Trouble { what, remedy: Remedy::BaseUrl });
    CallError { trouble, ..error(end, format!("{}: {reason}", said.summary())) }
}

/// A status that is worth another try.
pub(super) fn failed(retry_after: Option<Duration>, said: &Said) -> CallError {
    let end = CallEnd::Failed { failure: unavailable(), retry_after, unreachable: false };
    error(end, said.summary())
}

/// The stream ended too early or cannot be read.
pub(super) fn broken(detail: impl Into<String>) -> CallError {
    error(CallEnd::Failed { failure: unavailable(), retry_after: None, unreachable: false }, detail.into())
}

/// No connection could be made to `address`, because of `cause`.
pub(super) fn unreachable(address: &str, cause: &str) -> CallError {
    let end = CallEnd::Failed { failure: unavailable(), retry_after: None, unreachable: true };
    // "Connection refused (os error 111)"
    let plain = cause.split(" (os error").next().unwrap_or(cause);
    let what = cut(format!("{address} cannot be reached ({})", plain.to_lowercase()), REASON_BYTES_MAX);
    let trouble = Some(Trouble { what, remedy: Remedy::BaseUrl });
    CallError { trouble, ..error(end, format!("no connection to {address}: {cause}")) }
}

/// No byte came for too long.
pub(super) fn silent(silence: Duration) -> CallError {
    let failure = Failure {
        code: FailureCode::UpstreamTimeout,
        message: "The model's server stopped answering in the middle of the call. Try again later."
            .to_owned(),
        retryable: true,
    };
    let detail = format!("no byte from the upstream for {} ms", silence.as_millis());
    error(CallEnd::Failed { failure, retry_after: None, unreachable: false }, detail)
}

/// The upstream will never take this request; `advice` says to the user why or what to do.
pub(super) fn rejected(advice: &str, said: &Said) -> CallError {
    let failure =
        Failure { code: FailureCode::UpstreamRejected, message: advice.to_owned(), retryable: false };
    error(CallEnd::Rejected(failure), said.summary())
}

/// The model or a filter in front of it declined; `usage` is what the upstream counted, if it did.
pub(super) fn refused(detail: impl Into<String>, usage: Option<TokenUsage>) -> CallError {
    let failure = Failure {
        code: FailureCode::Refused,
        message: "The model declined to answer this prompt. Rephrase it and submit it again.".to_owned(),
        retryable: false,
    };
    CallError { usage, ..error(CallEnd::Rejected(failure), detail.into()) }
}

fn unavailable() -> Failure {
    Failure {
        code: FailureCode::UpstreamUnavailable,
        message: "The model's server could not be reached or kept failing. Try again later.".to_owned(),
        retryable: true,
    }
}

fn error(end: CallEnd, detail: String) -> CallError {
    CallError { end, detail: cut(detail, DETAIL_BYTES_MAX), trouble: None, usage: None }
}

fn cut(mut text: String, bytes_max: usize) -> String {
    text.truncate(text.floor_char_boundary(bytes_max));
    text
}

/// Error types, codes and ids are single words; anything else is not one and is left out.
fn is_plain_word(word: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':');
    !word.is_empty() && word.len() <= 64 && word.bytes().all(plain)
}

/// Some servers repeat the key, or half of it, when they refuse it.
fn masked(word: &str) -> &str {
    if word.contains("sk-") || word.contains("***") { "•••" } else { word }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_lines_have_no_free_text_and_no_key() {
        let said = Said {
            status: 401,
            kind: "draw my secret plan".to_owned(),
            code: "invalid_api_key".to_owned(),
            message: format!("Incorrect API key provided: sk-ant-1234. {}", "é".repeat(400)),
            request_id: "req_1".to_owned(),
        };
        assert_eq!(said.summary(), "401 invalid_api_key, upstream request req_1");
        let pause = paused(None, &said);
        assert!(pause.detail.len() <= DETAIL_BYTES_MAX);
        assert!(!pause.detail.contains("1234") && !pause.detail.contains("secret plan"), "{}", pause.detail);
        let told = pause.trouble.unwrap().sentence(&"main".into());
        assert!(!told.contains("1234") && !told.contains("secret plan"), "{told}");
    }

    #[test]
    fn the_operator_is_told_what_is_wrong_and_where_it_is_mended() {
        let told = |error: CallError| error.trouble.unwrap().sentence(&"main".into());
        let said = |status, kind: &str, message: &str| Said {
            status,
            kind: kind.to_owned(),
            message: message.to_owned(),
            ..Said::default()
        };
        assert_eq!(
            told(paused(None, &said(401, "authentication_error", "invalid x-api-key"))),
            "the upstream refuses the key (401 authentication_error: invalid x-api-key); check api_key of \
             [[upstreams]] main"
        );
        assert_eq!(
            told(paused(None, &said(404, "not_found_error", "model: claude-9"))),
            "the upstream does not have the model (404 not_found_error: model: claude-9); check model of \
             [[upstreams]] main"
        );
        assert_eq!(
            told(unreachable("http://127.0.0.1:9", "Connection refused (os error 111)")),
            "http://127.0.0.1:9 cannot be reached (connection refused); check base_url of [[upstreams]] main, \
             and that its server runs"
        );
        assert_eq!(failed(None, &said(500, "api_error", "draw my secret plan")).trouble, None);
    }
}
