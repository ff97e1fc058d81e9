//! Damaged answers of an upstream: each call ends, well or with a reason, and pretends nothing.

use diagramd::provider::{Answer, CallError};

use crate::bytes::{Damage, tries};
use crate::fixture::{anthropic, ask, openai};
use crate::upstream::{Behaviour, Upstream};

const GOOD: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-sonnet-5-5\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":25,\"output_tokens\":1}}}\n\n\
event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n\
event: ping\ndata: {\"type\":\"ping\"}\n\n\
event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"```mermaid\\nflowchart TD\\n  A --> B\\n```\"}}\n\n\
event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n\
event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":15}}\n\n\
event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

const GOOD_CHAT: &str = "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"flowchart TD\\n  A --> B\"},\"finish_reason\":null}]}\n\n\
data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":20,\"completion_tokens\":9,\"total_tokens\":29}}\n\n\
data: [DONE]\n\n";

#[tokio::test(flavor = "multi_thread")]
async fn damaged_answers_of_anthropic_end_well_or_clearly() {
    let upstream = Upstream::anthropic().start().await;
    let provider = anthropic(&upstream);
    let mut damage = Damage::new(4);
    for _ in 0..tries(1000) {
        let bytes = damage.of(GOOD.as_bytes());
        upstream.push(Behaviour::raw_stream(bytes.clone()));
        hold(&ask(&provider).await.0, &bytes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_answers_of_chat_completions_end_well_or_clearly() {
    let upstream = Upstream::chat().start().await;
    let provider = openai(&upstream);
    let mut damage = Damage::new(5);
    for _ in 0..tries(1000) {
        let bytes = damage.of(GOOD_CHAT.as_bytes());
        upstream.push(Behaviour::raw_stream(bytes.clone()));
        hold(&ask(&provider).await.0, &bytes);
    }
}

/// What holds for every end.
fn hold(outcome: &Result<Answer, CallError>, bytes: &[u8]) {
    let shown = String::from_utf8_lossy(bytes);
    match outcome {
        // An end without its mark would be a cut answer taken for a whole one.
        Ok(_) => assert!(shown.contains("stop") || shown.contains("[DONE]"), "{shown:?}"),
        Err(error) => assert!(!error.detail.is_empty() && error.detail.len() <= 300, "{shown:?}: {error:?}"),
    }
}
