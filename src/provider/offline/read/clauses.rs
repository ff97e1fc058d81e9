//! Prose as statements: steps, and choices between steps ("if … otherwise …").

use crate::provider::offline::sentences::{Sentence, sentences};
use crate::provider::offline::verbs::{is_action, is_base};
use crate::provider::offline::words::{self, Text};

/// Pieces of a text that are read.
const PIECES_MAX: usize = 400;
/// Choices inside choices.
const DEPTH_MAX: usize = 6;

/// Between one step and the next, anywhere.
const THEN: &[&str] = &[
    "and then",
    "then",
    "after that",
    "and after that",
    "afterwards",
    "and afterwards",
    "followed by",
    "subsequently",
    "and finally",
    "and lastly",
    "and next",
    "thereafter",
    "dann",
    "danach",
    "anschließend",
    "schließlich",
    "puis",
    "ensuite",
    "luego",
    "después",
    "entonces",
    "poi",
    "depois",
    "затем",
    "потом",
];
/// The same, where a clause begins.
const THEN_AT_START: &[&str] = &[
    "next",
    "finally",
    "lastly",
    "first",
    "firstly",
    "first of all",
    "second",
    "secondly",
    "third",
    "thirdly",
    "fourth",
    "fifth",
    "to begin with",
    "last",
    "eventually",
    "initially",
    "now",
    "so",
    "begin by",
    "start by",
];
const ELSE: &[&str] = &[
    "otherwise",
    "or else",
    "else",
    "if not",
    "if no",
    "in other cases",
    "in all other cases",
    "sonst",
    "andernfalls",
    "sinon",
    "si no",
    "de lo contrario",
    "altrimenti",
    "caso contrário",
    "иначе",
];
const IF: &[&str] = &["if", "in case", "and if", "but if", "whether", "wenn", "falls", "si", "если"];
/// Conditions that the next step only waits for.
const WHEN: &[&str] = &["when", "whenever", "once", "after", "as soon as"];
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

/// How a piece is joined to what stands before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lead {
    Start,
    Comma,
    Then,
    And,
    If,
    Unless,
    When,
    Else,
}

#[derive(Clone, Debug)]
struct Piece {
    lead: Lead,
    text: String,
    sentence: usize,
}

/// The statements of a text, at most a few hundred.
pub(super) fn statements(text: &str) -> Vec<Statement> {
    let mut pieces = Vec::new();
    for (at, sentence) in sentences(&spaced(text)).iter().enumerate() {
        if pieces.len() < PIECES_MAX {
            cut(sentence, at, &mut pieces);
        }
    }
    pieces.truncate(PIECES_MAX);
    let mut reader = Reader { pieces, at: 0 };
    reader.list(None, 0)
}

/// Chinese writes no blanks: its joining words are put into ours.
fn spaced(text: &str) -> String {
    const WORDS: &[(&str, &str)] = &[
        ("如果", " if "),
        ("否则", " otherwise "),
        ("否則", " otherwise "),
        ("然后", " then "),
        ("然後", " then "),
        ("接着", " then "),
        ("那么", ", "),
    ];
    if !text.contains(|c: char| matches!(c, '\u{4e00}'..='\u{9fff}')) {
        return text.to_owned();
    }
    let mut out = WORDS.iter().fold(text.to_owned(), |text, (word, ours)| text.replace(word, ours));
    if out.contains(" if ") {
        // 则 joins, but 规则 is a rule.
        let mut before = ' ';
        let joined = |c: char, before: char| {
            if matches!(c, '则' | '則') && !"规原准法守規準".contains(before) { '，' } else { c }
        };
        out = out
            .chars()
            .map(|c| {
                let c = joined(c, before);
                before = c;
                c
            })
            .collect();
    }
    out
}

/// Cuts a sentence where a step ends.
fn cut(sentence: &Sentence, index: usize, pieces: &mut Vec<Piece>) {
    let text = Text::new(&sentence.text);
    let parts_at_commas = !sentence.is_item || text.find(IF).is_some();
    let first = pieces.len();
    let (mut lead, mut from, mut at) = (Lead::Start, 0, 0);
    while at < text.words.len() {
        let begins = at == from;
        let comma = !begins && has_comma(text.gap(at));
        let found = marker(&text, at, begins || comma, from)
            .filter(|(lead, _)| *lead != Lead::And || parts_at_commas);
        let (next, count) = match found {
            Some(found) => found,
            None if comma && parts_at_commas => (Lead::Comma, 0),
            None => {
                at += 1;
                continue;
            }
        };
        push(pieces, first, Piece { lead, text: between(&text, from, at), sentence: index });
        (lead, from) = (next, at + count);
        at = from.max(at + usize::from(count == 0));
    }
    push(pieces, first, Piece { lead, text: between(&text, from, text.words.len()), sentence: index });
}

