//! `plan`: presets of an upstream's limits, and explicit keys over them.

use serde_json::{Value, json};

use crate::binary::Place;

/// Requests, tokens, input tokens and output tokens a minute.
fn limits(kind: &str, lines: &str) -> [u64; 4] {
    let place =
        Place::with(&format!("[[upstreams]]\nkind = \"{kind}\"\nmodel = \"claude-haiku-5-5\"\n{lines}\n"));
    let ran = place.run(&["config", "show", "--json"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let shown: Value = serde_json::from_str(&ran.out).unwrap();
    let lane = &shown["upstreams"][0];
    ["requests", "tokens", "input_tokens", "output_tokens"]
        .map(|what| lane[format!("{what}_per_minute")].as_u64().unwrap())
}

#[test]
fn a_plan_sets_both_limits_and_explicit_keys_win() {
    for kind in ["anthropic", "openai"] {
        assert_eq!(limits(kind, "plan = \"5x\""), [25, 200_000, 0, 0], "{kind}");
        assert_eq!(limits(kind, "plan = \"20x\""), [100, 800_000, 0, 0], "{kind}");
        assert_eq!(limits(kind, "plan = \"20x\"\nrequests_per_minute = 7"), [7, 800_000, 0, 0], "{kind}");
        assert_eq!(limits(kind, "plan = \"20x\"\ntokens_per_minute = 0"), [100, 0, 0, 0], "{kind}");
        let split = "plan = \"5x\"\ninput_tokens_per_minute = 30000\noutput_tokens_per_minute = 8000";
        assert_eq!(limits(kind, split), [25, 200_000, 30_000, 8000], "{kind}");
    }
    assert_eq!(limits("anthropic", ""), [25, 200_000, 0, 0], "the default is 5x's");
    assert_eq!(limits("anthropic", "plan = \"\""), [25, 200_000, 0, 0]);
    assert_eq!(limits("openai", ""), [0; 4], "a server of one's own is not limited");
}

#[test]
fn the_limits_of_a_plan_are_in_force() {
    let place = Place::with("[[upstreams]]\nkind = \"anthropic\"\nplan = \"20x\"\n");
    let shown: Value = serde_json::from_str(&place.run(&["config", "show", "--json"]).out).unwrap();
    assert_eq!(shown["upstreams"][0]["max_concurrent"], json!(8), "a plan says nothing of concurrency");
    let bad = Place::with("[[upstreams]]\nplan = \"10x\"\n").run(&["config", "check"]);
    assert_eq!(bad.status, 78);
    assert!(bad.err.contains("\"10x\" is not one of 5x, 20x"), "{}", bad.err);
}
