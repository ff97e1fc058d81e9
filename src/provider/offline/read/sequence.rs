//! Sequences: "A sends B a request", "B replies to A with the result", "A -> B: text".

use crate::provider::offline::sketch::{ELEMENTS_MAX, Message, Part, Sequence};
use crate::provider::offline::verbs::is_action;
use crate::provider::offline::words::{self, Text};

use super::arrows::{self, Link};
use super::clauses::{Statement, statements};
use super::speech::{
    Manner, NAME_WORDS_MAX, PRONOUNS, RELATIVES, STOPS, clause, is_verb, name, receiver, started, subject,
};

/// The messages of a text; `None` when it has none.
pub(super) fn read(body: &str) -> Option<Sequence> {
    let links = arrows::links(body);
    if !links.is_empty() {
        return Some(of_links(&links));
    }
    let statements = statements(body);
    let mut reader = Reader::default();
    reader.learn(&statements);
    for statement in &statements {
        match statement {
            Statement::Step(text) => {
                let messages = reader.messages(text);
                reader.sequence.parts.extend(messages.into_iter().map(Part::Message));
            }
            Statement::Choice { question, yes, no } => {
                let yes = reader.branch(yes);
                let no = reader.branch(no.as_deref().unwrap_or_default());
                if !yes.is_empty() || !no.is_empty() {
                    let condition = words::label(question.trim_end_matches('?'));
                    reader.sequence.parts.push(Part::Choice { condition, yes, no });
                }
            }
        }
        if reader.sequence.parts.len() >= ELEMENTS_MAX {
            reader.sequence.is_shortened = true;
            break;
        }
    }
    (!reader.sequence.parts.is_empty()).then_some(reader.sequence)
}

/// Steps that name no receiver, as messages between a user and what the diagram is about.
pub(super) fn of_steps(topic: Option<&str>, steps: &[String]) -> Sequence {
    let mut sequence = Sequence::default();
    let (user, system) = (sequence.participant("User"), sequence.participant(topic.unwrap_or("System")));
    let (Some(from), Some(to)) = (user, system) else { return sequence };
    for text in steps.iter().take(ELEMENTS_MAX) {
        sequence.parts.push(Part::Message(Message { from, to, text: text.clone(), is_reply: false }));
    }
    sequence.is_shortened = steps.len() > ELEMENTS_MAX;
    sequence
}

fn of_links(links: &[Link]) -> Sequence {
    let mut sequence = Sequence::default();
    for link in links {
        let ends = (sequence.participant(&link.from.label), sequence.participant(&link.to.label));
        let (Some(from), Some(to)) = ends else { continue };
        if sequence.parts.len() >= ELEMENTS_MAX {
            sequence.is_shortened = true;
            break;
        }
        let text = link.label.clone().unwrap_or_else(|| "Message".to_owned());
        sequence.parts.push(Part::Message(Message { from, to, text, is_reply: link.is_dashed }));
    }
    sequence
}

#[derive(Default)]
struct Reader {
    sequence: Sequence,
    /// Names that send or receive anywhere, in lower case.
    known: Vec<String>,
    /// Who spoke to whom.
    said: Vec<(usize, usize)>,
    /// "The user clicks": meant for whoever acts next.
    pending: Option<(String, String)>,
}

impl Reader {
    /// Collects who takes part, so that "the server checks X" is known to be about the server.
    fn learn(&mut self, statements: &[Statement]) {
        for statement in statements {
            match statement {
                Statement::Step(text) => {
                    if let Some(clause) = clause(text) {
                        let receiver = receiver(&clause).0;
                        let names = [subject(clause.subject), receiver.and_then(name)];
                        self.known.extend(names.into_iter().flatten().map(|name| name.to_lowercase()));
                    }
                }
                Statement::Choice { yes, no, .. } => {
                    self.learn(yes);
                    self.learn(no.as_deref().unwrap_or_default());
                }
            }
        }
        self.known.sort();
        self.known.dedup();
        self.known.truncate(ELEMENTS_MAX);
    }

    fn branch(&mut self, list: &[Statement]) -> Vec<Message> {
        let mut messages = Vec::new();
        for statement in list {
            match statement {
                Statement::Step(text) => messages.extend(self.messages(text)),
                Statement::Choice { yes, no, .. } => {
                    messages.extend(self.branch(yes));
                    messages.extend(self.branch(no.as_deref().unwrap_or_default()));
                }
            }
        }
        messages.truncate(ELEMENTS_MAX);
        messages
    }

