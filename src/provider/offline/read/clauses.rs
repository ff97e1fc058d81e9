//! Prose as statements: steps, and choices between steps ("if … otherwise …").

use crate::provider::offline::verbs::{is_action, is_base};
use crate::provider::offline::words::Text;

use super::pieces::{Lead, Piece, pieces};

/// Choices inside choices.
const DEPTH_MAX: usize = 6;

/// Answers to a question asked before.
const YES: &[&str] = &["yes", "so", "it is", "ok", "true", "it does", "they are", "it succeeds"];
/// "check if X": the question is the step.
const CHECKS: &[&str] = &[
    "check",
    "checks",
    "verify",
    "verifies",
    "decide",
    "decides",
    "see",
    "determine",
    "determines",
    "ask",
    "asks",
    "validate",
    "validates",
    "checking",
];

/// A step or a choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Statement {
    Step(String),
    Choice { question: String, yes: Vec<Statement>, no: Option<Vec<Statement>> },
}

/// The statements of a text, at most a few hundred.
pub(super) fn statements(text: &str) -> Vec<Statement> {
    let mut reader = Reader { pieces: pieces(text), at: 0 };
    reader.list(None, 0)
}

struct Reader {
    pieces: Vec<Piece>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<&Piece> {
        self.pieces.get(self.at)
    }

    /// Statements to the end, or inside a branch to the end of its sentence or its "otherwise".
    fn list(&mut self, branch_of: Option<usize>, depth: usize) -> Vec<Statement> {
        let mut out: Vec<Statement> = Vec::new();
        while let Some(piece) = self.peek().cloned() {
            if branch_of.is_some_and(|sentence| piece.sentence != sentence || piece.lead == Lead::Else) {
                break;
            }
            self.at += 1;
            match piece.lead {
                Lead::If | Lead::Unless if depth < DEPTH_MAX => self.choice(piece, &mut out, depth),
                Lead::Else => self.otherwise(piece, &mut out, depth),
                // "When the sensor detects motion the light turns on": one step, then another.
                Lead::When => match verb_behind(&piece.text) {
                    Some((cause, effect)) => {
                        out.extend([cause, effect].map(|text| Statement::Step(text.to_owned())))
                    }
                    None => out.push(Statement::Step(piece.text)),
                },
                _ => out.push(Statement::Step(piece.text)),
            }
        }
        out
    }

    fn choice(&mut self, piece: Piece, out: &mut Vec<Statement>, depth: usize) {
        let sentence = piece.sentence;
        let answers = Text::new(&piece.text).matches(0, YES);
        let (condition, consequence) = match verb_behind(&piece.text) {
            Some((condition, consequence)) => (condition.to_owned(), Some(consequence.to_owned())),
            None => (piece.text.clone(), None),
        };
        let mut yes: Vec<Statement> = consequence.map(Statement::Step).into_iter().collect();
        yes.extend(self.list(Some(sentence), depth + 1));
        if answers > 0 && self.answer(&piece.text, answers, &mut yes, out) {
            return self.take_else(out, sentence, depth);
        }
        if let Some(Statement::Step(before)) = out.last() {
            let text = Text::new(before);
            let checks = text.words.len() <= 4
                && text.words.last().is_some_and(|word| CHECKS.contains(&word.lower.as_str()));
            let starts_here = self.begins_sentence(sentence, &piece);
            if checks || (yes.is_empty() && !starts_here) {
                let before = out.pop();
                // "show an error if X": what stands before is the consequence.
                yes = if checks { yes } else { before.into_iter().collect() };
            }
        }
        let (yes, no) = if piece.lead == Lead::Unless { (Vec::new(), Some(yes)) } else { (yes, None) };
        out.push(Statement::Choice { question: condition, yes, no });
        self.take_else(out, sentence, depth);
    }

    /// Whether nothing of the piece's sentence stands before it.
    fn begins_sentence(&self, sentence: usize, piece: &Piece) -> bool {
        self.pieces
            .iter()
            .find(|other| other.sentence == sentence)
            .is_some_and(|first| first.text == piece.text && first.lead == piece.lead)
    }

