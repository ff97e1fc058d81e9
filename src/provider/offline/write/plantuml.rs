//! PlantUML.

use std::fmt::Write;

use crate::provider::offline::sketch::{
    Bond, Classes, Entities, Flow, Length, Many, Message, Outline, Part, Plan, Sequence, Shape, Sketch, Start,
};

use super::names;

pub(super) fn write(sketch: &Sketch, title: &str) -> String {
    match sketch {
        Sketch::Flow(flow) => boxes(flow),
        Sketch::Sequence(sequence) => messages(sequence),
        Sketch::Entities(entities) => tables(entities),
        Sketch::States(states) => moves(states),
        Sketch::Plan(plan) => tasks(plan, title),
        Sketch::Classes(classes) => types(classes),
        Sketch::Outline(outline) => mindmap(outline),
    }
}

/// Text without markup: every sign that PlantUML, its wiki markup or its preprocessor reads is
/// written as `<U+XXXX>`. A preprocessor call in a label would read the server's environment.
fn clean(text: &str) -> String {
    let mut out = String::new();
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let is_safe = c.is_alphanumeric()
            || matches!(c, ' ' | ',' | '?' | '!' | '(' | ')' | ':' | '+')
            || (matches!(c, '.' | '/' | '-' | '_' | '\'') && at > 0 && before.is_alphanumeric())
            || !c.is_ascii();
        if is_safe && !(at == 0 && matches!(c, '!' | ':' | '+')) {
            out.push(c);
        } else {
            let _ = write!(out, "<U+{:04X}>", u32::from(c));
        }
        before = c;
    }
    out
}

// Writing to a String cannot fail, here and below.
fn boxes(flow: &Flow) -> String {
    let mut out = String::from("@startuml\n");
    for (index, node) in flow.nodes.iter().enumerate() {
        let kind = match node.shape {
            Shape::Step => "rectangle",
            Shape::End => "usecase",
            Shape::Decision => "agent",
            Shape::Store => "database",
        };
        let _ = writeln!(out, "{kind} \"{}\" as n{}", clean(&node.label), index + 1);
    }
    for edge in &flow.edges {
        let label = edge.label.as_ref().map_or(String::new(), |label| format!(" : {}", clean(label)));
        let _ = writeln!(out, "n{} --> n{}{label}", edge.from + 1, edge.to + 1);
    }
    out + "@enduml"
}

fn messages(sequence: &Sequence) -> String {
    let mut out = String::from("@startuml\n");
    for (index, name) in sequence.participants.iter().enumerate() {
        let _ = writeln!(out, "participant \"{}\" as p{}", clean(name), index + 1);
    }
    for part in &sequence.parts {
        match part {
            Part::Message(message) => out.push_str(&line(message)),
            Part::Choice { condition, yes, no } => {
                let _ = writeln!(out, "alt {}", clean(condition));
                yes.iter().for_each(|message| out.push_str(&line(message)));
                if !no.is_empty() {
                    out.push_str("else otherwise\n");
                    no.iter().for_each(|message| out.push_str(&line(message)));
                }
                out.push_str("end\n");
            }
        }
    }
    out + "@enduml"
}

fn line(message: &Message) -> String {
    let arrow = if message.is_reply { "-->" } else { "->" };
    format!("p{} {arrow} p{} : {}\n", message.from + 1, message.to + 1, clean(&message.text))
}

fn tables(entities: &Entities) -> String {
    let mut out = String::from("@startuml\nhide circle\n");
    for (index, entity) in entities.entities.iter().enumerate() {
        let _ = writeln!(out, "entity \"{}\" as e{} {{", clean(&entity.name), index + 1);
        for attribute in &entity.attributes {
            let _ = writeln!(out, "    {} {}", names::kind(&attribute.kind), clean(&attribute.name));
        }
        out.push_str("}\n");
    }
    for relation in &entities.relations {
        let ends = match relation.many {
            Many::Single => "||--||",
            Many::Several => "||--o{",
            Many::Mutual => "}o--o{",
        };
        let _ =
            writeln!(out, "e{} {ends} e{} : {}", relation.from + 1, relation.to + 1, clean(&relation.label));
    }
    out + "@enduml"
}

fn moves(states: &Flow) -> String {
    let mut out = String::from("@startuml\n");
    for (index, node) in states.nodes.iter().enumerate() {
        let _ = writeln!(out, "state \"{}\" as s{}", clean(&node.label), index + 1);
    }
    out.push_str("[*] --> s1\n");
    for edge in &states.edges {
        let label = edge.label.as_ref().map_or(String::new(), |label| format!(" : {}", clean(label)));
        let _ = writeln!(out, "s{} --> s{}{label}", edge.from + 1, edge.to + 1);
    }
    for (index, _) in states.nodes.iter().enumerate() {
        if states.edges.iter().all(|edge| edge.from != index) {
            let _ = writeln!(out, "s{} --> [*]", index + 1);
        }
    }
    out + "@enduml"
}

fn tasks(plan: &Plan, title: &str) -> String {
    let mut out = format!("@startgantt\ntitle {}\n", clean(title));
    let first = plan.tasks.iter().find_map(|task| match task.start {
        Start::On(day) => Some(day),
        Start::After(_) => None,
    });
    if let Some(first) = first {
        let earliest = plan.tasks.iter().fold(first, |earliest, task| match task.start {
            Start::On(day) => earliest.min(day),
            Start::After(_) => earliest,
        });
        let _ = writeln!(out, "Project starts {earliest}");
    }
    let mut section = None;
    for (index, task) in plan.tasks.iter().enumerate() {
        if task.section.is_some() && task.section != section {
            section.clone_from(&task.section);
            let _ = writeln!(out, "-- {} --", clean(section.as_deref().unwrap_or_default()));
        }
        let id = format!("[t{}]", index + 1);
        let name = clean(&task.name);
        match task.length {
            Length::Days(days) => {
                let _ = writeln!(out, "[{name}] as {id} lasts {days} days");
            }
            Length::Until(_) => {
                let _ = writeln!(out, "[{name}] as {id} lasts 1 days");
            }
            Length::Milestone => {
                let _ = writeln!(out, "[{name}] as {id} lasts 1 days");
            }
        }
        match task.start {
            Start::On(day) => {
                let _ = writeln!(out, "{id} starts {day}");
            }
            Start::After(before) => {
                let _ = writeln!(out, "{id} starts at [t{}]'s end", before + 1);
            }
        }
        if let Length::Until(end) = task.length {
            let _ = writeln!(out, "{id} ends {end}");
        }
    }
    out + "@endgantt"
}

fn types(classes: &Classes) -> String {
    let mut out = String::from("@startuml\n");
    for (index, class) in classes.classes.iter().enumerate() {
        let kind = match class.mark {
            Some("interface") => "interface",
            Some(_) => "abstract class",
            None => "class",
        };
        let _ = writeln!(out, "{kind} \"{}\" as c{} {{", clean(&class.name), index + 1);
        for field in &class.fields {
            let _ = writeln!(out, "    +{} : {}", clean(&field.name), names::kind(&field.kind));
        }
        for method in &class.methods {
            let _ = writeln!(out, "    +{}()", clean(method));
        }
        out.push_str("}\n");
    }
    for (bond, from, to) in &classes.relations {
        let arrow = match bond {
            Bond::Extends => "--|>",
            Bond::Implements => "..|>",
            Bond::Has => "*--",
            Bond::Uses => "..>",
        };
        let _ = writeln!(out, "c{} {arrow} c{}", from + 1, to + 1);
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
