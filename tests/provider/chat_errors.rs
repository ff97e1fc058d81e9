//! What the errors of chat completions servers mean.

use crate::fixture::{end_of, openai};
use crate::upstream::{Behaviour, Upstream};

const FAILED: &str = "failed upstream_unavailable";
const REJECTED: &str = "rejected upstream_rejected";
const IN_A_MINUTE: &str = "paused until 2026-11-24T04:01:00.000Z";
const IN_FIVE: &str = "paused until 2026-11-24T04:05:00.000Z";

fn table() -> Vec<(Behaviour, &'static str)> {
    let status = Behaviour::status;
    let json = |code, body: &'static str| status(code).raw("application/json", body);
    vec![
        (status(400), REJECTED),
        (status(400).code("context_length_exceeded"), REJECTED),
        (status(400).code("content_filter"), "rejected refused"),
        (status(401).message("Incorrect API key provided: sk-abc***xyz."), IN_A_MINUTE),
        (status(403), IN_A_MINUTE),
        // Unknown models: OpenAI, Ollama twice, vLLM twice.
        (status(404).code("model_not_found"), IN_A_MINUTE),
        (json(404, r#"{"error":{"message":"model 'x' not found","type":"not_found_error"}}"#), IN_A_MINUTE),
        (json(404, r#"{"error":"model 'x' not found, try pulling it first"}"#), IN_A_MINUTE),
        (
            json(404, r#"{"object":"error","message":"The model `x` does not exist.","code":404}"#),
            IN_A_MINUTE,
        ),
        (
            json(
                404,
                r#"{"error":{"message":"The model `x` does not exist.","type":"NotFoundError","code":404}}"#,
            ),
            IN_A_MINUTE,
        ),
        (json(404, "404 page not found"), REJECTED),
        (status(413), REJECTED),
        (status(422), REJECTED),
        (status(429), "limited"),
        (status(429).header("retry-after", "2"), "limited after 2000ms"),
        (status(429).header("retry-after-ms", "150"), "limited after 150ms"),
        (status(429).kind("insufficient_quota"), IN_FIVE),
        (status(429).code("insufficient_quota").header("retry-after", "2"), IN_FIVE),
        (status(429).code("organization_spend_limit_exceeded"), IN_FIVE),
        (status(500), FAILED),
        (status(503).message("server busy, please try again. maximum pending requests exceeded"), FAILED),
        (status(503).header("retry-after", "5"), "failed upstream_unavailable after 5000ms"),
        (status(502).raw("text/html", "<html>"), FAILED),
        (status(504), FAILED),
        (status(500).header("x-should-retry", "false"), REJECTED),
        (status(302).header("location", "/elsewhere"), IN_A_MINUTE),
        (Behaviour::error_event("server_error", 2), FAILED),
        (Behaviour::error_event("rate_limit_exceeded", 2), "limited"),
        (Behaviour::error_event("insufficient_quota", 0), IN_FIVE),
        (Behaviour::error_event("invalid_request_error", 0), REJECTED),
        (Behaviour::raw_stream("data: {\"error\":{\"message\":\"busy\",\"code\":503}}\n\n"), FAILED),
        (Behaviour::raw_stream("data: {\"error\":\"out of memory\"}\n\n"), FAILED),
        (Behaviour::cut_after(0), FAILED),
        (Behaviour::cut_after(3), FAILED),
        (Behaviour::garbage(), FAILED),
        (Behaviour::raw_stream("data: [DONE]\n\n"), FAILED),
        (Behaviour::default().stop_reason("content_filter"), "rejected refused"),
        (
            Behaviour::raw_stream(
                "data: {\"choices\":[{\"delta\":{\"refusal\":\"I cannot\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
            ),
            "rejected refused",
        ),
    ]
}

#[tokio::test]
async fn every_row_of_the_error_table() {
    let upstream = Upstream::chat().start().await;
    let provider = openai(&upstream);
    for (row, (behaviour, expected)) in table().into_iter().enumerate() {
        upstream.push(behaviour.clone());
        assert_eq!(end_of(&provider).await, expected, "row {row}: {behaviour:?}");
    }
}
