//! From a prompt to a sketch: which kind it asks for, in words or by its form, and the reader of
//! that kind. A flowchart of its clauses is what any text gives.

use super::kinds::Kind;
use super::request::{self, Request};
use super::sketch::Sketch;
use super::words;

mod arrows;
mod attributes;
mod classes;
mod clauses;
mod dates;
mod entities;
mod flow;
mod outline;
mod pieces;
mod sequence;
mod speech;
mod states;
mod tasks;

use clauses::Statement;

/// Messages that make a text a sequence when it does not say so.
const MESSAGES_MIN: usize = 2;

/// Reads a clean prompt: the sketch and what the prompt says that it is about.
pub(super) fn read(prompt: &str) -> (Sketch, Option<String>) {
    let request = request::parse(prompt);
    let sketch = match request.kind {
        Some(kind) if kind != Kind::Flow => Some(asked(kind, &request)),
        Some(_) => None,
        None => by_form(&request),
    };
    let Some(sketch) = sketch else { return steps_of(request) };
    (sketch, request.topic)
}

/// A flowchart, about what stands before its first colon.
fn steps_of(request: Request) -> (Sketch, Option<String>) {
    let head = request::head(&request.body)
        .filter(|_| request.topic.is_none() && arrows::links(&request.body).is_empty());
    match head {
        Some((topic, body)) => (Sketch::Flow(flow::read(body)), Some(topic)),
        None => (Sketch::Flow(flow::read(&request.body)), request.topic),
    }
}

/// The kind that the prompt names; its parts are made of whatever the text holds.
fn asked(kind: Kind, request: &Request) -> Sketch {
    let (topic, body) = (request.topic.as_deref(), request.body.as_str());
    match kind {
        Kind::Flow => Sketch::Flow(flow::read(body)),
        Kind::Sequence => {
            Sketch::Sequence(sequence::read(body).unwrap_or_else(|| sequence::of_steps(topic, &steps(body))))
        }
        Kind::Entities => {
            let read = entities::read(body).unwrap_or_else(|| entities::of_names(body));
            if read.entities.is_empty() { Sketch::Flow(flow::read(body)) } else { Sketch::Entities(read) }
        }
        Kind::States => {
            let read = states::read(body).unwrap_or_else(|| states::of_list(body));
            if read.nodes.is_empty() { Sketch::Flow(flow::read(body)) } else { Sketch::States(read) }
        }
        Kind::Plan => Sketch::Plan(tasks::read(body).unwrap_or_else(|| tasks::of_steps(&steps(body)))),
        Kind::Classes => {
            let read = classes::read(body).unwrap_or_else(|| classes::of_names(body));
            if read.classes.is_empty() { Sketch::Flow(flow::read(body)) } else { Sketch::Classes(read) }
        }
        Kind::Outline => Sketch::Outline(outline::forced(topic, body)),
    }
}

/// The kind that the prompt's form speaks for.
fn by_form(request: &Request) -> Option<Sketch> {
    let (topic, body) = (request.topic.as_deref(), request.body.as_str());
    let links = arrows::links(body);
    if !links.is_empty() {
        let answers = links.iter().any(|link| {
            link.label.is_some()
                && links
                    .iter()
                    .any(|other| other.label.is_some() && (&other.from, &other.to) == (&link.to, &link.from))
        });
        let dashed = links.iter().any(|link| link.is_dashed);
        return (dashed || answers).then(|| sequence::read(body).map(Sketch::Sequence)).flatten();
    }
    if outline::is_outline(topic, body) {
        return outline::read(topic, body).map(Sketch::Outline);
    }
    // "my notes: work: a, b; home: c"
    if words::has(body, &["notes", "topics", "ideas", "outline", "agenda"])
        && let Some((topic, rest)) = request::head(body).filter(|(_, rest)| rest.contains(':'))
    {
        return outline::read(Some(&topic), rest).map(Sketch::Outline);
    }
    let statements = clauses::statements(body);
    let has_choice = statements.iter().any(|statement| matches!(statement, Statement::Choice { .. }));
    let plan = tasks::read(body).filter(|plan| !has_choice && is_plan(plan, &statements, body));
    if let Some(plan) = plan {
        return Some(Sketch::Plan(plan));
    }
    if classes::speaks_of_classes(body)
        && let Some(classes) = classes::read(body)
    {
        return Some(Sketch::Classes(classes));
    }
    let entities = entities::read(body).filter(|entities| {
        !has_choice
            && (!entities.relations.is_empty() || entities.entities.len() > 1 || describes(entities, body))
    });
    if let Some(entities) = entities {
        return Some(Sketch::Entities(entities));
    }
    if let Some(states) = states::read(body).filter(|_| speaks_of_states(body)) {
        return Some(Sketch::States(states));
    }
    let messages = statements.iter().map(messages).sum::<usize>();
    let spoken = messages >= MESSAGES_MIN && messages * 2 >= statements.len();
    spoken.then(|| sequence::read(body).map(Sketch::Sequence)).flatten()
}

/// Two tasks with a time of their own, and little else.
fn is_plan(plan: &super::sketch::Plan, statements: &[Statement], body: &str) -> bool {
    let dated = body.split_whitespace().collect::<Vec<_>>();
    let has_dates = !dates::dates(&dated).is_empty();
    let count = plan.tasks.len();
    (count >= 2 && count * 2 >= statements.len()) || (count == 1 && has_dates && statements.len() <= 2)
}

/// "User has name, email and age": a table with its columns.
fn describes(entities: &super::sketch::Entities, body: &str) -> bool {
    let is_step =
        |name: &str| name.split(' ').next().is_some_and(|word| super::verbs::is_base(&word.to_lowercase()));
    let columns = entities.entities.iter().flat_map(|entity| &entity.attributes);
    !columns.clone().any(|column| is_step(&column.name))
        && words::has(body, &["has", "have", "with", "table", "tables"])
}

fn speaks_of_states(body: &str) -> bool {
    words::has(body, &["state", "states", "status", "becomes", "lifecycle"])
        || (words::has(body, &["from"])
            && words::has(body, &["goes", "moves", "changes", "switches", "transitions", "turns", "passes"]))
}

fn messages(statement: &Statement) -> usize {
    match statement {
        Statement::Step(text) => usize::from(speech::is_message(text)),
        Statement::Choice { yes, no, .. } => yes.iter().chain(no.iter().flatten()).map(messages).sum(),
    }
}

/// The steps of a text in order, choices taken apart.
fn steps(body: &str) -> Vec<String> {
    let mut steps = Vec::new();
    collect(&clauses::statements(body), &mut steps);
    if steps.is_empty() {
        let text = words::label(body);
        steps.push(if text.is_empty() { "Nothing to draw".to_owned() } else { text });
    }
    steps
}

fn collect(list: &[Statement], steps: &mut Vec<String>) {
    for statement in list {
        match statement {
            Statement::Step(text) => steps.extend(Some(words::label(text)).filter(|text| !text.is_empty())),
            Statement::Choice { question, yes, no } => {
                steps.push(format!("Check: {}", words::label(question)));
                collect(yes, steps);
                collect(no.as_deref().unwrap_or_default(), steps);
            }
        }
    }
}
