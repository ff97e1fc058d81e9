//! Any sketch as boxes and arrows, for a language that draws nothing else. A label may have
//! several lines.

use crate::provider::offline::sketch::{
    Attribute, Bond, Classes, Edge, Entities, Flow, Length, Many, Node, Outline, Part, Plan, Sequence, Shape,
    Sketch, Start,
};

/// The boxes and arrows of a sketch.
pub(super) fn of(sketch: &Sketch) -> Flow {
    match sketch {
        Sketch::Flow(flow) | Sketch::States(flow) => flow.clone(),
        Sketch::Sequence(sequence) => messages(sequence),
        Sketch::Entities(entities) => relations(entities),
        Sketch::Plan(plan) => tasks(plan),
        Sketch::Classes(classes) => types(classes),
        Sketch::Outline(outline) => tree(outline),
    }
}

fn boxed(label: String, shape: Shape) -> Node {
    Node { label, shape }
}

/// Messages carry their number: a drawing of boxes has no time.
fn messages(sequence: &Sequence) -> Flow {
    let mut flow = Flow::default();
    flow.nodes.extend(sequence.participants.iter().map(|name| boxed(name.clone(), Shape::Step)));
    let mut number = 0;
    for part in &sequence.parts {
        let (list, condition) = match part {
            Part::Message(message) => (vec![(message, "")], None),
            Part::Choice { condition, yes, no } => {
                let list = yes
                    .iter()
                    .map(|message| (message, "if "))
                    .chain(no.iter().map(|message| (message, "unless ")))
                    .collect();
                (list, Some(condition))
            }
        };
        for (message, when) in list {
            number += 1;
            let condition = condition.map_or(String::new(), |condition| format!(" ({when}{condition})"));
            let label = Some(format!("{number}. {}{condition}", message.text));
            flow.edges.push(Edge { from: message.from, to: message.to, label });
        }
    }
    flow
}

fn described(name: &str, lines: impl Iterator<Item = String>) -> String {
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        return name.to_owned();
    }
    std::iter::once(name.to_owned())
        .chain(std::iter::once("──────".to_owned()))
        .chain(lines)
        .collect::<Vec<_>>()
        .join("\n")
}

fn line(attribute: &Attribute) -> String {
    format!("{}: {}", attribute.name, attribute.kind)
}

fn relations(entities: &Entities) -> Flow {
    let mut flow = Flow::default();
    flow.nodes.extend(
        entities
            .entities
            .iter()
            .map(|entity| boxed(described(&entity.name, entity.attributes.iter().map(line)), Shape::Step)),
    );
    for relation in &entities.relations {
        let many = match relation.many {
            Many::Single => "1:1",
            Many::Several => "1:n",
            Many::Mutual => "n:m",
        };
        flow.edges.push(Edge {
            from: relation.from,
            to: relation.to,
            label: Some(format!("{} {many}", relation.label)),
        });
    }
    flow
}

fn tasks(plan: &Plan) -> Flow {
    let mut flow = Flow::default();
    for (at, task) in plan.tasks.iter().enumerate() {
        let start = match task.start {
            Start::On(day) => Some(day.to_string()),
            Start::After(_) => None,
        };
        let time = match (task.length, start) {
            (Length::Until(end), Some(start)) => format!("{start} to {end}"),
            (Length::Until(end), None) => format!("until {end}"),
            (Length::Days(days), Some(start)) => format!("{start}, {days} d"),
            (Length::Days(days), None) => format!("{days} d"),
            (Length::Milestone, Some(start)) => start,
            (Length::Milestone, None) => "milestone".to_owned(),
        };
        flow.nodes.push(boxed(format!("{}\n{time}", task.name), Shape::Step));
        if let Start::After(before) = task.start {
            flow.edges.push(Edge { from: before, to: at, label: None });
        }
    }
    flow
}

fn types(classes: &Classes) -> Flow {
    let mut flow = Flow::default();
    for class in &classes.classes {
        let methods = class.methods.iter().map(|method| format!("{method}()"));
        flow.nodes
            .push(boxed(described(&class.name, class.fields.iter().map(line).chain(methods)), Shape::Step));
    }
    for (bond, from, to) in &classes.relations {
        flow.edges.push(Edge { from: *from, to: *to, label: Some(verb(*bond).to_owned()) });
    }
    flow
}

/// A bond in words.
pub(super) fn verb(bond: Bond) -> &'static str {
    match bond {
        Bond::Extends => "extends",
        Bond::Implements => "implements",
        Bond::Has => "has",
        Bond::Uses => "uses",
    }
}

fn tree(outline: &Outline) -> Flow {
    let mut flow = Flow::default();
    flow.nodes.push(boxed(outline.root.clone(), Shape::End));
    let mut path = vec![0];
    for (depth, text) in &outline.items {
        path.truncate(depth + 1);
        let parent = path.last().copied().unwrap_or(0);
        flow.nodes.push(boxed(text.clone(), Shape::Step));
        let node = flow.nodes.len() - 1;
        flow.edges.push(Edge { from: parent, to: node, label: None });
        path.push(node);
    }
    flow
}
