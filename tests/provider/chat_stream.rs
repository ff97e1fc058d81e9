//! The rules of a chat completion's stream, and what is sent.

use diagramd::domain::TokenUsage;
use diagramd::domain::lane::LimitSeen;
use diagramd::provider::openai::Openai;
use diagramd::provider::{Endpoint, Stop};
use serde_json::{Value, json};

use crate::fixture::{ask, now, openai};
use crate::upstream::{Behaviour, DEFAULT_TEXT, Upstream};

#[tokio::test]
async fn an_answer_arrives_in_pieces_with_its_usage() {
    let upstream = Upstream::chat().requests_per_minute(10).tokens_per_minute(90_000).start().await;
    let usage = TokenUsage { input: 30, output: 12, cache_read: 70, cache_write: 0 };
    upstream.push(Behaviour::default().usage(usage));
    let (answer, heard) = ask(&openai(&upstream)).await;
    let answer = answer.unwrap();
    assert_eq!((answer.text.as_str(), answer.stop, answer.estimated), (DEFAULT_TEXT, Stop::Done, false));
    assert_eq!((answer.usage, heard.usage), (usage, Some(usage)));
    assert_eq!((heard.pieces.len(), heard.sent), (4, 1));
    assert_eq!(heard.limits[0].requests, Some(LimitSeen { limit: 10, remaining: 9 }));
    assert_eq!(heard.limits[0].tokens.unwrap().limit, 90_000);
}

#[tokio::test]
async fn the_request_is_what_compatible_servers_know() {
    let upstream = Upstream::chat().start().await;
    ask(&openai(&upstream)).await.0.unwrap();
    let received = &upstream.ledger().calls()[0];
    let body: Value = serde_json::from_slice(&received.body).unwrap();
    assert_eq!(
        body,
        json!({
            "model": "claude-sonnet-4-5",
            "max_tokens": 1234,
            "messages": [
                { "role": "system", "content": "You draw diagrams." },
                { "role": "user", "content": "Draw my TOP-SECRET shop." },
            ],
            "stream": true,
            "stream_options": { "include_usage": true },
            "user": "tag-of-ada",
        })
    );
}

#[tokio::test]
async fn a_server_may_need_no_key_and_its_address_may_end_in_v1() {
    let upstream = Upstream::chat().without_key().start().await;
    for address in [upstream.url(), format!("{}/v1", upstream.url()), format!("{}/v1/", upstream.url())] {
        let provider = Openai::new(Endpoint::new(address, None, now)).unwrap();
        ask(&provider).await.0.unwrap();
    }
    assert!(upstream.ledger().calls().iter().all(|call| !call.headers.contains_key("authorization")));
}

#[tokio::test]
async fn usage_that_nobody_reports_is_estimated_from_bytes() {
    let upstream = Upstream::chat().start().await;
    upstream.push(Behaviour::default().without_usage());
    let (answer, heard) = ask(&openai(&upstream)).await;
    let answer = answer.unwrap();
    assert!(answer.estimated);
    assert_eq!(answer.usage, upstream.ledger().usage(), "the scripted one bills by the same rule");
    assert_eq!(heard.usage, Some(answer.usage));
}

#[tokio::test]
async fn a_full_window_is_a_cut_off_answer() {
    let upstream = Upstream::chat().start().await;
    upstream.push(Behaviour::default().stop_reason("length"));
    assert_eq!(ask(&openai(&upstream)).await.0.unwrap().stop, Stop::CutOff);
}

#[tokio::test]
async fn an_answer_without_done_is_whole_when_the_model_said_why_it_stopped() {
    let upstream = Upstream::chat().start().await;
    let stream = "data: {\"choices\":[{\"delta\":{\"content\":\"flowchart\"},\"finish_reason\":null}]}\n\n\
                  data: {\"choices\":[{\"delta\":{\"content\":null},\"finish_reason\":\"stop\"}],\"usage\":null}";
    upstream.push(Behaviour::raw_stream(stream));
    assert_eq!(ask(&openai(&upstream)).await.0.unwrap().text, "flowchart");
}
