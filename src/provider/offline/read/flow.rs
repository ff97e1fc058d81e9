//! Flowcharts: arrows, numbered and bulleted steps, "then" chains, "if … otherwise …".

use crate::provider::offline::sketch::{Flow, Shape};
use crate::provider::offline::words;

/// Arrows in all spellings, longest first.
const ARROWS: &[&str] = &["-->", "==>", "->>", "->", "=>", "→", "⇒", "➜", "⟶"];
/// Words between one step and the next.
const THEN: &[&str] =
    &["and then", "after that", "then", "afterwards", "next", "finally", "followed by", "lastly"];
const STORES: &[&str] = &["database", "db", "store", "storage", "cache", "warehouse", "table"];
const ENDS: &[&str] = &["start", "end", "begin", "stop", "done", "finish"];

/// Whether the text draws arrows itself.
pub(super) fn has_arrows(prompt: &str) -> bool {
    ARROWS.iter().any(|arrow| prompt.contains(arrow))
}

/// A flowchart of any text.
pub(super) fn read(prompt: &str) -> Flow {
    let mut flow = Flow::default();
    if has_arrows(prompt) {
        prompt.lines().for_each(|line| arrows(words::unmarked(line), &mut flow));
    }
    if flow.edges.is_empty() {
        steps(prompt, &mut flow);
    }
    if flow.nodes.is_empty() {
        let text = words::label(prompt);
        flow.node(if text.is_empty() { "Nothing to draw" } else { &text }, Shape::Step);
    }
    flow
}

/// `A -> B: label`, `A -- label --> B`, `A -[label]-> B`, chains.
pub(super) fn arrows(line: &str, flow: &mut Flow) {
    let mut before: Option<usize> = None;
    let mut rest = line;
    let mut pending: Option<String> = None;
    loop {
        let found = ARROWS
            .iter()
            .filter_map(|arrow| rest.find(arrow).map(|at| (at, arrow.len())))
            .min_by_key(|(at, len)| (*at, usize::MAX - *len));
        let (text, after) = match found {
            Some((at, len)) => (&rest[..at], Some(&rest[at + len..])),
            None => (rest, None),
        };
        let (name, own_label, next_label) = parts(text, before.is_some(), after.is_some());
        let node = (!name.is_empty()).then(|| flow.node(&name, shape(&name))).flatten();
        if let (Some(from), Some(to)) = (before, node) {
            flow.edge(from, to, own_label.or(pending.take()));
        }
        before = node.or(before);
        pending = next_label;
        match after {
            Some(after) => rest = after,
            None => return,
        }
    }
}

/// A box's name, the label of the arrow before it (`B: label`), and of the arrow after it
/// (`A -- label`, `A -[label]`).
fn parts(
    text: &str,
    has_arrow_before: bool,
    has_arrow_after: bool,
) -> (String, Option<String>, Option<String>) {
    let some = |label: &str| Some(words::label(label)).filter(|label| !label.is_empty());
    let (text, bar) = match text.trim().strip_prefix('|').and_then(|rest| rest.split_once('|')) {
        Some((label, rest)) => (rest, some(label)),
        None => (text, None),
    };
    let (text, after) = match text.split_once("--").or_else(|| text.split_once("-[")) {
        Some((name, label)) if has_arrow_after => (name, some(label.trim_matches(['[', ']', '-', ' ']))),
        _ => (text, None),
    };
    match text.split_once(':') {
        Some((name, label)) if has_arrow_before && !has_arrow_after => {
            (words::label(name), some(label), after)
        }
        Some((_, name)) if !has_arrow_before && has_arrow_after => (words::label(name), bar, after),
        _ => (words::label(text), bar, after),
    }
}

/// One step after the other, with branches at each "if".
fn steps(prompt: &str, flow: &mut Flow) {
    let mut ends: Vec<(usize, Option<String>)> = Vec::new();
    for clause in clauses(prompt) {
        ends = match condition(&clause) {
            Some((question, yes, no)) => branch(flow, &ends, &question, &yes, no.as_deref()),
            None => step(flow, ends, &clause),
        };
    }
}

