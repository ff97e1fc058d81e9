//! PlantUML.

use std::fmt::Write;

use crate::provider::offline::sketch::{Outline, Sequence, Shape, Sketch};

use super::as_flow;

pub(super) fn write(sketch: &Sketch) -> String {
    match sketch {
        Sketch::Sequence(sequence) => messages(sequence),
        Sketch::Outline(outline) => mindmap(outline),
        Sketch::Flow(_) | Sketch::Entities(_) | Sketch::States(_) | Sketch::Tasks(_) | Sketch::Classes(_) => {
            boxes(sketch)
        }
    }
}

fn clean(text: &str) -> String {
    text.replace('"', "'").replace('\\', "/")
}

fn messages(sequence: &Sequence) -> String {
    let mut out = String::from("@startuml\n");
    // Writing to a String cannot fail.
    for (index, name) in sequence.participants.iter().enumerate() {
        let _ = writeln!(out, "participant \"{}\" as p{}", clean(name), index + 1);
    }
    for message in &sequence.messages {
        let arrow = if message.reply { "-->" } else { "->" };
        let _ = writeln!(out, "p{} {arrow} p{} : {}", message.from + 1, message.to + 1, clean(&message.text));
    }
    out + "@enduml"
}

fn mindmap(outline: &Outline) -> String {
    let mut out = format!("@startmindmap\n* {}\n", clean(&outline.root));
    for (depth, text) in &outline.items {
        let _ = writeln!(out, "{} {}", "*".repeat(depth + 2), clean(text));
    }
    out + "@endmindmap"
}

fn boxes(sketch: &Sketch) -> String {
    let flow = as_flow(sketch);
    let mut out = String::from("@startuml\n");
    for (index, (label, shape)) in flow.nodes.iter().enumerate() {
        let kind = match shape {
            Shape::Step => "rectangle",
            Shape::End => "usecase",
            Shape::Decision => "agent",
            Shape::Store => "database",
        };
        let _ = writeln!(out, "{kind} \"{}\" as n{}", clean(label), index + 1);
    }
    for (from, to, label) in &flow.edges {
        let label = label.as_ref().map_or(String::new(), |label| format!(" : {}", clean(label)));
        let _ = writeln!(out, "n{} --> n{}{label}", from + 1, to + 1);
    }
    out + "@enduml"
}
