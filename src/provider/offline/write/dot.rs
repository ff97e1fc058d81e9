//! Graphviz DOT.

use std::fmt::Write;

use crate::provider::offline::sketch::{Flow, Shape};

pub(super) fn write(flow: &Flow) -> String {
    let rankdir = if flow.is_short_chain() { "LR" } else { "TB" };
    let mut out = format!("digraph G {{\n    rankdir={rankdir};\n    node [shape=box, style=rounded];\n");
    // Writing to a String cannot fail.
    for (index, (label, shape)) in flow.nodes.iter().enumerate() {
        let shape = match shape {
            Shape::Step => "",
            Shape::End => ", shape=oval",
            Shape::Decision => ", shape=diamond, style=solid",
            Shape::Store => ", shape=cylinder, style=solid",
        };
        let _ = writeln!(out, "    n{} [label={}{shape}];", index + 1, quoted(label));
    }
    for (from, to, label) in &flow.edges {
        let label = label.as_ref().map_or(String::new(), |label| format!(" [label={}]", quoted(label)));
        let _ = writeln!(out, "    n{} -> n{}{label};", from + 1, to + 1);
    }
    out + "}"
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
