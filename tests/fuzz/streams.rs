//! Damaged answers of an upstream: every request still ends, and well once the upstream is well.

use serde_json::Value;

use crate::bytes::{Damage, tries};
use crate::server::Server;
use crate::upstream::{Behaviour, Upstream};

const GOOD: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-sonnet-5-5\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":25,\"output_tokens\":1}}}\n\n\
event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n\
event: ping\ndata: {\"type\":\"ping\"}\n\n\
event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"```mermaid\\nflowchart TD\\n  A --> B\\n```\"}}\n\n\
event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n\
event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":15}}\n\n\
event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

#[tokio::test(flavor = "multi_thread")]
async fn damaged_streams_end_well_or_clearly() {
    let upstream = Upstream::anthropic().start().await;
    let server = Server::start(&format!(
        "[[upstreams]]\nname = \"main\"\nkind = \"anthropic\"\nbase_url = \"{}\"\napi_key = \"{}\"\nrequests_per_minute = 0\n\
         tokens_per_minute = 0\n[queue]\nretry_base = \"1ms\"\nretry_cap = \"2ms\"\n[server]\napi_requests_per_minute = 0\n\
         [tiers.enterprise]\nmax_queued = 1000\nrequests_per_hour = 1000000\nrequests_per_day = 1000000\n",
        upstream.url(),
        upstream.key()
    ));
    let key = server.key("ann", "enterprise", &[]);
    let mut damage = Damage::new(4);
    for n in 0..tries(120) {
        // One damaged answer, then sound ones: the request must get over it or say why it cannot.
        let bytes = damage.of(GOOD.as_bytes());
        upstream.push(Behaviour::raw_stream(bytes.clone()));
        let (status, accepted) = server.prompt(&key, &format!("number {n}")).await;
        assert_eq!(status, 202, "{accepted}");
        let ended: Value = server.ended(&key, accepted["requestId"].as_str().unwrap()).await;
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        match ended["status"].as_str().unwrap() {
            "completed" => assert!(!ended["result"].as_str().unwrap().is_empty(), "{shown}"),
            "failed" => assert!(ended["error"]["message"].is_string(), "{shown}\n{ended}"),
            other => panic!("{other}: {shown}"),
        }
    }
    assert_eq!(server.get("", "/healthz").await.0, 200);
    assert_eq!(server.panics(), Vec::<String>::new());
}
