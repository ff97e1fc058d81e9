//! What the tests share: a call, a listener that remembers, and ends in one readable line.

use std::time::Duration;

use diagramd::domain::lane::{CallEnd, LimitsSeen};
use diagramd::domain::trace::{Purpose, SpanContext};
use diagramd::domain::{DiagramType, Origin, Timestamp, TokenUsage};
use diagramd::provider::anthropic::Anthropic;
use diagramd::provider::openai::Openai;
use diagramd::provider::{Answer, ApiKey, Call, CallError, Endpoint, Listener, Provider};

use crate::upstream::Upstream;

/// The tests' clock stands at 2026-11-24T04:00:00Z.
pub fn now() -> Timestamp {
    Timestamp::parse("2026-11-24T04:00:00Z").expect("a valid date")
}

pub fn endpoint(upstream: &Upstream) -> Endpoint {
    Endpoint::new(upstream.url(), Some(ApiKey::new(upstream.key())), now)
}

pub fn anthropic(upstream: &Upstream) -> Anthropic {
    Anthropic::new(endpoint(upstream)).expect("a loopback address is a good one")
}

pub fn openai(upstream: &Upstream) -> Openai {
    Openai::new(endpoint(upstream)).expect("a loopback address is a good one")
}

pub fn call() -> Call {
    Call {
        model: "claude-sonnet-4-5".to_owned(),
        system: "You draw diagrams.".to_owned(),
        user: "Draw my TOP-SECRET shop.".to_owned(),
        prompt: "my TOP-SECRET shop".to_owned(),
        changes: false,
        template: None,
        diagram_type: DiagramType::Mermaid,
        max_tokens: 1234,
        trace: origin().headers(Purpose::Call(1)),
        user_tag: "tag-of-ada".to_owned(),
    }
}

/// Remembers everything it hears.
#[derive(Debug, Default)]
pub struct Heard {
    pub sent: u32,
    pub limits: Vec<LimitsSeen>,
    pub pieces: Vec<String>,
    pub usage: Option<TokenUsage>,
}

impl Listener for Heard {
    fn sent(&mut self) {
        self.sent += 1;
    }

    fn limits(&mut self, seen: LimitsSeen) {
        self.limits.push(seen);
    }

    fn text(&mut self, piece: &str) {
        self.pieces.push(piece.to_owned());
    }

    fn usage(&mut self, usage: TokenUsage) {
        self.usage = Some(usage);
    }
}

/// Makes one call and returns what came of it and what was heard.
pub async fn ask(provider: &dyn Provider) -> (Result<Answer, CallError>, Heard) {
    let mut heard = Heard::default();
    let outcome = provider.call(&call(), &mut heard).await;
    (outcome, heard)
}

/// One call that must fail: its end in one line. Checks what holds for every failure.
pub async fn end_of(provider: &dyn Provider) -> String {
    let (outcome, heard) = ask(provider).await;
    assert_eq!(heard.sent, 1, "a request that went out is told once");
    let error = outcome.expect_err("the call must fail");
    assert!(error.detail.len() <= 300, "{}", error.detail);
    assert!(!error.detail.contains("TOP-SECRET") && !error.detail.contains("sk-"), "{}", error.detail);
    line(&error.end)
}

/// An end in one line.
pub fn line(end: &CallEnd) -> String {
    let wait = |retry_after: &Option<Duration>| match retry_after {
        Some(wait) => format!(" after {}ms", wait.as_millis()),
        None => String::new(),
    };
    match end {
        CallEnd::Answered => "answered".to_owned(),
        CallEnd::Abandoned => "abandoned".to_owned(),
        CallEnd::Limited { retry_after } => format!("limited{}", wait(retry_after)),
        CallEnd::LanePaused { until: Some(until), .. } => format!("paused until {until}"),
        CallEnd::LanePaused { until: None, .. } => "paused".to_owned(),
        CallEnd::Failed { failure, retry_after, unreachable } => {
            assert!(failure.retryable);
            let unreachable = if *unreachable { " unreachable" } else { "" };
            format!("failed {}{}{unreachable}", failure.code.name(), wait(retry_after))
        }
        CallEnd::Rejected(failure) => {
            assert!(!failure.retryable);
            format!("rejected {}", failure.code.name())
        }
    }
}

/// Of a caller that has a trace of its own.
fn origin() -> Origin {
    let context = SpanContext::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap();
    Origin { state: Some("rojo=1".into()), ..Origin::of(context) }
}
