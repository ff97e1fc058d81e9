//! The rules of the Messages API's stream, and what is sent.

use diagramd::domain::lane::LimitSeen;
use diagramd::domain::{TokenUsage, prices};
use diagramd::provider::Stop;
use serde_json::{Value, json};

use crate::fixture::{anthropic, ask};
use crate::upstream::{Behaviour, DEFAULT_TEXT, Upstream};

#[tokio::test]
async fn an_answer_arrives_in_pieces_and_whole() {
    let upstream = Upstream::anthropic().start().await;
    let (answer, heard) = ask(&anthropic(&upstream)).await;
    let answer = answer.unwrap();
    assert_eq!(answer.text, DEFAULT_TEXT);
    assert_eq!((answer.stop, answer.estimated), (Stop::Done, false));
    assert_eq!(heard.pieces.concat(), DEFAULT_TEXT);
    assert_eq!((heard.pieces.len(), heard.sent), (4, 1));
    assert_eq!(heard.usage, Some(answer.usage));
    assert_eq!(answer.usage, upstream.ledger().usage());
}

#[tokio::test]
async fn the_request_has_what_the_wire_wants_and_nothing_that_new_models_refuse() {
    let upstream = Upstream::anthropic().start().await;
    ask(&anthropic(&upstream)).await.0.unwrap();
    let received = &upstream.ledger().calls()[0];
    let body: Value = serde_json::from_slice(&received.body).unwrap();
    assert_eq!(
        body,
        json!({
            "model": "claude-sonnet-4-5",
            "max_tokens": 1234,
            "system": [
                { "type": "text", "text": "You draw diagrams.", "cache_control": { "type": "ephemeral" } },
            ],
            "messages": [{ "role": "user", "content": "Draw my TOP-SECRET shop." }],
            "stream": true,
            "metadata": { "user_id": "tag-of-ada" },
        })
    );
    let header = |name: &str| received.headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("anthropic-version"), "2023-06-01");
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("user-agent"), format!("diagramd/{}", env!("CARGO_PKG_VERSION")));
    assert_eq!(header("content-length"), received.body.len().to_string());
    assert!(!received.headers.contains_key("accept-encoding"));
}

#[tokio::test]
async fn the_golden_bill() {
    let upstream = Upstream::anthropic().start().await;
    let usage = TokenUsage { input: 3, output: 550, cache_read: 0, cache_write: 12_304 };
    upstream.push(Behaviour::default().usage(usage));
    let answer = ask(&anthropic(&upstream)).await.0.unwrap();
    let price = |model: &str| prices::built_in(model).unwrap();
    assert_eq!(price("claude-sonnet-4-5").cost(&answer.usage).to_string(), "0.054399000");
    assert_eq!(upstream.ledger().bill(price).to_string(), "0.054399000");
}

#[tokio::test]
async fn unknown_events_nulls_and_padding_are_passed_over() {
    let stream = concat!(
        ": a comment\r\n\r\n",
        "event: message_start\r\ndata:   {\"type\": \"message_start\", \"message\": {\"usage\": {\"input_tokens\": 5,",
        " \"cache_creation_input_tokens\": null, \"cache_read_input_tokens\": 2, \"output_tokens\": 1}}}   \r\n\r\n",
        "event: from_the_future\ndata: not even json\n\n",
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"thinking_delta\",",
        "\"thinking\":\"hm\",\"text\":\"not this\"}}\n\n",
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",",
        "\"text\":\"flow\"}}\n\n",
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\n",
        "data: \"delta\":{\"type\":\"text_delta\",\"text\":\"chart →\"}}\n\n",
        "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":null},",
        "\"usage\":{\"output_tokens\":7}}\n\n",
        "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"bored\"},",
        "\"usage\":{\"output_tokens\":9,\"input_tokens\":null,\"cache_creation_input_tokens\":4}}\n\n",
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    );
    let upstream = Upstream::anthropic().start().await;
    upstream.push(Behaviour::raw_stream(stream));
    let answer = ask(&anthropic(&upstream)).await.0.unwrap();
    assert_eq!(answer.text, "flowchart →");
    assert_eq!(answer.stop, Stop::Done);
    assert_eq!(answer.usage, TokenUsage { input: 5, output: 9, cache_read: 2, cache_write: 4 });
}

#[tokio::test]
async fn a_full_window_is_a_cut_off_answer() {
    let upstream = Upstream::anthropic().start().await;
    for (reason, stop) in [
        ("max_tokens", Stop::CutOff),
        ("model_context_window_exceeded", Stop::CutOff),
        ("stop_sequence", Stop::Done),
        ("never_heard_of_it", Stop::Done),
    ] {
        upstream.push(Behaviour::default().stop_reason(reason));
        assert_eq!(ask(&anthropic(&upstream)).await.0.unwrap().stop, stop, "{reason}");
    }
}

#[tokio::test]
async fn what_a_failed_call_used_is_told() {
    let upstream = Upstream::anthropic().start().await;
    let usage = TokenUsage { input: 100, output: 40, cache_read: 7, cache_write: 0 };
    upstream.push(Behaviour::default().usage(usage).stop_reason("refusal"));
    assert_eq!(ask(&anthropic(&upstream)).await.1.usage, Some(usage));

    // Three events before the text, then two of its four pieces: half the text's bytes by four.
    upstream.push(Behaviour::cut_after(5));
    let (_, heard) = ask(&anthropic(&upstream)).await;
    let arrived = heard.pieces.concat().len() as u64;
    assert!(arrived > 0);
    assert_eq!(heard.usage.unwrap().output, arrived.div_ceil(4));
    assert!(heard.usage.unwrap().input > 0);
}

#[tokio::test]
async fn an_endless_answer_is_cut_at_its_bound() {
    let upstream = Upstream::anthropic().start().await;
    upstream.push(Behaviour::answer("x".repeat(5 << 20)).deltas(50));
    assert_eq!(crate::fixture::end_of(&anthropic(&upstream)).await, "failed upstream_unavailable");
    upstream.push(Behaviour::answer("x".repeat(2 << 20)).deltas(1));
    assert_eq!(crate::fixture::end_of(&anthropic(&upstream)).await, "failed upstream_unavailable");
}

#[tokio::test]
async fn limits_are_told_on_answers_and_on_errors() {
    let upstream = Upstream::anthropic().requests_per_minute(50).output_tokens_per_minute(8000).start().await;
    let (_, heard) = ask(&anthropic(&upstream)).await;
    assert_eq!(heard.limits[0].requests, Some(LimitSeen { limit: 50, remaining: 49 }));
    assert_eq!(heard.limits[0].output_tokens, Some(LimitSeen { limit: 8000, remaining: 8000 }));
    assert_eq!((heard.limits[0].input_tokens, heard.limits[0].tokens), (None, None));
    upstream.push(Behaviour::status(529));
    let (_, heard) = ask(&anthropic(&upstream)).await;
    assert_eq!(heard.limits[0].requests, Some(LimitSeen { limit: 50, remaining: 48 }));
}
