//! Mermaid.

use std::fmt::{Result, Write};

use crate::provider::offline::sketch::{Flow, Outline, Shape, Sketch};

mod escape;
mod plan;
mod sequence;
mod types;

use super::names;
use escape::{plain, quoted};

pub(super) fn write(sketch: &Sketch, title: &str) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = match sketch {
        Sketch::Flow(flow) => flowchart(&mut out, flow),
        Sketch::Sequence(sequence) => sequence::write(&mut out, sequence),
        Sketch::Entities(entities) => types::entities(&mut out, entities),
        Sketch::States(states) => moves(&mut out, states),
        Sketch::Plan(plan) => plan::write(&mut out, plan, title),
        Sketch::Classes(classes) => types::classes(&mut out, classes),
        Sketch::Outline(outline) => mindmap(&mut out, outline),
    };
    out
}

fn flowchart(out: &mut String, flow: &Flow) -> Result {
    writeln!(out, "flowchart {}", if flow.is_short_chain() { "LR" } else { "TD" })?;
    for (index, node) in flow.nodes.iter().enumerate() {
        let label = quoted(&node.label);
        let (open, close) = match node.shape {
            Shape::Step => ("[", "]"),
            Shape::End => ("([", "])"),
            Shape::Decision => ("{", "}"),
            Shape::Store => ("[(", ")]"),
        };
        writeln!(out, "    n{}{open}{label}{close}", index + 1)?;
    }
    for edge in &flow.edges {
        let label = edge.label.as_ref().map_or(String::new(), |label| format!("|{}|", quoted(label)));
        writeln!(out, "    n{} -->{label} n{}", edge.from + 1, edge.to + 1)?;
    }
    Ok(())
}

fn moves(out: &mut String, states: &Flow) -> Result {
    writeln!(out, "stateDiagram-v2")?;
    let id = |at: usize| names::id(&states.nodes[at].label, 's', at + 1);
    for (at, node) in states.nodes.iter().enumerate() {
        let id = id(at);
        if id == node.label {
            writeln!(out, "    {id}")?;
        } else {
            writeln!(out, "    state {} as {id}", quoted(&node.label))?;
        }
    }
    if !states.nodes.is_empty() {
        writeln!(out, "    [*] --> {}", id(0))?;
    }
    for edge in &states.edges {
        let label = edge.label.as_ref().map_or(String::new(), |label| format!(" : {}", plain(label)));
        writeln!(out, "    {} --> {}{label}", id(edge.from), id(edge.to))?;
    }
    let last = (0..states.nodes.len()).filter(|node| states.edges.iter().all(|edge| edge.from != *node));
    for node in last {
        writeln!(out, "    {} --> [*]", id(node))?;
    }
    Ok(())
}

fn mindmap(out: &mut String, outline: &Outline) -> Result {
    writeln!(out, "mindmap\n  root(({}))", quoted(&outline.root))?;
    for (index, (depth, text)) in outline.items.iter().enumerate() {
        writeln!(out, "{}n{}[{}]", " ".repeat(4 + 2 * depth), index + 1, quoted(text))?;
    }
    Ok(())
}
