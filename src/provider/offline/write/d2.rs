//! D2.

use std::fmt::Write;

use crate::provider::offline::sketch::{
    Bond, Classes, Entities, Flow, Many, Message, Part, Sequence, Shape, Sketch,
};

use super::{boxes, names};

pub(super) fn write(sketch: &Sketch) -> String {
    match sketch {
        Sketch::Sequence(sequence) => messages(sequence),
        Sketch::Entities(entities) => tables(entities),
        Sketch::Classes(classes) => types(classes),
        Sketch::Flow(_) | Sketch::States(_) | Sketch::Plan(_) | Sketch::Outline(_) => {
            shapes(&boxes::of(sketch))
        }
    }
}

/// A double-quoted string: a dollar sign would begin a substitution.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' | '$' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
    out + "\""
}

// Writing to a String cannot fail, here and below.
fn shapes(flow: &Flow) -> String {
    let mut out = format!("direction: {}\n", if flow.is_short_chain() { "right" } else { "down" });
    for (index, node) in flow.nodes.iter().enumerate() {
        let _ = writeln!(out, "n{}: {}", index + 1, quoted(&node.label));
        let shape = match node.shape {
            Shape::Step => continue,
            Shape::End => "oval",
            Shape::Decision => "diamond",
            Shape::Store => "cylinder",
        };
        let _ = writeln!(out, "n{}.shape: {shape}", index + 1);
    }
    for edge in &flow.edges {
        let label = edge.label.as_ref().map_or(String::new(), |label| format!(": {}", quoted(label)));
        let _ = writeln!(out, "n{} -> n{}{label}", edge.from + 1, edge.to + 1);
    }
    out
}

fn messages(sequence: &Sequence) -> String {
    let mut out = String::from("shape: sequence_diagram\n");
    for (index, name) in sequence.participants.iter().enumerate() {
        let _ = writeln!(out, "p{}: {}", index + 1, quoted(name));
    }
    let line = |message: &Message| {
        format!("p{} -> p{}: {}", message.from + 1, message.to + 1, quoted(&message.text))
    };
    for (index, part) in sequence.parts.iter().enumerate() {
        match part {
            Part::Message(message) => {
                let _ = writeln!(out, "{}", line(message));
            }
            Part::Choice { condition, yes, no } => {
                for (suffix, title, list) in
                    [("a", condition.clone(), yes), ("b", format!("otherwise: {condition}"), no)]
                {
                    if list.is_empty() {
                        continue;
                    }
                    let _ = writeln!(out, "g{}{suffix}: {} {{", index + 1, quoted(&title));
                    list.iter().for_each(|message| {
                        let _ = writeln!(out, "  {}", line(message));
                    });
                    let _ = writeln!(out, "}}");
                }
            }
        }
    }
    out
}

fn tables(entities: &Entities) -> String {
    let mut out = String::new();
    for (index, entity) in entities.entities.iter().enumerate() {
        let _ = writeln!(out, "e{}: {} {{\n  shape: sql_table", index + 1, quoted(&entity.name));
        for attribute in &entity.attributes {
            let lower = attribute.name.to_lowercase();
            let key = match lower.as_str() {
                "id" => " {constraint: primary_key}",
                other if other.ends_with("_id") => " {constraint: foreign_key}",
                _ => "",
            };
            let _ = writeln!(out, "  {}: {}{key}", key_of(&attribute.name), names::kind(&attribute.kind));
        }
        let _ = writeln!(out, "}}");
    }
    for relation in &entities.relations {
        let ends = match relation.many {
            Many::Single => ("cf-one-required", "cf-one-required"),
            Many::Several => ("cf-one-required", "cf-many"),
            Many::Mutual => ("cf-many", "cf-many"),
        };
        let _ = writeln!(
            out,
            "e{} <-> e{}: {} {{\n  source-arrowhead.shape: {}\n  target-arrowhead.shape: {}\n}}",
            relation.from + 1,
            relation.to + 1,
            quoted(&relation.label),
            ends.0,
            ends.1
        );
    }
    out
}

fn types(classes: &Classes) -> String {
    let mut out = String::new();
    for (index, class) in classes.classes.iter().enumerate() {
        let _ = writeln!(out, "c{}: {} {{\n  shape: class", index + 1, quoted(&class.name));
        for field in &class.fields {
            let _ = writeln!(out, "  {}: {}", key_of(&field.name), names::kind(&field.kind));
        }
        for method in &class.methods {
            let _ = writeln!(out, "  {}: void", quoted(&format!("{method}()")));
        }
        let _ = writeln!(out, "}}");
    }
    for (bond, from, to) in &classes.relations {
        let _ = writeln!(out, "c{} -> c{}: {}", from + 1, to + 1, boxes::verb(*bond));
        if *bond == Bond::Extends {
            let _ = writeln!(out, "(c{} -> c{})[0].target-arrowhead.shape: triangle", from + 1, to + 1);
        }
    }
    out
}

/// A column's name; D2 reserves words like `label` even where they are quoted.
fn key_of(name: &str) -> String {
    const RESERVED: &[&str] = &[
        "label",
        "shape",
        "icon",
        "style",
        "width",
        "height",
        "class",
        "classes",
        "constraint",
        "tooltip",
        "link",
        "near",
        "top",
        "left",
        "direction",
        "vars",
        "source-arrowhead",
        "target-arrowhead",
        "layers",
        "scenarios",
        "steps",
        "grid-rows",
        "grid-columns",
        "grid-gap",
        "vertical-gap",
        "horizontal-gap",
        "desc",
        "filled",
        "opacity",
        "stroke",
        "fill",
        "font",
        "font-size",
        "font-color",
        "bold",
        "italic",
        "underline",
        "shadow",
        "multiple",
        "animated",
        "3d",
        "double-border",
        "border-radius",
        "stroke-width",
        "stroke-dash",
        "fill-pattern",
        "text-transform",
        "null",
    ];
    let is_reserved = RESERVED.contains(&name.to_lowercase().as_str());
    quoted(&if is_reserved { format!("{name}_") } else { name.to_owned() })
}
