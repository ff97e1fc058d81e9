//! A title for a drawing: what the prompt says it is about, else what stands in it.

use super::sketch::{Sketch, Start};
use super::words::{self, capitalised, listed};

/// Characters of a title.
const TITLE_CHARS_MAX: usize = 80;

/// The title; never empty, one line, without backticks.
pub(super) fn title(topic: Option<&str>, sketch: &Sketch) -> String {
    let title = match topic {
        Some(topic) => topic.to_owned(),
        None => content(sketch),
    };
    let title: String = title.chars().filter(|c| !matches!(c, '`' | '*' | '"')).collect();
    let title = words::short(title.trim(), TITLE_CHARS_MAX);
    if title.is_empty() { "Diagram".to_owned() } else { capitalised(&title) }
}

fn content(sketch: &Sketch) -> String {
    match sketch {
        Sketch::Flow(flow) => {
            let label = |at: usize| flow.nodes.get(at).map(|node| node.label.clone()).unwrap_or_default();
            let short = |label: &String| label.split_whitespace().count() <= 2;
            let (first, last) = (label(0), label(flow.nodes.len().saturating_sub(1)));
            let is_chain = flow.nodes.len() > 1 && short(&first) && short(&last) && flow.is_chain();
            let first = first.trim_end_matches(['?', ' ']).to_owned();
            if is_chain { format!("{first} to {last}") } else { first }
        }
        Sketch::States(states) => {
            format!("States: {}", listed(&names(states.nodes.iter().map(|node| &node.label))))
        }
        Sketch::Sequence(sequence) => listed(&names(sequence.participants.iter())),
        Sketch::Entities(entities) => listed(&names(entities.entities.iter().map(|entity| &entity.name))),
        Sketch::Classes(classes) => listed(&names(classes.classes.iter().map(|class| &class.name))),
        Sketch::Plan(plan) => {
            let first = plan.tasks.first().map(|task| task.name.as_str()).unwrap_or_default();
            let last = plan
                .tasks
                .iter()
                .rev()
                .find(|task| task.name != first || matches!(task.start, Start::After(_)));
            last.map_or_else(
                || format!("Plan for {first}"),
                |last| format!("Plan from {first} to {}", last.name),
            )
        }
        Sketch::Outline(outline) => outline.root.clone(),
    }
}

/// Names that fit a title.
fn names<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    names.take(4).map(|name| words::short(name, 24)).collect()
}
