//! Graphviz DOT.

use std::fmt::Write;

use crate::provider::offline::sketch::{Flow, Shape};

pub(super) fn write(flow: &Flow) -> String {
    let rankdir = if flow.is_short_chain() { "LR" } else { "TB" };
    let mut out = format!("digraph G {{\n    rankdir={rankdir};\n    node [shape=box, style=rounded];\n");
    // Writing to a String cannot fail.
    for (index, node) in flow.nodes.iter().enumerate() {
        let shape = match node.shape {
            Shape::Step => "",
            Shape::End => ", shape=oval, style=solid",
            Shape::Decision => ", shape=diamond, style=solid",
            Shape::Store => ", shape=cylinder, style=solid",
        };
        let _ = writeln!(out, "    n{} [label={}{shape}];", index + 1, quoted(&node.label));
    }
    for edge in &flow.edges {
        let label = edge.label.as_ref().map_or(String::new(), |label| format!(" [label={}]", quoted(label)));
        let _ = writeln!(out, "    n{} -> n{}{label};", edge.from + 1, edge.to + 1);
    }
    out + "}"
}

/// A quoted string: a backslash would begin an escape (`\N` is the node's name), an ampersand an
/// HTML entity.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '&' => out.push_str("&amp;"),
            other => out.push(other),
        }
    }
    out + "\""
}