    /// A step's messages: "A sends X to B which asks C for Y" holds two.
    fn messages(&mut self, text: &str) -> Vec<Message> {
        let parsed = Text::new(text);
        let mut parts = vec![];
        let mut from = 0;
        for at in 1..parsed.words.len() {
            let next = parsed.words.get(at + 1).map_or("", |word| word.lower.as_str());
            if parsed.matches(at, RELATIVES) > 0 && (is_action(next) || is_verb(next)) {
                parts.push(&text[from..parsed.words[at].start]);
                from = parsed.words[at].start;
            }
        }
        parts.push(&text[from..]);
        let mut messages = Vec::new();
        for part in parts {
            let Some(message) = self.message(part) else {
                self.pending = started(part).or(self.pending.take());
                continue;
            };
            let first =
                self.pending.take().and_then(|(name, text)| Some((self.sequence.participant(&name)?, text)));
            if let Some((from, text)) = first.filter(|(from, _)| *from != message.from) {
                messages.push(Message { from, to: message.from, text, is_reply: false });
            }
            messages.push(message);
        }
        messages
    }

    fn message(&mut self, text: &str) -> Option<Message> {
        let Some(clause) = clause(text) else { return self.own_action(text) };
        let last = self.said.last().copied();
        let from = match subject(clause.subject) {
            // The message is the subject: it goes on from where the last one went.
            Some(_) if clause.manner == Manner::Passes => last?.1,
            Some(name) => self.sequence.participant(&name)?,
            None if words::has(clause.subject, RELATIVES) || words::has(clause.subject, PRONOUNS) => last?.1,
            None if clause.manner == Manner::Replies
                && last.is_some_and(|(from, to)| from != to)
                && !self.has_answered(last?) =>
            {
                if clause.subject.trim().is_empty() {
                    last?.0
                } else {
                    last?.1
                }
            }
            None => last?.0,
        };
        let (receiver, said) = receiver(&clause);
        let to = match receiver.and_then(name) {
            Some(name) if PRONOUNS.contains(&name.to_lowercase().as_str()) => last?.0,
            Some(name) => self.sequence.participant(&name)?,
            // An answer goes to who asked last.
            None if clause.manner == Manner::Replies => {
                self.said.iter().rev().find(|(_, to)| *to == from).map_or(from, |(asker, _)| *asker)
            }
            None if clause.manner == Manner::Passes => return None,
            None => from,
        };
        let is_answer =
            matches!(clause.manner, Manner::Replies | Manner::Passes) && self.said.contains(&(to, from));
        self.said.push((from, to));
        let text = match words::label(said) {
            text if text.is_empty() => words::label(clause.verb),
            // "forwards it"
            text if PRONOUNS.contains(&text.to_lowercase().as_str()) => {
                words::label(&format!("{} {said}", clause.verb))
            }
            // "queries the database for the user": for what alone says little.
            _ if words::has(said, STOPS) && Text::new(said).matches(0, STOPS) > 0 => {
                words::label(&format!("{} {said}", clause.verb))
            }
            text => text,
        };
        Some(Message { from, to, text, is_reply: is_answer })
    }

    fn has_answered(&self, ends: (usize, usize)) -> bool {
        self.said.contains(&(ends.1, ends.0))
    }

    /// "The server checks the token": something that a participant does by itself.
    fn own_action(&mut self, text: &str) -> Option<Message> {
        let text = words::without_first(text, &["the", "a", "an", "then"]);
        let parsed = Text::new(text);
        let verb = (1..=NAME_WORDS_MAX.min(parsed.words.len().saturating_sub(1))).find(|at| {
            is_action(&parsed.words[*at].lower)
                && self.known.iter().any(|known| *known == parsed.before(*at).to_lowercase())
        });
        let (from, said) = match verb {
            Some(verb) => {
                (self.sequence.participant(&words::label(parsed.before(verb)))?, parsed.behind(verb))
            }
            // "… and stores it": the one who acted last.
            None if parsed.words.first().is_some_and(|word| is_action(&word.lower)) => {
                (self.said.last()?.0, text)
            }
            None => return None,
        };
        self.said.push((from, from));
        Some(Message { from, to: from, text: words::label(said), is_reply: false })
    }
}
