//! Flowcharts of prose: steps, choices, ways back.

use crate::provider::offline::sketch::{Flow, Shape};
use crate::provider::offline::words::{self, Text};

use super::arrows;
use super::clauses::{Statement, statements};

const STORES: &[&str] = &["database", "db", "store", "storage", "cache", "warehouse", "table", "queue"];
const ENDS: &[&str] = &["start", "end", "begin", "stop", "done", "finish", "finished", "exit", "abort"];
/// Words behind which an earlier step is named.
const BACK_TO: &[&str] = &[
    "go back to",
    "goes back to",
    "return to",
    "returns to",
    "back to",
    "loop back to",
    "loops back to",
    "jump to",
    "start again at",
    "repeat from",
    "go to",
    "goes to",
];
/// Ways back to what was done before the last question.
const AGAIN: &[&str] = &[
    "try again",
    "tries again",
    "retry",
    "retries",
    "repeat",
    "start over",
    "start again",
    "do it again",
    "ask again",
    "asks again",
];
const SMALL: &[&str] = &["the", "a", "an", "to", "of", "in", "step", "page", "and", "is"];

/// Ends that the next step is joined to: a box and the label of the arrow out of it.
type Ends = Vec<(usize, Option<String>)>;

/// A flowchart of any text; never empty.
pub(super) fn read(body: &str) -> Flow {
    let links = arrows::links(body);
    let mut flow = arrows::flow(&links);
    if flow.edges.is_empty() {
        flow = Flow::default();
        let ends = chain(&statements(body), &mut flow, Ends::new());
        close(&mut flow, ends);
    }
    if flow.nodes.is_empty() {
        let text = words::label(body);
        flow.node(if text.is_empty() { "Nothing to draw" } else { &text }, Shape::Step);
    }
    if let [only] = flow.nodes.as_mut_slice() {
        only.shape = Shape::Step;
    }
    flow
}

fn chain(list: &[Statement], flow: &mut Flow, ends: Ends) -> Ends {
    list.iter().fold(ends, |ends, statement| match statement {
        Statement::Step(text) => step(text, flow, ends),
        Statement::Choice { question, yes, no } => choice(question, yes, no.as_deref(), flow, ends),
    })
}

fn step(text: &str, flow: &mut Flow, ends: Ends) -> Ends {
    let label = words::label(text);
    if label.is_empty() {
        return ends;
    }
    if let Some(target) = way_back(text, flow, &ends) {
        ends.into_iter().for_each(|(from, label)| flow.edge(from, target, label));
        return Ends::new();
    }
    let shape = shape(&label);
    let Some(node) = flow.node(&label, shape) else { return ends };
    for (from, label) in ends {
        if from != node {
            flow.edge(from, node, label);
        }
    }
    let is_last = shape == Shape::End && flow.nodes.len() > 1;
    if is_last { Ends::new() } else { vec![(node, None)] }
}

fn choice(condition: &str, yes: &[Statement], no: Option<&[Statement]>, flow: &mut Flow, ends: Ends) -> Ends {
    let Some(decision) = flow.node(&question(condition), Shape::Decision) else { return ends };
    for (from, label) in ends {
        if from != decision {
            flow.edge(from, decision, label);
        }
    }
    let mut open = chain(yes, flow, vec![(decision, Some("Yes".to_owned()))]);
    let start = vec![(decision, Some("No".to_owned()))];
    // Without an "otherwise" the way goes on.
    open.extend(match no {
        Some(no) => chain(no, flow, start),
        None => start,
    });
    open
}

/// A choice that nothing follows leads to an end of its own.
fn close(flow: &mut Flow, ends: Ends) {
    let open: Ends = ends.into_iter().filter(|(_, label)| label.is_some()).collect();
    if open.is_empty() {
        return;
    }
    if let Some(end) = flow.node("Done", Shape::End) {
        open.into_iter().for_each(|(from, label)| flow.edge(from, end, label));
    }
}

/// The box that "go back to X" or "try again" means.
fn way_back(text: &str, flow: &Flow, ends: &Ends) -> Option<usize> {
    let parsed = Text::new(text);
    if parsed.words.len() <= 4 && parsed.find(AGAIN).is_some() {
        let decision = ends.iter().find_map(|(from, _)| question_before(*from, flow))?;
        let before =
            flow.edges.iter().find(|edge| edge.to == decision && edge.from < decision).map(|edge| edge.from);
        return Some(before.unwrap_or(decision));
    }
    let hit = parsed.find(BACK_TO).filter(|hit| hit.first <= 2)?;
    let target: Vec<&str> = parsed.words[hit.after..]
        .iter()
        .map(|word| word.lower.as_str())
        .filter(|word| !SMALL.contains(word))
        .collect();
    // "go back to step 2"
    if let [number] = target.as_slice()
        && let Ok(number) = number.parse::<usize>()
    {
        return number.checked_sub(1).filter(|at| *at < flow.nodes.len());
    }
    let score = |label: &str| {
        let words = Text::new(label).words;
        target.iter().filter(|word| words.iter().any(|other| other.lower == **word)).count()
    };
    let scores = flow.nodes.iter().enumerate().map(|(at, node)| (score(&node.label), std::cmp::Reverse(at)));
    let (best, std::cmp::Reverse(at)) = scores.max()?;
    (best > 0 && best * 2 >= target.len()).then_some(at)
}

/// The last decision on the way to a box.
fn question_before(node: usize, flow: &Flow) -> Option<usize> {
    let mut at = node;
    for _ in 0..flow.nodes.len() {
        if flow.nodes[at].shape == Shape::Decision {
            return Some(at);
        }
        at = flow.edges.iter().find(|edge| edge.to == at)?.from;
    }
    None
}

/// A condition without the pronoun that only refers: "they are valid" is "Valid".
fn question(text: &str) -> String {
    let text = text.trim_end_matches(['?', '？', ' ']);
    let parsed = Text::new(text);
    let refers = parsed.matches(0, &["it is", "they are", "it's", "he is", "she is", "that is"]);
    let short = if refers > 0 && parsed.words.len() > refers { parsed.behind(refers) } else { text };
    format!("{}?", words::label(short))
}

/// The shape that a label speaks for.
pub(super) fn shape(label: &str) -> Shape {
    let count = label.split_whitespace().count();
    if label.ends_with(['?', '？']) {
        Shape::Decision
    } else if count == 1 && words::has(label, ENDS) {
        Shape::End
    } else if count <= 3
        && Text::new(label).words.last().is_some_and(|word| STORES.contains(&word.lower.as_str()))
    {
        Shape::Store
    } else {
        Shape::Step
    }
}
