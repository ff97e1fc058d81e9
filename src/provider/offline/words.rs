//! Small readings of plain text, shared by the readers.

/// Characters of a label.
const LABEL_CHARS_MAX: usize = 60;
/// Words of a title.
const TITLE_WORDS_MAX: usize = 8;

/// Text as a label: one line, no quotes at its ends, of bounded length.
pub(super) fn label(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    let text = text.trim_matches(|c: char| matches!(c, '"' | '\'' | '`' | '.' | ',' | ';' | ':' | ' '));
    let text = text.strip_prefix("the ").or_else(|| text.strip_prefix("The ")).unwrap_or(text);
    let short: String = text.chars().filter(|c| !c.is_control()).take(LABEL_CHARS_MAX).collect();
    let short =
        if text.chars().count() > LABEL_CHARS_MAX { format!("{}…", short.trim_end()) } else { short };
    capitalised(&short)
}

/// With a capital first letter.
pub(super) fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The first words of a prompt, as a title.
pub(super) fn title(prompt: &str) -> String {
    let line = prompt
        .lines()
        .map(str::trim)
        .find(|line| line.chars().any(char::is_alphanumeric))
        .unwrap_or("Diagram");
    let line = line.trim_start_matches(['-', '*', '#', ' ']);
    let words: Vec<&str> = line.split_whitespace().take(TITLE_WORDS_MAX).collect();
    label(words.join(" ").split([':', '\n']).next().unwrap_or("Diagram"))
}

/// Lines and sentences, in order, without list marks; empty ones are left out.
pub(super) fn sentences(text: &str) -> Vec<String> {
    let mut sentences = Vec::new();
    for line in text.lines() {
        let line = unmarked(line);
        let mut from = 0;
        let bytes = line.as_bytes();
        for (at, c) in line.char_indices() {
            let ends = matches!(c, '!' | '?' | ';' | '。')
                || (c == '.' && bytes.get(at + 1).is_none_or(|next| next.is_ascii_whitespace()));
            if ends {
                sentences.push(line[from..at].trim().to_owned());
                from = at + c.len_utf8();
            }
        }
        sentences.push(line[from..].trim().to_owned());
    }
    sentences.retain(|sentence| sentence.chars().any(char::is_alphanumeric));
    sentences
}

/// A line without its list mark (`-`, `*`, `1.`, `a)`).
pub(super) fn unmarked(line: &str) -> &str {
    mark(line).map_or(line.trim(), |(_, rest)| rest)
}

/// Indent and text of a list item; `None` for a line that is none.
pub(super) fn mark(line: &str) -> Option<(usize, &str)> {
    let indent = line.chars().take_while(|c| c.is_whitespace()).map(|c| if c == '\t' { 4 } else { 1 }).sum();
    let text = line.trim();
    if let Some(rest) = ["- ", "* ", "• ", "+ "].iter().find_map(|mark| text.strip_prefix(mark)) {
        return Some((indent, rest.trim()));
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = (1..=3).contains(&digits).then(|| &text[digits..])?;
    let rest = rest.strip_prefix(['.', ')'])?;
    rest.starts_with(' ').then(|| (indent, rest.trim()))
}

/// Finds `word` in `text` as a whole word, whatever its case; byte positions of its ends.
pub(super) fn find_word(text: &str, word: &str) -> Option<(usize, usize)> {
    // ASCII lowering keeps byte positions.
    let lower = text.to_ascii_lowercase();
    let mut from = 0;
    while let Some(at) = lower[from..].find(word) {
        let (start, end) = (from + at, from + at + word.len());
        let before = lower[..start].chars().next_back().is_none_or(|c| !c.is_alphanumeric());
        let after = lower[end..].chars().next().is_none_or(|c| !c.is_alphanumeric());
        if before && after {
            return Some((start, end));
        }
        from = end;
    }
    None
}

/// Splits at the first of `words` that stands in `text`.
pub(super) fn split_at_word<'a>(text: &'a str, words: &[&str]) -> Option<(&'a str, &'a str)> {
    let found = words
        .iter()
        .filter_map(|word| find_word(text, word))
        .min_by_key(|(start, end)| (*start, usize::MAX - *end))?;
    Some((text[..found.0].trim(), text[found.1..].trim()))
}
