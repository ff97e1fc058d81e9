//! Lines, list items and sentences of a prompt.

/// Sentences that are read; a longer text is drawn from its beginning.
const SENTENCES_MAX: usize = 400;
/// What ends in a full stop and is no sentence.
const SHORT_FORMS: &[&str] =
    &["e.g", "i.e", "etc", "vs", "approx", "dr", "mr", "mrs", "ms", "st", "no", "cf"];

/// A sentence, a part of one between semicolons, or a list item's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sentence {
    pub(super) text: String,
    /// It stands in a list: its commas part no steps.
    pub(super) is_item: bool,
}

/// A list item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item<'a> {
    /// Columns before its mark.
    pub(super) indent: usize,
    /// `1.` rather than `-`.
    pub(super) is_numbered: bool,
    pub(super) text: &'a str,
}

/// Lines, with numbered lists that stand in one line (`1. boil 2. pour`) taken apart.
pub(super) fn lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut from = 0;
        let marks = inline_marks(line);
        for at in if marks.len() >= 2 { marks } else { Vec::new() } {
            lines.push(&line[from..at]);
            from = at;
        }
        lines.push(&line[from..]);
    }
    lines.retain(|line| !line.trim().is_empty());
    lines
}

/// Where `1.`, `2.`, `3.` … stand in a line, as long as they count up.
fn inline_marks(line: &str) -> Vec<usize> {
    let mut marks = Vec::new();
    let mut at = 0;
    for word in line.split(' ') {
        let number = word.trim_start_matches('(').strip_suffix(['.', ')']).map(str::parse::<usize>);
        if matches!(number, Some(Ok(number)) if number == marks.len() + 1) {
            marks.push(at);
        }
        at += word.len() + 1;
    }
    marks
}

/// Sentences in order, without list marks; what holds no letter and no digit is left out.
pub(super) fn sentences(text: &str) -> Vec<Sentence> {
    let mut sentences = Vec::new();
    for line in lines(text) {
        let item = item(line);
        let line = item.map_or(line.trim(), |item| item.text);
        let mut from = 0;
        for (at, c) in line.char_indices() {
            if !ends_sentence(line, at, c) {
                continue;
            }
            // A question keeps its mark: it is a decision.
            let to = if matches!(c, '?' | '？') { at + c.len_utf8() } else { at };
            push(&mut sentences, &line[from..to], item.is_some());
            from = at + c.len_utf8();
        }
        push(&mut sentences, &line[from..], item.is_some());
    }
    sentences
}

fn push(sentences: &mut Vec<Sentence>, text: &str, is_item: bool) {
    if sentences.len() < SENTENCES_MAX && super::words::is_readable(text) {
        sentences.push(Sentence { text: text.trim().to_owned(), is_item });
    }
}

fn ends_sentence(line: &str, at: usize, c: char) -> bool {
    match c {
        '!' | '?' => line[at + 1..].chars().next().is_none_or(char::is_whitespace),
        ';' | '。' | '！' | '？' | '；' | '।' | '؟' => true,
        '.' => {
            let word = line[..at].rsplit([' ', '(']).next().unwrap_or_default();
            let is_short_form = SHORT_FORMS.iter().any(|form| form.eq_ignore_ascii_case(word));
            !is_short_form && line[at + 1..].chars().next().is_none_or(char::is_whitespace)
        }
        _ => false,
    }
}

/// The list item that a line is; `None` for a line that is none.
pub(super) fn item(line: &str) -> Option<Item<'_>> {
    let text = line.trim_start();
    let indent = line.len() - text.len();
    if let Some(rest) =
        ["- ", "* ", "• ", "+ ", "– ", "— ", "◦ ", "▪ ", "· "].iter().find_map(|mark| text.strip_prefix(mark))
    {
        let rest = ["[ ] ", "[x] ", "[X] "].iter().find_map(|mark| rest.strip_prefix(mark)).unwrap_or(rest);
        return Some(Item { indent, is_numbered: false, text: rest.trim() });
    }
    let numbered = ["step ", "Step ", "STEP ", "("].iter().find_map(|word| text.strip_prefix(word));
    let rest = numbered.unwrap_or(text);
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let letter = usize::from(numbered != Some(rest) || text.starts_with('('));
    let mark = if digits == 0 && letter == 1 && rest.starts_with(|c: char| c.is_ascii_lowercase()) {
        1
    } else {
        digits
    };
    let rest = (1..=3).contains(&mark).then(|| &rest[mark..])?;
    let rest = if numbered.is_some() && digits > 0 {
        rest.strip_prefix([':', '.', ')', '-', ' '])?
    } else if digits > 0 {
        rest.strip_prefix(['.', ')'])?
    } else {
        rest.strip_prefix(')')?
    };
    let rest = rest.trim_start_matches([':', '-']);
    (rest.starts_with(' ') || numbered.is_some()).then(|| Item {
        indent,
        is_numbered: true,
        text: rest.trim(),
    })
}
