//! Sequences: "A sends B a request", "B replies to A with the result".

use crate::provider::offline::sketch::{ELEMENTS_MAX, Message, Sequence};
use crate::provider::offline::words;

/// What one does to another.
const VERBS: &[&str] = &[
    "sends", "asks", "calls", "requests", "queries", "tells", "notifies", "forwards", "posts", "writes",
    "submits", "pings", "invokes", "emails",
];
/// What answers.
const REPLIES: &[&str] = &["replies", "returns", "responds", "answers", "confirms", "acknowledges"];
/// Between the message and its receiver.
const TO: &[&str] = &["to", "from", "for"];

/// The messages of a text; `None` when it has none.
pub(super) fn read(prompt: &str) -> Option<Sequence> {
    let mut sequence = Sequence::default();
    let mut last: Option<(usize, usize)> = None;
    for sentence in words::sentences(prompt) {
        for clause in clauses(&sentence) {
            if sequence.messages.len() >= ELEMENTS_MAX {
                break;
            }
            if let Some(message) = message(&clause, &mut sequence, last) {
                last = Some((message.from, message.to));
                sequence.messages.push(message);
            }
        }
    }
    (!sequence.messages.is_empty()).then_some(sequence)
}

fn clauses(sentence: &str) -> Vec<String> {
    let text = sentence
        .split_once(':')
        .filter(|(head, _)| words::find_word(head, "sequence").is_some())
        .map_or(sentence, |(_, rest)| rest);
    let mut clauses = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = words::split_at_word(rest, &["then", "and then", "after that", "which"])
    {
        clauses.push(before.to_owned());
        rest = after;
    }
    clauses.push(rest.to_owned());
    clauses.iter().flat_map(|clause| clause.split(", ")).map(str::to_owned).collect()
}

fn message(clause: &str, sequence: &mut Sequence, last: Option<(usize, usize)>) -> Option<Message> {
    let (verb, at, end, reply) = verb(clause)?;
    let subject = words::label(clause[..at].trim().trim_start_matches("and "));
    let object = clause[end..].trim();
    let from = if subject.is_empty() || subject.split_whitespace().count() > 4 {
        last?.1
    } else {
        sequence.participant(&subject)
    };
    let (receiver, text) = receiver(object, reply, verb);
    let to = match receiver {
        Some(name) => sequence.participant(&name),
        None => last.filter(|(_, to)| *to == from).map(|(from, _)| from)?,
    };
    Some(Message { from, to, text, reply })
}

fn verb(clause: &str) -> Option<(&'static str, usize, usize, bool)> {
    let find = |verbs: &'static [&'static str], reply| {
        verbs
            .iter()
            .filter_map(move |verb| words::find_word(clause, verb).map(|(at, end)| (*verb, at, end, reply)))
    };
    find(VERBS, false).chain(find(REPLIES, true)).min_by_key(|(_, at, _, _)| *at)
}

/// "a request to the API", "the API for a token", "the API".
fn receiver(object: &str, reply: bool, verb: &str) -> (Option<String>, String) {
    if let Some((what, who)) = words::split_at_word(object, &TO[..1]) {
        let (who, more) = words::split_at_word(who, &["with", "for"]).unwrap_or((who, ""));
        let what = if what.is_empty() { more } else { what };
        return (some(who), said(what, verb));
    }
    if reply {
        let object = object.trim_start_matches("with ");
        return (None, said(object, verb));
    }
    if let Some((who, what)) = words::split_at_word(object, &["for", "with", "about", "a", "an"]) {
        return (some(who), said(what, verb));
    }
    (some(object), words::capitalised(verb))
}

fn some(name: &str) -> Option<String> {
    let name = words::label(name);
    (!name.is_empty() && name.split_whitespace().count() <= 4).then_some(name)
}

fn said(text: &str, verb: &str) -> String {
    let text = words::label(text.trim_start_matches("with "));
    if text.is_empty() { words::capitalised(verb) } else { text }
}
