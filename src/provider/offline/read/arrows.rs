//! Arrows as people type them: `A -> B -> C`, `A --> B: label`, `A -->|label| B`,
//! `A -- label --> B`, `A[Name] => B{Question?}`, `B <- A`, `A <-> B`.

use crate::provider::offline::sentences;
use crate::provider::offline::sketch::{Flow, Shape};
use crate::provider::offline::words;

use super::flow::shape;

/// Links that are read.
const LINKS_MAX: usize = 400;

/// The way of an arrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Forth,
    Back,
    Both,
}

/// A drawn arrow between two names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) from: Name,
    pub(super) to: Name,
    pub(super) label: Option<String>,
    /// Drawn with two heads or a broken line: a message, an answer.
    pub(super) is_dashed: bool,
}

/// A name at an arrow's end: `A` and `A[Label]` are the same box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    key: String,
    pub(super) label: String,
    shape: Option<Shape>,
}

/// The links of a text in order.
pub(super) fn links(text: &str) -> Vec<Link> {
    let mut links = Vec::new();
    for line in text.lines() {
        let line = sentences::item(line).map_or(line, |item| item.text);
        for statement in split_outside(line, ';') {
            if links.len() < LINKS_MAX {
                chain(statement, &mut links);
            }
        }
    }
    links.truncate(LINKS_MAX);
    links
}

/// Boxes and arrows of links.
pub(super) fn flow(links: &[Link]) -> Flow {
    let mut flow = Flow::default();
    let mut keys: Vec<(String, usize)> = Vec::new();
    let mut node = |flow: &mut Flow, name: &Name| {
        if let Some((_, at)) = keys.iter().find(|(key, _)| *key == name.key) {
            if let (Some(shape), Some(node)) = (name.shape, flow.nodes.get_mut(*at)) {
                (node.label, node.shape) = (name.label.clone(), shape);
            }
            return Some(*at);
        }
        let at = flow.node(&name.label, name.shape.unwrap_or_else(|| shape(&name.label)))?;
        keys.push((name.key.clone(), at));
        Some(at)
    };
    for link in links {
        if let (Some(from), Some(to)) = (node(&mut flow, &link.from), node(&mut flow, &link.to)) {
            flow.edge(from, to, link.label.clone());
        }
    }
    flow
}

struct Arrow {
    start: usize,
    end: usize,
    way: Way,
    is_dashed: bool,
}

/// The arrows of a line, outside of quotes and brackets.
fn scan(line: &str) -> Vec<Arrow> {
    let mut arrows = Vec::new();
    let bytes = line.as_bytes();
    let mut skip_to = 0;
    for (at, c) in line.char_indices() {
        if at < skip_to {
            continue;
        }
        match c {
            '"' | '[' | '{' => {
                let close = if c == '"' {
                    '"'
                } else if c == '[' {
                    ']'
                } else {
                    '}'
                };
                // A label is short; what is not closed soon is no label.
                let near = &line[at + 1..line.floor_char_boundary(at + 400)];
                if let Some(end) = near.find(close) {
                    skip_to = at + 1 + end + 1;
                }
            }
            '→' | '⇒' | '➜' | '⟶' | '➔' | '➡' | '⟹' => {
                arrows.push(Arrow { start: at, end: at + c.len_utf8(), way: Way::Forth, is_dashed: false });
            }
            '←' | '⇐' => {
                arrows.push(Arrow { start: at, end: at + c.len_utf8(), way: Way::Back, is_dashed: false })
            }
            '↔' | '⇔' => {
                arrows.push(Arrow { start: at, end: at + c.len_utf8(), way: Way::Both, is_dashed: false })
            }
            '<' | '-' | '=' | '—' | '–' => {
                let body = at + usize::from(c == '<');
                let run = line[body..]
                    .chars()
                    .take_while(|c| matches!(c, '-' | '=' | '.' | '—' | '–'))
                    .map(char::len_utf8)
                    .sum::<usize>();
                let heads = bytes[body + run..].iter().take(2).take_while(|byte| **byte == b'>').count();
                let way = match (c == '<', heads > 0) {
                    (true, true) => Way::Both,
                    (false, true) => Way::Forth,
                    (true, false) if line[body..].starts_with('-') => Way::Back,
                    _ => {
                        skip_to = body + run;
                        continue;
                    }
                };
                skip_to = (body + run + heads).max(at + 1);
                if run > 0 {
                    let is_dashed = heads == 2 && run >= 2;
                    arrows.push(Arrow { start: at, end: skip_to, way, is_dashed });
                }
            }
            _ => {}
        }
    }
    arrows
}

