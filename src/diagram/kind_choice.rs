//! Which kind of Mermaid diagram a request is for, and what the model is told about that kind.
//!
//! Called by the prompt. A kind that the request names, or its template, is settled; one that its
//! words suggest is a hint; without either the model chooses.

use crate::domain::{Brief, DiagramType};

use super::kind::Kind;

/// Characters of a request that are looked at.
const CHARS_MAX: usize = 4_000;
/// Points from which words suggest a kind.
const POINTS_MIN: usize = 3;

/// How a kind was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// The request or its template names it.
    Named(Kind),
    /// The request's words suggest it.
    Suggested(Kind),
}

/// Names of kinds as people write them, in small letters.
const NAMES: &[(&str, Kind)] = &[
    ("sequence diagram", Kind::Sequence),
    ("sequence chart", Kind::Sequence),
    ("sequencediagram", Kind::Sequence),
    ("sequenzdiagramm", Kind::Sequence),
    ("diagramme de séquence", Kind::Sequence),
    ("diagrama de secuencia", Kind::Sequence),
    ("class diagram", Kind::Class),
    ("classdiagram", Kind::Class),
    ("klassendiagramm", Kind::Class),
    ("diagramme de classes", Kind::Class),
    ("diagrama de clases", Kind::Class),
    ("state diagram", Kind::State),
    ("state machine", Kind::State),
    ("statediagram", Kind::State),
    ("statechart", Kind::State),
    ("zustandsdiagramm", Kind::State),
    ("er diagram", Kind::Er),
    ("erd", Kind::Er),
    ("er-diagramm", Kind::Er),
    ("erdiagram", Kind::Er),
    ("entity relationship", Kind::Er),
    ("entity-relationship", Kind::Er),
    ("database diagram", Kind::Er),
    ("gantt", Kind::Gantt),
    ("mind map", Kind::Mindmap),
    ("mindmap", Kind::Mindmap),
    ("pie chart", Kind::Pie),
    ("kreisdiagramm", Kind::Pie),
    ("user journey", Kind::Journey),
    ("customer journey", Kind::Journey),
    ("journey map", Kind::Journey),
    ("git graph", Kind::GitGraph),
    ("gitgraph", Kind::GitGraph),
    ("git history", Kind::GitGraph),
    ("timeline", Kind::Timeline),
    ("zeitstrahl", Kind::Timeline),
    ("quadrant chart", Kind::Quadrant),
    ("requirement diagram", Kind::Requirement),
    ("requirements diagram", Kind::Requirement),
    ("c4 diagram", Kind::C4),
    ("c4 context", Kind::C4),
    ("c4 container", Kind::C4),
    ("c4 model", Kind::C4),
    ("sankey", Kind::Sankey),
    ("bar chart", Kind::XyChart),
    ("line chart", Kind::XyChart),
    ("xy chart", Kind::XyChart),
    ("balkendiagramm", Kind::XyChart),
    ("block diagram", Kind::Block),
    ("packet diagram", Kind::Packet),
    ("architecture diagram", Kind::Architecture),
    ("kanban", Kind::Kanban),
    ("flowchart", Kind::Flowchart),
    ("flow chart", Kind::Flowchart),
    ("flow diagram", Kind::Flowchart),
    ("org chart", Kind::Flowchart),
    ("flussdiagramm", Kind::Flowchart),
    ("ablaufdiagramm", Kind::Flowchart),
    ("organigramme", Kind::Flowchart),
    ("diagrama de flujo", Kind::Flowchart),
];

/// Words before a name that take it back.
const DENIALS: [&str; 6] = ["not a", "not an", "no", "instead of a", "instead of an", "rather than a"];

