//! The scripted upstream itself: quotas, ledger and script do what other tests rely on.

use std::time::Duration;

use diagramd::domain::TokenUsage;

use crate::fixture::{anthropic, ask, line};
use crate::upstream::{Behaviour, Gate, Kind, Outcome, Upstream, Window};

#[tokio::test]
async fn a_call_over_the_quota_is_refused_and_counted() {
    for window in [Window::Sliding, Window::Fixed, Window::Bucket] {
        // A minute of an hour: a bucket gives nothing back while the test runs.
        let hour = Duration::from_secs(3600);
        let upstream = Upstream::anthropic().requests_per_minute(3).window(window).minute(hour).start().await;
        let provider = anthropic(&upstream);
        for _ in 0..3 {
            ask(&provider).await.0.unwrap();
        }
        let (outcome, heard) = ask(&provider).await;
        let end = line(&outcome.unwrap_err().end);
        assert!(end.starts_with("limited after "), "{window:?}: {end}");
        assert_eq!(heard.limits[0].requests.unwrap().remaining, 0);
        assert_eq!(upstream.violations(), 1);
        assert_eq!(upstream.ledger().calls()[3].outcome, Outcome::OverQuota);
        assert_eq!(upstream.ledger().max_requests_in(Duration::from_secs(60)), 4);
    }
}

#[tokio::test]
async fn tokens_are_limited_as_they_are_used() {
    let upstream = Upstream::anthropic().tokens_per_minute(1000).start().await;
    let provider = anthropic(&upstream);
    upstream.push(Behaviour::default().usage(TokenUsage {
        input: 600,
        output: 300,
        ..TokenUsage::default()
    }));
    ask(&provider).await.0.unwrap();
    upstream.consume_elsewhere(1, 80, 20);
    assert!(ask(&provider).await.0.is_err());
    let span = Duration::from_secs(60);
    assert_eq!(upstream.ledger().max_tokens_in(span, Kind::Input), 600);
    assert_eq!(upstream.ledger().max_tokens_in(span, Kind::Output), 300);
    assert_eq!(upstream.ledger().max_tokens_in(span, Kind::All), 900);
}

#[tokio::test]
async fn a_hidden_consumer_takes_its_share() {
    let upstream = Upstream::anthropic().requests_per_minute(4).hidden_consumer_every(1).start().await;
    let provider = anthropic(&upstream);
    for _ in 0..2 {
        ask(&provider).await.0.unwrap();
    }
    assert!(ask(&provider).await.0.is_err());
}

#[tokio::test]
async fn held_calls_are_concurrent_until_they_are_let_go() {
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    upstream.always(Behaviour::default().hold(&gate));
    let provider = anthropic(&upstream);
    let all = async { tokio::join!(ask(&provider), ask(&provider), ask(&provider)) };
    let (_, ()) = tokio::join!(all, async {
        upstream.ledger().wait_for_calls(3).await;
        assert_eq!(upstream.ledger().in_flight(), 3);
        gate.let_pass(1);
        upstream.ledger().wait_for_ended(1).await;
        assert_eq!(upstream.ledger().in_flight(), 2);
        gate.open();
    });
    assert_eq!(upstream.ledger().max_concurrent(), 3);
    assert_eq!(upstream.ledger().max_concurrent_per_user(), 3);
}

#[tokio::test]
async fn a_script_sees_the_call() {
    let upstream = Upstream::anthropic().start().await;
    upstream.script(|call| match call.number {
        0 => Behaviour::status(529),
        _ => Behaviour::answer(call.prompt.to_string()),
    });
    let provider = anthropic(&upstream);
    assert!(ask(&provider).await.0.is_err());
    assert_eq!(ask(&provider).await.0.unwrap().text, "Draw my TOP-SECRET shop.");
}