/// The links of one statement.
fn chain(statement: &str, links: &mut Vec<Link>) {
    let arrows = scan(statement);
    if arrows.is_empty() {
        return;
    }
    let mut before: Vec<Name> = Vec::new();
    let mut from = 0;
    let mut carried: Option<String> = None;
    for index in 0..=arrows.len() {
        let text = &statement[from..arrows.get(index).map_or(statement.len(), |arrow| arrow.start)];
        let arrow = index.checked_sub(1).map(|before| &arrows[before]);
        let parts = Parts::read(text, arrow.is_some(), index < arrows.len());
        if let Some(arrow) = arrow {
            let label = parts.label.clone().or(carried.take());
            let double = before.iter().flat_map(|from| parts.left.iter().map(move |to| (from, to)));
            for (one, other) in double.take(LINKS_MAX.saturating_sub(links.len())) {
                let (from, to) = if arrow.way == Way::Back { (other, one) } else { (one, other) };
                links.push(Link {
                    from: from.clone(),
                    to: to.clone(),
                    label: label.clone(),
                    is_dashed: arrow.is_dashed,
                });
                if arrow.way == Way::Both {
                    links.push(Link {
                        from: to.clone(),
                        to: from.clone(),
                        label: None,
                        is_dashed: arrow.is_dashed,
                    });
                }
            }
        }
        carried = parts.next_label;
        before = parts.right;
        from = arrows.get(index).map_or(statement.len(), |arrow| arrow.end);
    }
}

/// What stands between two arrows.
#[derive(Default)]
struct Parts {
    /// Names that the arrow before leads to.
    left: Vec<Name>,
    /// Names that the arrow behind leaves from.
    right: Vec<Name>,
    /// Label of the arrow before.
    label: Option<String>,
    /// Label of the arrow behind.
    next_label: Option<String>,
}

impl Parts {
    fn read(text: &str, has_before: bool, has_behind: bool) -> Self {
        let some = |label: &str| Some(words::label(label)).filter(|label| !label.is_empty());
        let mut parts = Self::default();
        let mut text = text.trim();
        if let Some((label, rest)) = text.strip_prefix('|').and_then(|rest| rest.split_once('|')) {
            (parts.label, text) = (some(label), rest.trim());
        }
        if has_behind
            && let Some((name, label)) = text
                .rsplit_once(" -- ")
                .or_else(|| text.rsplit_once(" --"))
                .or_else(|| text.rsplit_once("-["))
        {
            (text, parts.next_label) = (name, some(label.trim_matches(['[', ']', '-', ' ', '"'])));
        }
        if has_before && !has_behind {
            text = text.split_once(". ").map_or(text, |(first, _)| first);
        }
        if let Some((head, tail)) = colon(text) {
            if has_before {
                (text, parts.label) = (head, some(tail));
            } else {
                text = tail;
            }
        }
        let names: Vec<&str> =
            split_outside(text, ',').into_iter().filter(|part| !part.trim().is_empty()).collect();
        let (first, last) =
            (names.first().copied().into_iter().collect(), names.last().copied().into_iter().collect());
        // Between two arrows a comma ends one chain and begins another.
        let (left, right) = if has_before && has_behind { (first, last) } else { (names.clone(), names) };
        let read = |names: Vec<&str>| names.into_iter().filter_map(Name::read).take(12).collect();
        (parts.left, parts.right) = (read(left), read(right));
        parts
    }
}

/// A colon that parts a label from a name, outside of brackets and addresses.
fn colon(text: &str) -> Option<(&str, &str)> {
    let opens = text.find(['[', '{', '"']).unwrap_or(text.len());
    let at = text.find([':', '：']).filter(|at| *at < opens)?;
    let width = text[at..].chars().next().map_or(1, char::len_utf8);
    let (head, tail) = (&text[..at], &text[at + width..]);
    (!tail.trim().is_empty() && !tail.starts_with("//") && !tail.starts_with(':')).then_some((head, tail))
}

impl Name {
    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(name) = Self::bracketed(text) {
            return Some(name);
        }
        let label = words::label(text);
        (!label.is_empty()).then(|| Self { key: text.to_lowercase(), label, shape: None })
    }

    /// `id[Label]`, `id{Label}`, `id([Label])`, `id[(Label)]`, `[Label]`, `(Label)`.
    fn bracketed(text: &str) -> Option<Self> {
        let opens = text.find(['[', '{', '('])?;
        let (key, inner) = text.split_at(opens);
        let last = inner.chars().next_back().filter(|c| matches!(c, ']' | '}' | ')'))?;
        if key.trim().contains(' ') || (inner.starts_with('(') && !inner.starts_with("([") && key.len() > 2) {
            return None;
        }
        let shape = match (inner.starts_with('{'), inner.starts_with("[("), inner.starts_with('(')) {
            (true, ..) => Shape::Decision,
            (_, true, _) => Shape::Store,
            (_, _, true) if last == ')' => Shape::End,
            _ => Shape::Step,
        };
        let label = words::label(inner.trim_matches(['[', ']', '(', ')', '{', '}', '"', ' ']));
        let key = if key.trim().is_empty() { label.to_lowercase() } else { key.trim().to_lowercase() };
        (!label.is_empty()).then_some(Self { key, label, shape: Some(shape) })
    }
}

/// Splits at `separator`, but not inside of quotes and brackets.
fn split_outside(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut from, mut depth, mut is_quoted) = (0, 0_usize, false);
    for (at, c) in text.char_indices() {
        match c {
            '"' => is_quoted = !is_quoted,
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            c if c == separator && depth == 0 && !is_quoted => {
                parts.push(&text[from..at]);
                from = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}
