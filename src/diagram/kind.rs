//! The kinds of Mermaid diagrams: their names, their keywords, and which one a source is.

/// A kind of Mermaid diagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Steps, decisions, parts.
    Flowchart,
    /// Messages over time.
    Sequence,
    /// Types and their members.
    Class,
    /// States of one thing.
    State,
    /// Tables and their relations.
    Er,
    /// Tasks with dates.
    Gantt,
    /// Shares of a whole.
    Pie,
    /// A user's experience.
    Journey,
    /// Branches and commits.
    GitGraph,
    /// Ideas around a topic.
    Mindmap,
    /// Events in history.
    Timeline,
    /// Items by two measures.
    Quadrant,
    /// Requirements and what meets them.
    Requirement,
    /// Systems, containers and people, by the C4 model.
    C4,
    /// Flows of amounts.
    Sankey,
    /// Bars and lines over an axis.
    XyChart,
    /// Blocks in a grid.
    Block,
    /// Fields of a packet.
    Packet,
    /// Services in groups.
    Architecture,
    /// Cards in columns.
    Kanban,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 20] = [
        Self::Flowchart,
        Self::Sequence,
        Self::Class,
        Self::State,
        Self::Er,
        Self::Gantt,
        Self::Pie,
        Self::Journey,
        Self::GitGraph,
        Self::Mindmap,
        Self::Timeline,
        Self::Quadrant,
        Self::Requirement,
        Self::C4,
        Self::Sankey,
        Self::XyChart,
        Self::Block,
        Self::Packet,
        Self::Architecture,
        Self::Kanban,
    ];

    /// The name used in templates and in answers, as the validator calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flowchart => "flowchart",
            Self::Sequence => "sequence",
            Self::Class => "class",
            Self::State => "state",
            Self::Er => "er",
            Self::Gantt => "gantt",
            Self::Pie => "pie",
            Self::Journey => "journey",
            Self::GitGraph => "gitgraph",
            Self::Mindmap => "mindmap",
            Self::Timeline => "timeline",
            Self::Quadrant => "quadrant",
            Self::Requirement => "requirement",
            Self::C4 => "c4",
            Self::Sankey => "sankey",
            Self::XyChart => "xychart",
            Self::Block => "block",
            Self::Packet => "packet",
            Self::Architecture => "architecture",
            Self::Kanban => "kanban",
        }
    }

    /// The kind of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The keywords that begin a diagram of this kind, the preferred one first.
    pub const fn keywords(self) -> &'static [&'static str] {
        match self {
            Self::Flowchart => &["flowchart", "graph", "flowchart-elk"],
            Self::Sequence => &["sequenceDiagram"],
            Self::Class => &["classDiagram", "classDiagram-v2"],
            Self::State => &["stateDiagram-v2", "stateDiagram"],
            Self::Er => &["erDiagram"],
            Self::Gantt => &["gantt"],
            Self::Pie => &["pie"],
            Self::Journey => &["journey"],
            Self::GitGraph => &["gitGraph"],
            Self::Mindmap => &["mindmap"],
            Self::Timeline => &["timeline"],
            Self::Quadrant => &["quadrantChart"],
            Self::Requirement => &["requirementDiagram", "requirement"],
            Self::C4 => &["C4Context", "C4Container", "C4Component", "C4Dynamic", "C4Deployment"],
            Self::Sankey => &["sankey", "sankey-beta"],
            Self::XyChart => &["xychart", "xychart-beta"],
            Self::Block => &["block", "block-beta"],
            Self::Packet => &["packet", "packet-beta"],
            Self::Architecture => &["architecture-beta", "architecture"],
            Self::Kanban => &["kanban"],
        }
    }

    /// The kind that `word`, spelled exactly, begins.
    pub fn of_keyword(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.keywords().contains(&word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_keywords_lead_back_to_their_kind() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of_name(kind.name()), Some(kind));
            for keyword in kind.keywords() {
                assert_eq!(Kind::of_keyword(keyword), Some(kind));
            }
        }
        assert_eq!(Kind::of_keyword("sequencediagram"), None);
        assert_eq!(Kind::of_name("poem"), None);
    }
}
