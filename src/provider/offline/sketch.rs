//! What was read of a prompt, before any language.

/// Elements of one drawing; the rest is left out, and the drawing says so.
pub(super) const ELEMENTS_MAX: usize = 60;
/// Members of a class, attributes of an entity.
pub(super) const MEMBERS_MAX: usize = 20;

/// A drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sketch {
    Flow(Flow),
    Sequence(Sequence),
    Entities(Entities),
    States(Flow),
    Plan(Plan),
    Classes(Classes),
    Outline(Outline),
}

impl Sketch {
    /// Whether elements of the prompt were left out.
    pub(super) fn is_shortened(&self) -> bool {
        match self {
            Self::Flow(flow) | Self::States(flow) => flow.is_shortened,
            Self::Sequence(sequence) => sequence.is_shortened,
            Self::Entities(entities) => entities.is_shortened,
            Self::Plan(plan) => plan.is_shortened,
            Self::Classes(classes) => classes.is_shortened,
            Self::Outline(outline) => outline.is_shortened,
        }
    }

    /// Keeps the first `count` elements and what holds between them.
    pub(super) fn shorten(&mut self, count: usize) {
        match self {
            Self::Flow(flow) | Self::States(flow) => {
                flow.is_shortened |= flow.nodes.len() > count;
                flow.nodes.truncate(count);
                flow.edges.retain(|edge| edge.from < count && edge.to < count);
            }
            Self::Sequence(sequence) => {
                sequence.is_shortened |= sequence.parts.len() > count;
                sequence.parts.truncate(count);
                sequence.parts.iter_mut().for_each(|part| {
                    if let Part::Choice { yes, no, .. } = part {
                        yes.truncate(count);
                        no.truncate(count);
                    }
                });
            }
            Self::Entities(entities) => {
                entities.is_shortened |= entities.entities.len() > count;
                entities.entities.truncate(count);
                entities.relations.retain(|relation| relation.from < count && relation.to < count);
            }
            Self::Plan(plan) => {
                plan.is_shortened |= plan.tasks.len() > count;
                plan.tasks.truncate(count);
            }
            Self::Classes(classes) => {
                classes.is_shortened |= classes.classes.len() > count;
                classes.classes.truncate(count);
                classes.relations.retain(|(_, from, to)| *from < count && *to < count);
            }
            Self::Outline(outline) => {
                outline.is_shortened |= outline.items.len() > count;
                outline.items.truncate(count);
            }
        }
    }
}

/// What a box stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Step,
    End,
    Decision,
    Store,
}

/// A box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) label: String,
    pub(super) shape: Shape,
}

/// An arrow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) label: Option<String>,
}

/// Boxes and arrows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Flow {
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
    pub(super) is_shortened: bool,
}

impl Flow {
    /// The box with this label, made when it is not there; `None` for no name, and when the drawing is
    /// full.
    pub(super) fn node(&mut self, label: &str, shape: Shape) -> Option<usize> {
        let known = position(self.nodes.iter().map(|node| &node.label), label);
        if known.is_some() || label.is_empty() {
            return known;
        }
        if self.nodes.len() >= ELEMENTS_MAX {
            self.is_shortened = true;
            return None;
        }
        self.nodes.push(Node { label: label.to_owned(), shape });
        Some(self.nodes.len() - 1)
    }

    /// An arrow, once.
    pub(super) fn edge(&mut self, from: usize, to: usize, label: Option<String>) {
        let edge = Edge { from, to, label };
        if self.edges.contains(&edge) {
            return;
        }
        if self.edges.len() >= 2 * ELEMENTS_MAX {
            self.is_shortened = true;
        } else {
            self.edges.push(edge);
        }
    }

    /// Whether nothing branches.
    pub(super) fn is_chain(&self) -> bool {
        self.edges.len() + 1 >= self.nodes.len() && self.edges.iter().all(|edge| edge.to == edge.from + 1)
    }

    /// Drawn from left to right.
    pub(super) fn is_short_chain(&self) -> bool {
        self.nodes.len() <= 5 && self.is_chain()
    }
}

/// Messages over time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sequence {
    pub(super) participants: Vec<String>,
    pub(super) parts: Vec<Part>,
    pub(super) is_shortened: bool,
}

/// A message, or messages that depend on something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Message(Message),
    Choice { condition: String, yes: Vec<Message>, no: Vec<Message> },
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) text: String,
    pub(super) is_reply: bool,
}

impl Sequence {
    /// The participant of this name, made when it is not there; `None` for no name, and when the drawing is
    /// full.
    pub(super) fn participant(&mut self, name: &str) -> Option<usize> {
        let known = position(self.participants.iter(), name);
        if known.is_some() || name.is_empty() || self.participants.len() >= ELEMENTS_MAX / 3 {
            self.is_shortened |= known.is_none() && !name.is_empty();
            return known;
        }
        self.participants.push(name.to_owned());
        Some(self.participants.len() - 1)
    }
}