/// Words that suggest a kind, with their points.
const WORDS: &[(&str, Kind, usize)] = &[
    ("create table", Kind::Er, 4),
    ("foreign key", Kind::Er, 3),
    ("primary key", Kind::Er, 2),
    ("one-to-many", Kind::Er, 3),
    ("many-to-many", Kind::Er, 3),
    ("one to many", Kind::Er, 3),
    ("many to many", Kind::Er, 3),
    ("database schema", Kind::Er, 3),
    ("has many", Kind::Er, 2),
    ("belongs to", Kind::Er, 2),
    ("tables", Kind::Er, 1),
    ("entities", Kind::Er, 2),
    ("sends", Kind::Sequence, 1),
    ("replies", Kind::Sequence, 2),
    ("responds", Kind::Sequence, 2),
    ("handshake", Kind::Sequence, 3),
    ("the server", Kind::Sequence, 1),
    ("the client", Kind::Sequence, 1),
    ("calls the", Kind::Sequence, 1),
    ("forwards", Kind::Sequence, 1),
    ("states", Kind::State, 2),
    ("transitions", Kind::State, 2),
    ("lifecycle", Kind::State, 3),
    ("life cycle", Kind::State, 3),
    ("becomes", Kind::State, 1),
    ("inherits", Kind::Class, 3),
    ("subclass", Kind::Class, 3),
    ("base class", Kind::Class, 3),
    ("abstract class", Kind::Class, 3),
    ("implements", Kind::Class, 2),
    ("methods", Kind::Class, 2),
    ("attributes", Kind::Class, 1),
    ("project plan", Kind::Gantt, 3),
    ("milestone", Kind::Gantt, 2),
    ("sprint", Kind::Gantt, 1),
    ("deadline", Kind::Gantt, 1),
    (" weeks", Kind::Gantt, 1),
    (" days", Kind::Gantt, 1),
    ("schedule", Kind::Gantt, 1),
    ("brainstorm", Kind::Mindmap, 3),
    ("ideas", Kind::Mindmap, 2),
    ("topics", Kind::Mindmap, 1),
    ("notes", Kind::Mindmap, 1),
    ("percent", Kind::Pie, 2),
    ("% ", Kind::Pie, 1),
    ("market share", Kind::Pie, 3),
    ("branches", Kind::GitGraph, 1),
    ("merged into", Kind::GitGraph, 2),
    ("commits", Kind::GitGraph, 2),
    ("feature branch", Kind::GitGraph, 3),
    ("history of", Kind::Timeline, 3),
    ("founded in", Kind::Timeline, 2),
    ("microservice", Kind::Architecture, 1),
    ("kubernetes", Kind::Architecture, 2),
    ("load balancer", Kind::Architecture, 2),
    ("deployment", Kind::Architecture, 1),
    (" if ", Kind::Flowchart, 1),
    ("otherwise", Kind::Flowchart, 2),
    ("decide", Kind::Flowchart, 1),
    ("process", Kind::Flowchart, 1),
    ("workflow", Kind::Flowchart, 3),
    ("approval", Kind::Flowchart, 1),
];

/// What the system prompt says of the kind; empty when nothing is known of it, and for languages
/// that have no kinds.
pub(super) fn section(diagram_type: DiagramType, brief: &Brief) -> String {
    if diagram_type != DiagramType::Mermaid {
        return String::new();
    }
    let template = brief.template.as_ref().and_then(|filled| filled.kind.as_deref()).and_then(Kind::of_name);
    // A change keeps the kind of what it changes, unless another one is named.
    let choice = match (template, choose(&brief.prompt)) {
        (Some(kind), _) => Some(Choice::Named(kind)),
        (None, Some(Choice::Suggested(_))) if brief.base_source.is_some() => None,
        (None, choice) => choice,
    };
    let (kind, sentence) = match choice {
        None => return String::new(),
        Some(Choice::Named(kind)) => (kind, "The request is for this kind; use it."),
        Some(Choice::Suggested(kind)) => {
            (kind, "The request reads like this kind; use it unless another one fits clearly better.")
        }
    };
    format!("\nKind: {}. {sentence}\n{}", kind.keywords()[0], rules(kind))
}

/// The kind of a request; `None` when its words say nothing.
pub(super) fn choose(request: &str) -> Option<Choice> {
    let text: String = request.chars().take(CHARS_MAX).collect::<String>().to_lowercase();
    named(&text).map(Choice::Named).or_else(|| suggested(&text).map(Choice::Suggested))
}

/// The kind named first and not denied.
fn named(text: &str) -> Option<Kind> {
    let is_word = |at: usize, name: &str| {
        let before = text[..at].chars().next_back();
        let behind = text[at + name.len()..].chars().next();
        // A plural is the same word.
        let behind = behind.filter(|c| *c != 's');
        [before, behind].into_iter().flatten().all(|c| !c.is_alphanumeric())
    };
    let denied = |at: usize| DENIALS.iter().any(|denial| text[..at].trim_end().ends_with(denial));
    let places = NAMES.iter().filter_map(|(name, kind)| {
        let mut found = text.match_indices(name).map(|(at, _)| at);
        found.find(|at| is_word(*at, name) && !denied(*at)).map(|at| (at, *kind))
    });
    places.min_by_key(|(at, _)| *at).map(|(_, kind)| kind)
}

/// The kind with the most points, when it has enough of them and no other has as many.
fn suggested(text: &str) -> Option<Kind> {
    let text = format!(" {text} ");
    let points = |kind: Kind| -> usize {
        let words = WORDS.iter().filter(|(_, of, _)| *of == kind);
        words.map(|(word, _, points)| text.matches(word).count().min(2) * points).sum()
    };
    let mut all: Vec<(usize, Kind)> = Kind::ALL.into_iter().map(|kind| (points(kind), kind)).collect();
    all.sort_by_key(|(points, _)| std::cmp::Reverse(*points));
    match all.as_slice() {
        [(most, kind), (second, _), ..] if *most >= POINTS_MIN && most > second => Some(*kind),
        _ => None,
    }
}

