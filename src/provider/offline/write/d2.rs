//! D2.

use std::fmt::Write;

use crate::provider::offline::sketch::{Flow, Shape};

pub(super) fn write(flow: &Flow) -> String {
    let mut out = format!("direction: {}\n", if flow.is_short_chain() { "right" } else { "down" });
    // Writing to a String cannot fail.
    for (index, (label, shape)) in flow.nodes.iter().enumerate() {
        let _ = writeln!(out, "n{}: {}", index + 1, quoted(label));
        let shape = match shape {
            Shape::Step => continue,
            Shape::End => "oval",
            Shape::Decision => "diamond",
            Shape::Store => "cylinder",
        };
        let _ = writeln!(out, "n{}.shape: {shape}", index + 1);
    }
    for (from, to, label) in &flow.edges {
        let label = label.as_ref().map_or(String::new(), |label| format!(": {}", quoted(label)));
        let _ = writeln!(out, "n{} -> n{}{label}", from + 1, to + 1);
    }
    out.trim_end().to_owned()
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('$', ""))
}