fn step(flow: &mut Flow, ends: Vec<(usize, Option<String>)>, text: &str) -> Vec<(usize, Option<String>)> {
    let text = words::label(text);
    if text.is_empty() {
        return ends;
    }
    let Some(node) = flow.node(&text, shape(&text)) else { return ends };
    for (from, label) in ends {
        if from != node {
            flow.edge(from, node, label);
        }
    }
    vec![(node, None)]
}

fn branch(
    flow: &mut Flow,
    ends: &[(usize, Option<String>)],
    question: &str,
    yes: &str,
    no: Option<&str>,
) -> Vec<(usize, Option<String>)> {
    let question = format!("{}?", words::label(question).trim_end_matches('?'));
    let Some(decision) = flow.node(&question, Shape::Decision) else { return ends.to_vec() };
    for (from, label) in ends {
        flow.edge(*from, decision, label.clone());
    }
    let mut open = Vec::new();
    for (answer, text) in [("Yes", Some(yes)), ("No", no)] {
        let start = vec![(decision, Some(answer.to_owned()))];
        match text {
            Some(text) => {
                let parts = split_then(text);
                open.extend(parts.iter().fold(start, |ends, part| step(flow, ends, part)));
            }
            // Without an "otherwise" the way goes on.
            None => open.extend(start),
        }
    }
    open
}

/// "if Q then Y otherwise N", "if Q, Y, else N".
fn condition(clause: &str) -> Option<(String, String, Option<String>)> {
    let lower = clause.trim_start().to_ascii_lowercase();
    let rest = ["if ", "when "]
        .iter()
        .find_map(|word| lower.starts_with(word).then(|| &clause.trim_start()[word.len()..]))?;
    let (rest, no) = match words::split_at_word(rest, &["otherwise", "else", "or else"]) {
        Some((yes, no)) => (yes, Some(no.to_owned())),
        None => (rest, None),
    };
    let by_comma = rest.split_once(',').filter(|(_, yes)| yes.chars().any(char::is_alphanumeric));
    let split = words::split_at_word(rest, &["then"]).or(by_comma);
    let rest = rest.trim_end_matches([',', ' ']);
    let (question, yes) = split.or_else(|| verb_after(rest))?;
    let no = no.filter(|no| no.chars().any(char::is_alphanumeric));
    Some((question.trim().to_owned(), yes.trim_matches([',', ' ']).to_owned(), no))
}

/// "the password is right show the dashboard": the consequence begins at its verb, one that is
/// known or one that has an object ("in stock ship it").
fn verb_after(text: &str) -> Option<(&str, &str)> {
    const VERBS: &[&str] = &[
        "show", "send", "go", "return", "create", "display", "log", "redirect", "reject", "accept", "stop",
        "continue", "notify", "retry", "ship", "deliver", "cancel", "refund", "charge", "approve", "deny",
        "escalate", "ask",
    ];
    let known = VERBS.iter().filter_map(|verb| words::find_word(text, verb)).map(|(start, _)| start);
    let start = known.filter(|start| *start > 0).chain(verb_with_object(text)).min()?;
    Some((&text[..start], &text[start..]))
}

/// Where a word stands that can only be an order: an object follows, and it is no word that
/// belongs to the condition itself.
fn verb_with_object(text: &str) -> Option<usize> {
    const OBJECTS: &[&str] = &["it", "them", "him", "her", "a", "an", "the"];
    const NO_VERBS: &[&str] = &[
        "is", "are", "was", "were", "be", "has", "have", "had", "do", "does", "not", "no", "in", "on", "at",
        "of", "to", "for", "by", "with", "from", "under", "over", "above", "below", "within", "and", "or",
        "than", "that", "as", "after", "before", "while", "until", "like", "want", "need", "about", "all",
        "both",
    ];
    let starts = text.char_indices().filter(|(at, c)| {
        !c.is_whitespace() && text[..*at].chars().next_back().is_some_and(char::is_whitespace)
    });
    let starts: Vec<usize> = starts.map(|(at, _)| at).collect();
    let word = |start: usize| text[start..].split_whitespace().next().unwrap_or("").to_ascii_lowercase();
    starts.windows(2).find_map(|pair| {
        let (verb, object) = (word(pair[0]), word(pair[1]));
        // "the user buys a ticket" tells, "buy a ticket" orders.
        let tells = verb.ends_with('s') && !verb.ends_with("ss");
        let orders = !tells && !NO_VERBS.contains(&verb.as_str()) && OBJECTS.contains(&object.as_str());
        orders.then_some(pair[0])
    })
}

