//! From a sketch to a source. Labels are quoted or their signs written as the language's
//! entities, ids are made here or are plain words that no language reserves: no word of a prompt
//! can break a diagram.

use crate::domain::DiagramType;

use super::sketch::Sketch;

mod boxes;
mod d2;
mod dot;
mod mermaid;
mod names;
mod plantuml;

/// What every draft says of itself.
const LABEL: &str = "drafted offline by rules, without a model";

/// The same draft, which says what came with the request and was not read ("the template was").
pub(super) fn from_the_request_alone(source: &str, unread: &str) -> String {
    let label =
        format!("drafted offline by rules from the request alone, without a model: {unread} not read");
    source.replacen(LABEL, &label, 1)
}

/// The source of a sketch.
pub(super) fn write(sketch: &Sketch, title: &str, diagram_type: DiagramType) -> String {
    let (comment, source) = match diagram_type {
        DiagramType::Mermaid => ("%%", mermaid::write(sketch, title)),
        DiagramType::Graphviz => ("//", dot::write(&boxes::of(sketch))),
        DiagramType::Plantuml => ("'", plantuml::write(sketch, title)),
        DiagramType::D2 => ("#", d2::write(sketch)),
    };
    let more = if sketch.is_shortened() { "; shortened" } else { "" };
    let source = source.trim_end();
    if diagram_type == DiagramType::Plantuml {
        let (first, rest) = source.split_once('\n').unwrap_or((source, ""));
        return format!("{first}\n{comment} {LABEL}{more}\n{rest}");
    }
    format!("{comment} {LABEL}{more}\n{source}")
}
