//! States: "from idle to running when started", "goes from A to B on X".

use crate::provider::offline::sketch::{Flow, Shape};
use crate::provider::offline::words;

/// What causes a move.
const CAUSES: &[&str] = &["when", "on", "after", "if", "once"];

/// The states of a text; `None` when it tells no move, unless arrows draw them.
pub(super) fn read(prompt: &str) -> Option<Flow> {
    let mut flow = Flow::default();
    if super::flow::has_arrows(prompt) {
        prompt.lines().for_each(|line| super::flow::arrows(words::unmarked(line), &mut flow));
        return (!flow.edges.is_empty()).then_some(flow);
    }
    for sentence in words::sentences(prompt) {
        for clause in sentence.split([',', ';']) {
            moves(clause, &mut flow);
        }
    }
    (!flow.edges.is_empty()).then_some(flow)
}

/// "from A to B when C", and on to the next "from".
fn moves(clause: &str, flow: &mut Flow) {
    let mut rest = clause;
    while let Some((_, after)) = words::split_at_word(rest, &["from"]) {
        let Some((from, target)) = words::split_at_word(after, &["to", "into"]) else { return };
        let (target, next) = match words::find_word(target, "from") {
            Some((at, _)) => (&target[..at], &target[at..]),
            None => (target, ""),
        };
        let (to, cause) = words::split_at_word(target, CAUSES).unwrap_or((target, ""));
        let ends = (words::label(from), words::label(to.trim_end_matches(" and")));
        if !ends.0.is_empty() && !ends.1.is_empty() {
            let nodes = (flow.node(&ends.0, Shape::Step), flow.node(&ends.1, Shape::Step));
            if let (Some(from), Some(to)) = nodes {
                let cause = words::label(cause.trim_end_matches(" and"));
                flow.edge(from, to, Some(cause).filter(|cause| !cause.is_empty()));
            }
        }
        rest = next;
    }
}