/// Sentences and list items, cut at "then"; an "otherwise" sentence joins the "if" before it.
fn clauses(prompt: &str) -> Vec<String> {
    let mut clauses: Vec<String> = Vec::new();
    for sentence in words::sentences(prompt) {
        let lower = sentence.to_ascii_lowercase();
        let continues = lower.starts_with("otherwise") || lower.starts_with("else");
        match clauses.last_mut() {
            Some(last) if continues && last.to_ascii_lowercase().starts_with("if ") => {
                last.push_str(", ");
                last.push_str(&sentence);
            }
            _ => clauses.extend(cut(&sentence)),
        }
    }
    clauses
}

/// Cuts a sentence into steps; an "if" and what follows it stay together.
fn cut(sentence: &str) -> Vec<String> {
    match words::find_word(sentence, "if") {
        Some((at, _)) => {
            let mut parts = split_then(&sentence[..at]);
            parts.push(sentence[at..].to_owned());
            parts
        }
        None => split_then(sentence),
    }
}

fn split_then(text: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = words::split_at_word(rest, THEN) {
        parts.extend(split_commas(before));
        rest = after;
    }
    parts.extend(split_commas(rest));
    parts
}

/// "boil water, add tea and pour": commas part steps when a list of three or more is meant.
fn split_commas(text: &str) -> Vec<String> {
    let parts: Vec<&str> = text.split(", ").collect();
    let parts: Vec<&str> = if parts.len() >= 2 { parts } else { vec![text] };
    let clean = parts
        .iter()
        .map(|part| part.trim().trim_start_matches("and ").trim_end_matches(" and").trim_matches([',', ' ']));
    clean.filter(|part| part.chars().any(char::is_alphanumeric)).map(str::to_owned).collect()
}

fn shape(label: &str) -> Shape {
    let named = |some: &[&str]| some.iter().any(|word| words::find_word(label, word).is_some());
    if label.ends_with('?') {
        Shape::Decision
    } else if label.split_whitespace().count() == 1 && named(ENDS) {
        Shape::End
    } else if label.split_whitespace().count() <= 3 && named(STORES) {
        Shape::Store
    } else {
        Shape::Step
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::DiagramType;
    use crate::provider::offline::draft;

    #[test]
    fn the_example_of_the_help_has_a_decision_with_two_ways() {
        let (source, _) =
            draft("Order arrives; if in stock ship it, otherwise back-order", DiagramType::Mermaid);
        insta::assert_snapshot!(source, @"");
    }

    #[test]
    fn a_consequence_begins_at_its_verb_with_or_without_a_comma() {
        let question = |clause: &str| super::condition(clause).map(|(question, yes, no)| (question, yes, no));
        let some = |question: &str, yes: &str, no: &str| {
            let no = Some(no.to_owned()).filter(|no| !no.is_empty());
            Some((question.to_owned(), yes.to_owned(), no))
        };
        for (clause, expected) in [
            ("if in stock ship it, otherwise back-order", some("in stock", "ship it", "back-order")),
            ("if in stock, ship it, otherwise back-order", some("in stock", "ship it", "back-order")),
            (
                "If it is raining take an umbrella else walk",
                some("it is raining", "take an umbrella", "walk"),
            ),
            ("if the card has a limit raise it", some("the card has a limit", "raise it", "")),
            ("if the user buys a ticket print it", some("the user buys a ticket", "print it", "")),
            ("if in stock", None),
        ] {
            assert_eq!(question(clause), expected, "{clause}");
        }
    }
}