    /// "If yes, X" answers the question before it; says whether there was one.
    fn answer(&self, text: &str, answers: usize, yes: &mut Vec<Statement>, out: &mut Vec<Statement>) -> bool {
        let rest = Text::new(text).behind(answers).trim_start_matches([',', ':', ' ']).to_owned();
        match out.last_mut() {
            Some(Statement::Step(question)) if question.ends_with('?') => {
                let question = std::mem::take(question);
                out.pop();
                out.push(Statement::Choice { question, yes: Vec::new(), no: None });
            }
            Some(Statement::Choice { yes, .. }) if yes.is_empty() => {}
            _ => return false,
        }
        let had_verb = matches!(yes.first(), Some(Statement::Step(first)) if text.ends_with(first.as_str()));
        if !rest.is_empty() && !had_verb {
            yes.insert(0, Statement::Step(rest));
        }
        if let Some(Statement::Choice { yes: known, .. }) = out.last_mut() {
            *known = std::mem::take(yes);
        }
        true
    }

    /// The "otherwise" of the choice just read, in its sentence or at the start of the next.
    fn take_else(&mut self, out: &mut Vec<Statement>, sentence: usize, depth: usize) {
        let next =
            self.peek().filter(|piece| piece.lead == Lead::Else && piece.sentence <= sentence + 1).cloned();
        if let Some(piece) = next {
            self.at += 1;
            self.otherwise(piece, out, depth);
        }
    }

    fn otherwise(&mut self, piece: Piece, out: &mut Vec<Statement>, depth: usize) {
        let text = piece.text.trim_start_matches([',', ' ']).to_owned();
        let mut no: Vec<Statement> =
            (!text.is_empty()).then_some(Statement::Step(text)).into_iter().collect();
        if depth < DEPTH_MAX {
            no.extend(self.list(Some(piece.sentence), depth + 1));
        }
        if let Some(Statement::Step(question)) = out.last()
            && question.ends_with('?')
        {
            let question = question.clone();
            out.pop();
            out.push(Statement::Choice { question, yes: Vec::new(), no: Some(no) });
            return;
        }
        match out.last_mut() {
            Some(Statement::Choice { no: open @ None, .. }) => *open = Some(no),
            Some(Statement::Choice { yes, no: Some(_), .. }) if yes.is_empty() => *yes = no,
            _ => out.extend(no),
        }
    }
}

/// "the password is wrong show an error": the consequence begins at its verb, or at the article
/// of its subject.
fn verb_behind(condition: &str) -> Option<(&str, &str)> {
    const JOINS: &[&str] = &[
        "to", "a", "an", "the", "not", "can", "must", "should", "of", "in", "on", "is", "are", "has", "have",
        "with", "for", "by", "from", "and", "or", "at", "does", "do", "no", "was", "be", "than", "as",
        "this", "that", "any", "equals", "will", "could", "exceeds",
    ];
    let text = Text::new(condition);
    let word = |at: usize| text.words.get(at).map_or("", |word| word.lower.as_str());
    let joins = |at: usize| JOINS.contains(&word(at));
    let found = (1..text.words.len()).find(|at| {
        let at = *at;
        let is_whole = matches!(word(at - 1), "pass" | "passes" | "fail" | "fails" | "match" | "matches");
        let is_noun = at >= 2 && matches!(word(at - 2), "a" | "an" | "the" | "no" | "any");
        if joins(at - 1) || (is_action(word(at - 1)) && !is_whole && !is_noun) {
            return false;
        }
        let by_verb = at >= 2 && is_base(word(at));
        let by_subject = matches!(word(at), "the" | "a" | "an" | "it" | "we" | "they" | "he" | "she")
            && (at + 1..text.words.len().min(at + 5))
                .any(|at| is_action(word(at)) || matches!(word(at), "is" | "are" | "gets" | "becomes"));
        by_verb || by_subject
    })?;
    Some((text.before(found), text.behind(found)))
}
