//! What was read of a prompt, before any language.

/// Elements of one drawing; the rest is left out, and the drawing says so.
pub(super) const ELEMENTS_MAX: usize = 60;

/// A drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sketch {
    Flow(Flow),
    Sequence(Sequence),
    Entities(Entities),
    States(Flow),
    Tasks(Vec<Task>),
    Classes(Classes),
    Outline(Outline),
}

/// What a box stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Step,
    End,
    Decision,
    Store,
}

/// Boxes and arrows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Flow {
    pub(super) nodes: Vec<(String, Shape)>,
    /// From, to, label.
    pub(super) edges: Vec<(usize, usize, Option<String>)>,
    pub(super) shortened: bool,
}

impl Flow {
    /// The box with this label, made when it is not there; `None` when the drawing is full.
    pub(super) fn node(&mut self, label: &str, shape: Shape) -> Option<usize> {
        let known = self.nodes.iter().position(|(other, _)| other.eq_ignore_ascii_case(label));
        if known.is_some() {
            return known;
        }
        if self.nodes.len() >= ELEMENTS_MAX {
            self.shortened = true;
            return None;
        }
        self.nodes.push((label.to_owned(), shape));
        Some(self.nodes.len() - 1)
    }

    /// An arrow, once.
    pub(super) fn edge(&mut self, from: usize, to: usize, label: Option<String>) {
        let edge = (from, to, label);
        if self.edges.len() >= 2 * ELEMENTS_MAX {
            self.shortened = true;
        } else if !self.edges.contains(&edge) {
            self.edges.push(edge);
        }
    }

    /// Whether nothing branches: drawn from left to right when short.
    pub(super) fn is_short_chain(&self) -> bool {
        self.nodes.len() <= 5 && self.edges.iter().all(|(from, to, _)| to == &(from + 1))
    }
}

/// Messages over time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sequence {
    pub(super) participants: Vec<String>,
    pub(super) messages: Vec<Message>,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) text: String,
    pub(super) reply: bool,
}

impl Sequence {
    pub(super) fn participant(&mut self, name: &str) -> usize {
        let known = self.participants.iter().position(|other| other.eq_ignore_ascii_case(name));
        known.unwrap_or_else(|| {
            self.participants.push(name.to_owned());
            self.participants.len() - 1
        })
    }
}

/// How many of the second stand for one of the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Many {
    One,
    Many,
}

/// Tables and relations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entities {
    pub(super) entities: Vec<(String, Vec<String>)>,
    /// First, second, how many of the second, label.
    pub(super) relations: Vec<(usize, usize, Many, String)>,
}

impl Entities {
    pub(super) fn entity(&mut self, name: &str) -> usize {
        let known = self.entities.iter().position(|(other, _)| other.eq_ignore_ascii_case(name));
        known.unwrap_or_else(|| {
            self.entities.push((name.to_owned(), Vec::new()));
            self.entities.len() - 1
        })
    }
}

/// A task of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Task {
    pub(super) name: String,
    /// `YYYY-MM-DD`; without one it follows the task before it.
    pub(super) start: Option<String>,
    pub(super) days: u32,
}

/// Types and their bases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Classes {
    pub(super) classes: Vec<(String, Vec<String>)>,
    /// Derived, base.
    pub(super) bases: Vec<(usize, usize)>,
}

impl Classes {
    pub(super) fn class(&mut self, name: &str) -> usize {
        let known = self.classes.iter().position(|(other, _)| other.eq_ignore_ascii_case(name));
        known.unwrap_or_else(|| {
            self.classes.push((name.to_owned(), Vec::new()));
            self.classes.len() - 1
        })
    }
}

/// Ideas under ideas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outline {
    pub(super) root: String,
    /// Depth from 0, text.
    pub(super) items: Vec<(usize, String)>,
}
