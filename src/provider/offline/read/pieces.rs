//! Prose cut where a step ends: at commas, at "then", at "if" and "otherwise".

use crate::provider::offline::sentences::{Sentence, sentences};
use crate::provider::offline::verbs::is_action;
use crate::provider::offline::words::{self, Text};

/// Pieces of a text that are read.
const PIECES_MAX: usize = 400;

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

/// How a piece is joined to what stands before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lead {
    Start,
    Comma,
    Then,
    And,
    If,
    Unless,
    When,
    Else,
}

/// A piece of a sentence.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) lead: Lead,
    pub(super) text: String,
    pub(super) sentence: usize,
}

/// The pieces of a text in order, at most a few hundred.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (at, sentence) in sentences(&spaced(text)).iter().enumerate() {
        if pieces.len() < PIECES_MAX {
            cut(sentence, at, &mut pieces);
        }
    }
    pieces.truncate(PIECES_MAX);
    pieces
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
    let goes_on = |last: &&mut Piece| {
        last.text.split_whitespace().count() >= 3
            && !matches!(last.lead, Lead::If | Lead::Unless | Lead::When)
    };
    if piece.lead == Lead::Comma
        && is_noun
        && pieces.len() > first
        && let Some(last) = pieces.last_mut().filter(goes_on)
    {
        last.text.push_str(", ");
        last.text.push_str(&piece.text);
        return;
    }
    let text = words::without_first(&piece.text, &["and"]).to_owned();
    if !text.is_empty() || matches!(piece.lead, Lead::Else) {
        pieces.push(Piece { text, ..piece });
    }
}