/// How many of the second stand for one of the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Many {
    /// One for one.
    Single,
    /// Many for one.
    Several,
    /// Many for many.
    Mutual,
}

/// An attribute of an entity, a field of a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attribute {
    pub(super) name: String,
    pub(super) kind: String,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entity {
    pub(super) name: String,
    pub(super) attributes: Vec<Attribute>,
}

/// A relation between two tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Relation {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) many: Many,
    pub(super) label: String,
}

/// Tables and relations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entities {
    pub(super) entities: Vec<Entity>,
    pub(super) relations: Vec<Relation>,
    pub(super) is_shortened: bool,
}

impl Entities {
    /// The entity of this name, made when it is not there; `None` for no name, and when the drawing is
    /// full.
    pub(super) fn entity(&mut self, name: &str) -> Option<usize> {
        let known = position(self.entities.iter().map(|entity| &entity.name), name);
        if known.is_some() || name.is_empty() || self.entities.len() >= ELEMENTS_MAX {
            self.is_shortened |= known.is_none() && !name.is_empty();
            return known;
        }
        self.entities.push(Entity { name: name.to_owned(), attributes: Vec::new() });
        Some(self.entities.len() - 1)
    }

    /// A relation, once for two entities and a label.
    pub(super) fn relate(&mut self, relation: Relation) {
        let same = |other: &Relation| {
            (other.from, other.to) == (relation.from, relation.to)
                && (other.label == relation.label || other.many == relation.many)
        };
        if self.relations.iter().any(same) {
            return;
        }
        // Many of the one for the other, and many of the other for the one.
        let is_back = |other: &&mut Relation| {
            (other.from, other.to) == (relation.to, relation.from)
                && (other.many, relation.many) == (Many::Several, Many::Several)
        };
        if let Some(other) = self.relations.iter_mut().find(is_back) {
            other.many = Many::Mutual;
        } else if self.relations.len() >= 2 * ELEMENTS_MAX {
            self.is_shortened = true;
        } else {
            self.relations.push(relation);
        }
    }
}

/// When a task begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    On(jiff::civil::Date),
    /// Behind the task of this index, which stands before it.
    After(usize),
}

/// When a task ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    Until(jiff::civil::Date),
    Days(u32),
    /// A day that takes no time.
    Milestone,
}

/// A task of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Task {
    pub(super) name: String,
    pub(super) section: Option<String>,
    pub(super) start: Start,
    pub(super) length: Length,
}

/// Tasks over time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) tasks: Vec<Task>,
    pub(super) is_shortened: bool,
}

/// How two types belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bond {
    Extends,
    Implements,
    /// A whole and its part.
    Has,
    Uses,
}

/// A type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Class {
    pub(super) name: String,
    /// `interface`, `abstract`.
    pub(super) mark: Option<&'static str>,
    pub(super) fields: Vec<Attribute>,
    pub(super) methods: Vec<String>,
}

/// Types and how they belong together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Classes {
    pub(super) classes: Vec<Class>,
    /// Derived and base, whole and part, user and used.
    pub(super) relations: Vec<(Bond, usize, usize)>,
    pub(super) is_shortened: bool,
}

impl Classes {
    /// The class of this name, made when it is not there; `None` for no name, and when the drawing is
    /// full.
    pub(super) fn class(&mut self, name: &str) -> Option<usize> {
        let known = position(self.classes.iter().map(|class| &class.name), name);
        if known.is_some() || name.is_empty() || self.classes.len() >= ELEMENTS_MAX {
            self.is_shortened |= known.is_none() && !name.is_empty();
            return known;
        }
        self.classes.push(Class { name: name.to_owned(), ..Class::default() });
        Some(self.classes.len() - 1)
    }

    /// A relation, once.
    pub(super) fn relate(&mut self, bond: Bond, from: usize, to: usize) {
        let relation = (bond, from, to);
        if self.relations.contains(&relation) {
            return;
        }
        if self.relations.len() >= 2 * ELEMENTS_MAX {
            self.is_shortened = true;
        } else {
            self.relations.push(relation);
        }
    }
}

/// Ideas under ideas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outline {
    pub(super) root: String,
    /// Depth from 0, text; never more than one deeper than the item before.
    pub(super) items: Vec<(usize, String)>,
    pub(super) is_shortened: bool,
}

impl Outline {
    /// An item behind the others, as deep as the tree allows.
    pub(super) fn push(&mut self, depth: usize, text: String) {
        if self.items.len() >= ELEMENTS_MAX {
            self.is_shortened = true;
        } else if !text.is_empty() {
            let deepest = self.items.last().map_or(0, |(depth, _)| depth + 1);
            self.items.push((depth.min(deepest), text));
        }
    }
}

fn position<'a>(mut names: impl Iterator<Item = &'a String>, name: &str) -> Option<usize> {
    let lower = name.to_lowercase();
    names.position(|other| other.to_lowercase() == lower)
}