fn rules(kind: Kind) -> &'static str {
    match kind {
        Kind::Flowchart => include_str!("prompts/kinds/flowchart.txt"),
        Kind::Sequence => include_str!("prompts/kinds/sequence.txt"),
        Kind::Class => include_str!("prompts/kinds/class.txt"),
        Kind::State => include_str!("prompts/kinds/state.txt"),
        Kind::Er => include_str!("prompts/kinds/er.txt"),
        Kind::Gantt => include_str!("prompts/kinds/gantt.txt"),
        Kind::Pie => include_str!("prompts/kinds/pie.txt"),
        Kind::Journey => include_str!("prompts/kinds/journey.txt"),
        Kind::GitGraph => include_str!("prompts/kinds/gitgraph.txt"),
        Kind::Mindmap => include_str!("prompts/kinds/mindmap.txt"),
        Kind::Timeline => include_str!("prompts/kinds/timeline.txt"),
        Kind::Quadrant => include_str!("prompts/kinds/quadrant.txt"),
        Kind::Requirement => include_str!("prompts/kinds/requirement.txt"),
        Kind::C4 => include_str!("prompts/kinds/c4.txt"),
        Kind::Sankey => include_str!("prompts/kinds/sankey.txt"),
        Kind::XyChart => include_str!("prompts/kinds/xychart.txt"),
        Kind::Block => include_str!("prompts/kinds/block.txt"),
        Kind::Packet => include_str!("prompts/kinds/packet.txt"),
        Kind::Architecture => include_str!("prompts/kinds/architecture.txt"),
        Kind::Kanban => include_str!("prompts/kinds/kanban.txt"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::job::FilledTemplate;

    #[test]
    fn a_named_kind_is_taken_at_its_word() {
        for (request, kind) in [
            ("Draw a sequence diagram of the login", Kind::Sequence),
            ("ER diagrams for a shop, please", Kind::Er),
            ("Not a flowchart but a state machine for an order", Kind::State),
            ("Ein Klassendiagramm für Fahrzeuge", Kind::Class),
            ("A mind map of the flowchart course", Kind::Mindmap),
            ("Gantt: design 5 days, build 10 days", Kind::Gantt),
            ("C4 context of our webshop", Kind::C4),
        ] {
            assert_eq!(choose(request), Some(Choice::Named(kind)), "{request}");
        }
        // A word that holds a name is not the name.
        assert_eq!(choose("the herds of cows"), None);
    }

    #[test]
    fn words_suggest_a_kind_when_they_are_many() {
        for (request, kind) in [
            ("CREATE TABLE a (id int primary key);", Kind::Er),
            ("The client sends a token, the server responds with a page", Kind::Sequence),
            ("The lifecycle of an order: it becomes paid, then shipped", Kind::State),
            ("Dog inherits from Animal and implements Pet", Kind::Class),
            ("Project plan: design takes two weeks, build four weeks", Kind::Gantt),
            ("If it is in stock ship it, otherwise back-order", Kind::Flowchart),
            ("The history of the bicycle", Kind::Timeline),
        ] {
            assert_eq!(choose(request), Some(Choice::Suggested(kind)), "{request}");
        }
        assert_eq!(choose("A tree"), None);
    }

    #[test]
    fn the_template_decides_and_a_change_keeps_its_kind() {
        let brief = |prompt: &str| Brief { prompt: prompt.into(), ..Brief::default() };
        let template = FilledTemplate { kind: Some("er".into()), ..FilledTemplate::default() };
        let told = section(DiagramType::Mermaid, &Brief { template: Some(template), ..brief("a flowchart") });
        assert!(told.starts_with("\nKind: erDiagram. The request is for this kind"), "{told}");
        let lifecycle = "the lifecycle of an order";
        assert!(section(DiagramType::Mermaid, &brief(lifecycle)).contains("reads like this kind"));
        let change = Brief { base_source: Some("pie".into()), ..brief(lifecycle) };
        assert_eq!(section(DiagramType::Mermaid, &change), "");
        assert_eq!(section(DiagramType::D2, &brief("a flowchart")), "");
    }

    /// Every kind's rules end in an example, and the example is what the kind's keyword begins.
    #[test]
    fn every_kind_has_rules_and_an_example_of_its_own() {
        for kind in Kind::ALL {
            let example = rules(kind).split("Example:\n").nth(1).unwrap_or_else(|| panic!("{kind:?}"));
            let first = example.lines().next().unwrap_or_default();
            let word = first.split_whitespace().next().unwrap_or_default();
            assert_eq!(Kind::of_keyword(word), Some(kind), "{first}");
            assert!(example.lines().count() >= 4, "{kind:?}");
        }
    }
}
