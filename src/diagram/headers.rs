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
    "agentflow-beta",
    "cynefin-beta",
    "eventmodeling",
    "railroad-beta",
    "railroad-abnf-beta",
    "railroad-ebnf-beta",
    "railroad-peg-beta",
    "swimlane-beta",
    "usecase-beta",
];

/// What may stand behind a Mermaid keyword in its line, in lower case: prose that begins with
/// "graph" or "timeline" goes on in other ways.
const BEHIND: &[&str] =
    &["td", "tb", "bt", "lr", "rl", "title", "showdata", "horizontal", "vertical", "%%", ";", "<", ">", "^"];

/// Whether `line` can be the first line of a source, comments and front matter aside.
pub fn begins_source(line: &str, diagram_type: DiagramType) -> bool {
    let line = line.trim();
    match diagram_type {
        DiagramType::Mermaid => begins_mermaid(line),
        DiagramType::Graphviz => begins_dot(line),
        DiagramType::Plantuml => line.starts_with("@start"),
        DiagramType::D2 => begins_d2(line),
    }
}

fn begins_mermaid(line: &str) -> bool {
    let word = line.split([' ', '\t', ':', ';']).next().unwrap_or_default();
    let rest = line[word.len()..].trim();
    if !MERMAID.iter().any(|keyword| keyword.eq_ignore_ascii_case(word)) {
        return false;
    }
    // `gitGraph:` is legal, "Gantt:" is a heading.
    if rest == ":" {
        return MERMAID.contains(&word);
    }
    let rest = rest.trim_start_matches(':').trim_start().to_ascii_lowercase();
    let follows = |start: &&&str| {
        rest.strip_prefix(**start).is_some_and(|behind| {
            !behind.starts_with(|c: char| c.is_ascii_alphanumeric())
                || !start.ends_with(char::is_alphanumeric)
        })
    };
    rest.is_empty() || BEHIND.iter().any(|start| follows(&start))
}

fn begins_dot(line: &str) -> bool {
    let words = line.to_ascii_lowercase();
    let words = words.strip_prefix("strict ").unwrap_or(&words).trim_start();
    let Some(rest) = words.strip_prefix("di").unwrap_or(words).strip_prefix("graph") else { return false };
    let is_apart = rest.is_empty() || rest.starts_with([' ', '{', '"', '\t']);
    is_apart && (rest.contains('{') || rest.trim().starts_with('"') || rest.split_whitespace().count() <= 1)
}

fn begins_d2(line: &str) -> bool {
    let is_setting = ["direction:", "shape:", "vars:", "title:", "style.", "classes:"]
        .iter()
        .any(|key| line.starts_with(key));
    let is_shape = line.split_once(':').is_some_and(|(key, value)| {
        let is_key =
            !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
        is_key && (value.trim_start().starts_with(['"', '{', '|']) || key.contains('.'))
    });
    is_setting || is_shape || ["->", "<-", " -- "].iter().any(|arrow| line.contains(arrow))
}

/// Whether `word` is one of Mermaid's keywords, to the letter.
pub fn is_mermaid(word: &str) -> bool {
    MERMAID.contains(&word)
}

/// How alike two words must be, of 1, for one to be meant by the other.
const LIKENESS_MIN: f64 = 0.85;

/// The keyword of Mermaid that `word` is a misspelling of; `None` when none is near.
pub fn nearest_mermaid(word: &str) -> Option<&'static str> {
    let lower = word.to_ascii_lowercase();
    let likeness = |keyword: &str| strsim::jaro_winkler(&keyword.to_ascii_lowercase(), &lower);
    let nearest = MERMAID.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(nearest) >= LIKENESS_MIN).then_some(*nearest)
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
        DiagramType::Mermaid => &["mermaid", "mmd", "mermaidjs"],
        DiagramType::Graphviz => &["dot", "graphviz", "gv"],
        DiagramType::Plantuml => &["plantuml", "puml", "uml", "plant-uml"],
        DiagramType::D2 => &["d2"],
    };
    tags.iter().any(|known| known.eq_ignore_ascii_case(tag))
}
