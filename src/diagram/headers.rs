//! How a source begins, by language.

use crate::domain::DiagramType;

/// Mermaid's diagram keywords, as of Mermaid 12.
const MERMAID: &[&str] = &[
    "flowchart",
    "flowchart-elk",
    "graph",
    "sequenceDiagram",
    "classDiagram",
    "classDiagram-v2",
    "stateDiagram",
    "stateDiagram-v2",
    "erDiagram",
    "gantt",
    "pie",
    "journey",
    "gitGraph",
    "mindmap",
    "timeline",
    "quadrantChart",
    "requirementDiagram",
    "requirement",
    "C4Context",
    "C4Container",
    "C4Component",
    "C4Dynamic",
    "C4Deployment",
    "sankey",
    "sankey-beta",
    "xychart",
    "xychart-beta",
    "block",
    "block-beta",
    "packet",
    "packet-beta",
    "architecture",
    "architecture-beta",
    "kanban",
    "radar",
    "radar-beta",
    "treemap",
    "treemap-beta",
    "zenuml",
    "info",
    "venn",
    "venn-beta",
    "ishikawa",
    "ishikawa-beta",
    "treeView",
    "treeView-beta",
    "wardley",
    "wardley-beta",
];

/// Whether `line` can be the first line of a source, comments and front matter aside.
pub fn begins_source(line: &str, diagram_type: DiagramType) -> bool {
    let line = line.trim();
    match diagram_type {
        DiagramType::Mermaid => {
            let word = line.split([' ', '\t', ':', ';']).next().unwrap_or_default();
            MERMAID.iter().any(|keyword| keyword.eq_ignore_ascii_case(word))
        }
        DiagramType::Graphviz => {
            let words = line.to_ascii_lowercase();
            let words = words.strip_prefix("strict ").unwrap_or(&words);
            let graph = words.strip_prefix("di").unwrap_or(words).strip_prefix("graph");
            graph.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '{', '"', '\t']))
        }
        DiagramType::Plantuml => line.starts_with("@start"),
        DiagramType::D2 => {
            ["direction:", "shape:", "vars:"].iter().any(|key| line.starts_with(key))
                || line.contains("->")
                || line.contains("<-")
        }
    }
}

/// Whether `line` may stand before the first line: comments, directives, front matter's fence.
pub fn may_precede_source(line: &str, diagram_type: DiagramType) -> bool {
    let line = line.trim();
    match diagram_type {
        DiagramType::Mermaid => line.is_empty() || line.starts_with("%%") || line == "---",
        DiagramType::Graphviz => line.is_empty() || line.starts_with("//") || line.starts_with('#'),
        DiagramType::Plantuml => line.is_empty() || line.starts_with('\''),
        DiagramType::D2 => line.is_empty() || line.starts_with('#'),
    }
}

/// Whether a fence's language tag names the language.
pub fn is_tag(tag: &str, diagram_type: DiagramType) -> bool {
    let tags: &[&str] = match diagram_type {
        DiagramType::Mermaid => &["mermaid", "mmd"],
        DiagramType::Graphviz => &["dot", "graphviz", "gv"],
        DiagramType::Plantuml => &["plantuml", "puml", "uml"],
        DiagramType::D2 => &["d2"],
    };
    tags.iter().any(|known| known.eq_ignore_ascii_case(tag))
}
