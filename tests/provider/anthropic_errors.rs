//! Every row of the Messages API's error table.

use crate::fixture::{anthropic, ask, end_of};
use crate::upstream::{Behaviour, Upstream};

const FAILED: &str = "failed upstream_unavailable";
const REJECTED: &str = "rejected upstream_rejected";
const IN_A_MINUTE: &str = "paused until 2026-11-24T04:01:00.000Z";
const NEXT_MONTH: &str = "paused until 2026-12-01T00:00:00.000Z";

fn table() -> Vec<(Behaviour, &'static str)> {
    let status = Behaviour::status;
    let html = |code| status(code).raw("text/html", "<html><h1>TOP-SECRET sk-ant-1</h1></html>");
    let usage_limit = |text| status(400).message(text);
    vec![
        // 400, and the limits dressed as one.
        (status(400), REJECTED),
        (status(400).message("prompt is too long: 208310 tokens > 200000 maximum"), REJECTED),
        (
            usage_limit(
                "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.",
            ),
            NEXT_MONTH,
        ),
        (
            usage_limit(
                "You have reached your specified workspace API usage limits. You will regain access on \
                 2026-11-25 at 06:30 UTC.",
            ),
            "paused until 2026-11-25T06:30:00.000Z",
        ),
        (
            usage_limit(
                "You have reached your specified API usage limits. You will regain access on 2020-01-01 at 00:00 UTC.",
            ),
            IN_A_MINUTE,
        ),
        (
            usage_limit("You have reached your specified API usage limits. Ask again later."),
            "paused until 2026-11-24T05:00:00.000Z",
        ),
        (status(400).message("Your credit balance is too low to access the Anthropic API."), IN_A_MINUTE),
        // The operator's business.
        (status(401).message("invalid x-api-key sk-ant-api03-abcdef"), IN_A_MINUTE),
        (status(402), IN_A_MINUTE),
        (status(403), IN_A_MINUTE),
        (html(403), IN_A_MINUTE),
        (status(404).message("model: claude-none"), IN_A_MINUTE),
        (status(307).header("location", "http://127.0.0.1:1/"), IN_A_MINUTE),
        // The request's own fault.
        (status(404), REJECTED),
        (html(404), REJECTED),
        (status(413), REJECTED),
        (html(413), REJECTED),
        (status(422), REJECTED),
        // Limits.
        (status(429).header("retry-after", "7"), "limited after 7000ms"),
        (status(429).header("retry-after", "Tue, 24 Nov 2026 04:00:30 GMT"), "limited after 30000ms"),
        (status(429).header("retry-after", "9").header("x-should-retry", "true"), "limited after 9000ms"),
        (status(429), "limited"),
        (html(429), "limited"),
        (status(429).code("enforced_spend_limit_reached"), NEXT_MONTH),
        (status(429).header("x-should-retry", "false"), IN_A_MINUTE),
        // Trouble that passes.
        (status(408), FAILED),
        (status(409), FAILED),
        (status(500), FAILED),
        (html(502), FAILED),
        (html(503), FAILED),
        (status(504), FAILED),
        (status(529), FAILED),
        (status(529).header("retry-after", "3"), "failed upstream_unavailable after 3000ms"),
        (status(204), FAILED),
        // The upstream's own word overrides the class.
        (status(400).header("x-should-retry", "true"), FAILED),
        (status(413).header("x-should-retry", "true"), FAILED),
        (status(500).header("x-should-retry", "false"), REJECTED),
        // An error inside a 200 is what its type stands for.
        (Behaviour::error_event("overloaded_error", 4), FAILED),
        (Behaviour::error_event("api_error", 0), FAILED),
        (Behaviour::error_event("timeout_error", 1), FAILED),
        (Behaviour::error_event("never_heard_of_it", 1), FAILED),
        (Behaviour::error_event("rate_limit_error", 0), "limited"),
        (Behaviour::error_event("authentication_error", 0), IN_A_MINUTE),
        (Behaviour::error_event("billing_error", 0), IN_A_MINUTE),
        (Behaviour::error_event("permission_error", 0), IN_A_MINUTE),
        (Behaviour::error_event("invalid_request_error", 0), REJECTED),
        (Behaviour::error_event("request_too_large", 0), REJECTED),
        // Broken streams.
        (Behaviour::cut_after(0), FAILED),
        (Behaviour::cut_after(1), FAILED),
        (Behaviour::cut_after(5), FAILED),
        (Behaviour::garbage(), FAILED),
        (Behaviour::raw_stream(""), FAILED),
        (Behaviour::raw_stream("event: message_start\ndata: {\"type\":\n\n"), FAILED),
        // The model's own word.
        (Behaviour::default().stop_reason("refusal"), "rejected refused"),
    ]
}

#[tokio::test]
async fn every_row_of_the_error_table() {
    let upstream = Upstream::anthropic().start().await;
    let provider = anthropic(&upstream);
    for (row, (behaviour, expected)) in table().into_iter().enumerate() {
        upstream.push(behaviour.clone());
        assert_eq!(end_of(&provider).await, expected, "row {row}: {behaviour:?}");
    }
}

#[tokio::test]
async fn the_operator_reads_why_and_no_key() {
    let upstream = Upstream::anthropic().requires_key("sk-the-right-one").start().await;
    let wrong = diagramd::provider::Endpoint::new(
        upstream.url(),
        Some(diagramd::provider::ApiKey::new("sk-the-wrong-one")),
        crate::fixture::now,
    );
    let provider = diagramd::provider::anthropic::Anthropic::new(wrong).unwrap();
    let error = ask(&provider).await.0.unwrap_err();
    assert!(error.detail.contains("401 authentication_error"), "{}", error.detail);
    assert!(error.detail.contains("invalid x-api-key"), "{}", error.detail);
    assert!(error.detail.contains("upstream request req_"), "{}", error.detail);
    let shown = format!("{error:?} {provider:?}");
    assert!(!shown.contains("wrong-one"), "{shown}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Upstream::anthropic().start().await;
    let upstream = Upstream::anthropic().start().await;
    let location = format!("{}/v1/messages", elsewhere.url());
    upstream.push(Behaviour::status(307).header("location", &location));
    end_of(&anthropic(&upstream)).await;
    assert_eq!(elsewhere.ledger().len(), 0);
}
