//! From a sketch to a source. Ids are made here (`n1`, `n2`, …), labels are quoted or cleaned, so
//! that no word of a prompt can break a diagram.

use crate::domain::DiagramType;

use super::sketch::{Flow, Outline, Sketch};

mod d2;
mod dot;
mod mermaid;
mod plantuml;

/// What every draft says of itself.
const LABEL: &str = "drafted offline by rules, without a model";

/// The source of a sketch.
pub(super) fn write(sketch: &Sketch, title: &str, diagram_type: DiagramType) -> String {
    let (comment, source) = match diagram_type {
        DiagramType::Mermaid => ("%%", mermaid::write(sketch, title)),
        DiagramType::Graphviz => ("//", dot::write(&as_flow(sketch))),
        DiagramType::Plantuml => ("'", plantuml::write(sketch)),
        DiagramType::D2 => ("#", d2::write(&as_flow(sketch))),
    };
    let shortened = matches!(sketch, Sketch::Flow(flow) | Sketch::States(flow) if flow.shortened);
    let more = if shortened { "; shortened" } else { "" };
    if diagram_type == DiagramType::Plantuml {
        let (first, rest) = source.split_once('\n').unwrap_or((&source, ""));
        return format!("{first}\n{comment} {LABEL}{more}\n{rest}");
    }
    format!("{comment} {LABEL}{more}\n{source}")
}

/// Any sketch as boxes and arrows, for languages that draw nothing else.
fn as_flow(sketch: &Sketch) -> Flow {
    use super::sketch::Shape;
    let mut flow = Flow::default();
    match sketch {
        Sketch::Flow(flow) | Sketch::States(flow) => return flow.clone(),
        Sketch::Sequence(sequence) => {
            for message in &sequence.messages {
                let ends = (sequence.participants.get(message.from), sequence.participants.get(message.to));
                let (Some(from), Some(to)) = ends else { continue };
                if let (Some(from), Some(to)) = (flow.node(from, Shape::Step), flow.node(to, Shape::Step)) {
                    flow.edge(from, to, Some(message.text.clone()));
                }
            }
        }
        Sketch::Entities(entities) => {
            let nodes: Vec<_> =
                entities.entities.iter().map(|(name, _)| flow.node(name, Shape::Store)).collect();
            for (from, to, _, label) in &entities.relations {
                if let (Some(from), Some(to)) = (nodes[*from], nodes[*to]) {
                    flow.edge(from, to, Some(label.clone()));
                }
            }
        }
        Sketch::Tasks(tasks) => {
            let nodes: Vec<_> = tasks
                .iter()
                .filter_map(|task| flow.node(&format!("{} ({} d)", task.name, task.days), Shape::Step))
                .collect();
            nodes.windows(2).for_each(|pair| flow.edge(pair[0], pair[1], None));
        }
        Sketch::Classes(classes) => {
            let nodes: Vec<_> =
                classes.classes.iter().map(|(name, _)| flow.node(name, Shape::Step)).collect();
            for (derived, base) in &classes.bases {
                if let (Some(derived), Some(base)) = (nodes[*derived], nodes[*base]) {
                    flow.edge(derived, base, Some("extends".to_owned()));
                }
            }
        }
        Sketch::Outline(outline) => return tree(outline),
    }
    flow
}

fn tree(outline: &Outline) -> Flow {
    use super::sketch::Shape;
    let mut flow = Flow::default();
    let mut path: Vec<usize> = flow.node(&outline.root, Shape::Step).into_iter().collect();
    for (depth, text) in &outline.items {
        path.truncate(depth + 1);
        if let (Some(parent), Some(node)) = (path.last().copied(), flow.node(text, Shape::Step)) {
            flow.edge(parent, node, None);
            path.push(node);
        }
    }
    flow
}
