//! The kinds of diagrams that can be drafted, and the names that ask for them.

use super::words::Text;

/// Words of a prompt among which a kind may be named.
const KIND_WORDS_MAX: usize = 400;

/// The kinds of diagrams that can be drafted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Flow,
    Sequence,
    Entities,
    States,
    Plan,
    Classes,
    Outline,
}

/// Words that ask for the kind that a template makes, to be put before a prompt; none for a kind
/// that is not drafted.
pub(super) fn asked(kind: Option<&str>) -> &'static str {
    match kind {
        Some("er") => "ER diagram of: ",
        Some("flowchart") => "Flowchart of: ",
        Some("gantt") => "Gantt chart of: ",
        Some("mindmap") => "Mind map of: ",
        Some("sequence") => "Sequence diagram of: ",
        Some("state") => "State diagram of: ",
        Some(_) | None => "",
    }
}

/// Names that ask for a kind.
pub(super) const NAMES: &[(Kind, &[&str])] = &[
    (
        Kind::Flow,
        &[
            "flowchart",
            "flow chart",
            "flow diagram",
            "flowdiagram",
            "activity diagram",
            "process diagram",
            "workflow diagram",
            "decision tree",
            "flussdiagramm",
            "diagrama de flujo",
            "organigramme",
            "fluxograma",
            "блок схема",
        ],
    ),
    (
        Kind::Sequence,
        &[
            "sequence diagram",
            "sequencediagram",
            "sequence chart",
            "message sequence chart",
            "sequenzdiagramm",
            "diagrama de secuencia",
            "diagramme de séquence",
            "diagrama de sequência",
            "диаграмма последовательности",
        ],
    ),
    (
        Kind::Entities,
        &[
            "er diagram",
            "erdiagram",
            "er model",
            "erd",
            "entity relationship diagram",
            "entity relationship model",
            "entity relationship",
            "entity relation diagram",
            "database schema",
            "database diagram",
            "data model",
            "relational schema",
            "er diagramm",
            "diagrama entidad relación",
            "diagramme entité association",
        ],
    ),
    (
        Kind::States,
        &[
            "state diagram",
            "statediagram",
            "state machine",
            "state chart",
            "statechart",
            "state machine diagram",
            "state transition diagram",
            "zustandsdiagramm",
            "diagrama de estados",
            "diagramme d'états",
            "диаграмма состояний",
        ],
    ),
    (
        Kind::Plan,
        &[
            "gantt",
            "gantt chart",
            "gantt diagram",
            "project plan",
            "project schedule",
            "gantt diagramm",
            "diagrama de gantt",
            "diagramme de gantt",
            "диаграмма ганта",
        ],
    ),
    (
        Kind::Classes,
        &[
            "class diagram",
            "classdiagram",
            "uml class diagram",
            "class hierarchy",
            "klassendiagramm",
            "diagrama de clases",
            "diagramme de classes",
            "диаграмма классов",
        ],
    ),
    (
        Kind::Outline,
        &[
            "mindmap",
            "mind map",
            "concept map",
            "mapa mental",
            "carte mentale",
            "brainstorm",
            "brainstorming",
        ],
    ),
];

/// Names in scripts that put no blanks between words.
const UNSPACED: &[(Kind, &[&str])] = &[
    (Kind::Flow, &["流程图", "流程圖", "フローチャート", "순서도"]),
    (Kind::Sequence, &["时序图", "時序圖", "序列图", "シーケンス図", "시퀀스 다이어그램"]),
    (Kind::Entities, &["ER图", "ER図", "实体关系图"]),
    (Kind::States, &["状态图", "狀態圖", "状態遷移図", "状态机"]),
    (Kind::Plan, &["甘特图", "甘特圖", "ガントチャート", "간트 차트"]),
    (Kind::Classes, &["类图", "類圖", "クラス図"]),
    (Kind::Outline, &["思维导图", "心智圖", "マインドマップ", "마인드맵"]),
];

/// The kind that is named first.
pub(super) fn kind(prompt: &str) -> Option<Kind> {
    let text = Text::new(prompt);
    let named = (0..text.words.len().min(KIND_WORDS_MAX)).find_map(|at| {
        let longest = NAMES
            .iter()
            .map(|(kind, names)| (text.matches(at, names), *kind))
            .max_by_key(|(count, _)| *count);
        longest.filter(|(count, _)| *count > 0).map(|(_, kind)| (text.words[at].start, kind))
    });
    let unspaced = UNSPACED
        .iter()
        .flat_map(|(kind, names)| names.iter().filter_map(|name| prompt.find(name)).map(|at| (at, *kind)))
        .min_by_key(|(at, _)| *at);
    [named, unspaced].into_iter().flatten().min_by_key(|(at, _)| *at).map(|(_, kind)| kind)
}