const COMMAS: [char; 4] = [',', '，', '、', '،'];

fn has_comma(gap: &str) -> bool {
    gap.contains(['，', '、', '،'])
        || gap.split_once(',').is_some_and(|(_, after)| after.starts_with(' '))
        || gap.contains(" - ")
        || gap.contains(" – ")
        || gap.contains(" — ")
}

/// The marker at a word: its kind, and how many words it takes.
fn marker(text: &Text, at: usize, begins: bool, from: usize) -> Option<(Lead, usize)> {
    for (lead, phrases, anywhere) in [
        (Lead::Else, ELSE, true),
        (Lead::If, IF, true),
        (Lead::Unless, &["unless"][..], true),
        (Lead::Then, THEN, true),
        (Lead::When, WHEN, false),
        (Lead::Then, THEN_AT_START, false),
    ] {
        let count = text.matches(at, phrases);
        if count > 0 && (anywhere || begins) {
            let alone = at + count == text.words.len();
            // "…, or else" with nothing behind it, "now" alone: words like others.
            return (!alone || lead == Lead::Else).then_some((lead, count));
        }
    }
    let word = |at: usize| text.words.get(at).map_or("", |word| word.lower.as_str());
    let splits = word(at) == "and"
        && at >= from + 2
        && (is_action(word(at + 1))
            || (matches!(word(at + 1), "it" | "they" | "he" | "she" | "we") && is_action(word(at + 2))));
    splits.then_some((Lead::And, 1))
}

fn between(text: &Text, from: usize, to: usize) -> String {
    let (Some(first), Some(last)) =
        (text.words.get(from), to.checked_sub(1).and_then(|at| text.words.get(at)))
    else {
        return String::new();
    };
    if to <= from {
        return String::new();
    }
    // Signs at either end belong to the words: "(a)", "x?", "\"quoted\"".
    let start = from.checked_sub(1).map_or(0, |before| text.words[before].end);
    let end = text.words.get(to).map_or(text.text.len(), |next| next.start);
    let lead = text.text[start..first.start]
        .rsplit(COMMAS)
        .next()
        .unwrap_or_default()
        .trim_start_matches([',', ' ', '，', '、', '،', '-', '–', '—', ':', '.']);
    let tail = text.text[last.end..end]
        .trim_end_matches([',', ' ', '，', '、', '،', '-', '–', '—', ':', '(', '[', '{']);
    let tail = if to == text.words.len() {
        text.text[last.end..end].trim_end()
    } else {
        tail.split(COMMAS).next().unwrap_or_default()
    };
    format!("{lead}{}{tail}", &text.text[first.start..last.end])
}

/// Adds a piece; a noun behind a comma goes on with the list before it ("name, e-mail and age").
fn push(pieces: &mut Vec<Piece>, first: usize, piece: Piece) {
    let words: Vec<&str> = piece.text.split_whitespace().filter(|word| *word != "and").collect();
    let is_noun = (1..=2).contains(&words.len())
        && !words.first().is_some_and(|word| is_action(&word.to_lowercase()))
        && !words.last().is_some_and(|word| {
            word.ends_with("ed") || is_action(&word.to_lowercase()) || word.ends_with('?') || !word.is_ascii()
        });
    if piece.lead == Lead::Comma && is_noun && pieces.len() > first {
        if let Some(last) = pieces.last_mut().filter(|last| {
            last.text.split_whitespace().count() >= 3
                && !matches!(last.lead, Lead::If | Lead::Unless | Lead::When)
        }) {
            last.text.push_str(", ");
            last.text.push_str(&piece.text);
            return;
        }
    }
    let text = words::without_first(&piece.text, &["and"]).to_owned();
    if !text.is_empty() || matches!(piece.lead, Lead::Else) {
        pieces.push(Piece { text, ..piece });
    }
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
