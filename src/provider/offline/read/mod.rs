//! From a prompt to a sketch: which kind it asks for, in words or by its form, and the reader of
//! that kind. A flowchart of its clauses is what any text gives.

use super::sketch::{Outline, Sketch};
use super::words;

mod classes;
mod entities;
mod flow;
mod sequence;
mod states;
mod tasks;

/// Reads a prompt.
pub(super) fn read(prompt: &str) -> Sketch {
    asked(prompt).or_else(|| by_form(prompt)).unwrap_or_else(|| Sketch::Flow(flow::read(prompt)))
}

/// The kind that the prompt names, if its reader finds something.
fn asked(prompt: &str) -> Option<Sketch> {
    let names = |some: &[&str]| some.iter().any(|word| words::find_word(prompt, word).is_some());
    if names(&["mindmap", "mind map", "brainstorm"]) {
        return outline(prompt).map(Sketch::Outline);
    }
    if names(&["sequence diagram", "sequence"]) {
        return sequence::read(prompt).map(Sketch::Sequence);
    }
    if names(&["er diagram", "entity relationship", "entity-relationship", "database schema", "erd"]) {
        return entities::read(prompt).map(Sketch::Entities);
    }
    if names(&["state diagram", "state machine", "states"]) {
        return states::read(prompt).map(Sketch::States);
    }
    if names(&["gantt", "project plan", "timeline", "schedule"]) {
        return tasks::read(prompt).map(Sketch::Tasks);
    }
    if names(&["class diagram", "classes"]) {
        return classes::read(prompt).map(Sketch::Classes);
    }
    if names(&["flowchart", "flow chart", "process"]) {
        return Some(Sketch::Flow(flow::read(prompt)));
    }
    None
}

/// The kind that the prompt's form speaks for.
fn by_form(prompt: &str) -> Option<Sketch> {
    if flow::has_arrows(prompt) {
        return None;
    }
    let entities = || entities::read(prompt).map(Sketch::Entities);
    let classes = || classes::read(prompt).map(Sketch::Classes);
    let tasks = || tasks::read(prompt).map(Sketch::Tasks);
    let states = || states::read(prompt).map(Sketch::States);
    let sequence = || {
        sequence::read(prompt)
            .filter(|s| s.messages.len() > 1 || s.participants.len() > 1)
            .map(Sketch::Sequence)
    };
    let nested =
        || outline(prompt).filter(|o| o.items.iter().any(|(depth, _)| *depth > 0)).map(Sketch::Outline);
    tasks().or_else(nested).or_else(entities).or_else(classes).or_else(states).or_else(sequence)
}

/// List items under the first line; without a list, the parts of its sentences.
fn outline(prompt: &str) -> Option<Outline> {
    let mut indents: Vec<usize> = Vec::new();
    let mut items = Vec::new();
    for line in prompt.lines() {
        let Some((indent, text)) = words::mark(line) else { continue };
        indents.retain(|known| *known < indent);
        let text = words::label(text);
        if !text.is_empty() && items.len() < super::sketch::ELEMENTS_MAX {
            items.push((indents.len(), text));
        }
        indents.push(indent);
    }
    let first = prompt.lines().find(|line| words::mark(line).is_none() && !line.trim().is_empty());
    let root = root(first.unwrap_or("Notes"));
    if items.is_empty() {
        let (_, list) = prompt.split_once(':').unwrap_or(("", prompt));
        let parts = list.split([',', ';', '\n', '.']).flat_map(|part| part.split(" and "));
        items = parts
            .map(words::label)
            .filter(|text| !text.is_empty())
            .map(|text| (0, text))
            .take(super::sketch::ELEMENTS_MAX)
            .collect();
    }
    (!items.is_empty()).then_some(Outline { root, items })
}

/// "A mindmap of X: a, b" is about X.
fn root(line: &str) -> String {
    let head = line.split(':').next().unwrap_or(line);
    let about = words::split_at_word(head, &["of", "about", "on", "for"]).map_or(head, |(_, about)| about);
    let root = words::label(about);
    if root.is_empty() { "Notes".to_owned() } else { root }
}
