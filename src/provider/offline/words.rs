//! Small readings of plain text, shared by the readers: cleaning, words, labels. Everything here
//! is linear in its text; no reader looks at a text more often than a fixed number of times.

/// Characters of a label, the mark that it was cut included.
pub(super) const LABEL_CHARS_MAX: usize = 64;

/// The prompt without what no diagram can show: line ends made one kind, curly quotes made
/// straight, control characters, direction overrides and non-characters taken out, at most
/// `chars_max` characters.
pub(super) fn clean(prompt: &str, chars_max: usize) -> String {
    let mut out = String::with_capacity(prompt.len().min(chars_max.saturating_mul(4)));
    let mut chars = prompt.chars().take(chars_max).peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                chars.next_if_eq(&'\n');
                out.push('\n');
            }
            '\n' | '\u{2028}' | '\u{2029}' | '\u{b}' | '\u{c}' | '\u{85}' => out.push('\n'),
            '\t' | '\u{a0}' | '\u{3000}' => out.push_str(if c == '\t' { "    " } else { " " }),
            '“' | '”' | '„' | '«' | '»' => out.push('"'),
            '‘' | '’' | '‚' => out.push('\''),
            other if is_invisible(other) => {}
            other => out.push(other),
        }
    }
    out
}

/// Control characters, direction overrides and characters that no XML may hold. The joiners that
/// emojis and some scripts need stay.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
        || u32::from(c) & 0xfffe == 0xfffe
}

/// Where a word stands.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) lower: String,
}

/// A text and its words.
#[derive(Clone, Debug)]
pub(super) struct Text<'a> {
    pub(super) text: &'a str,
    pub(super) words: Vec<Word>,
}

/// Words found: the first and the one behind the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) first: usize,
    pub(super) after: usize,
}

impl<'a> Text<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut words = Vec::new();
        let mut start = None;
        for (at, c) in text.char_indices() {
            let inside = c.is_alphanumeric() || c == '_' || (c == '\'' && start.is_some());
            match (inside, start) {
                (true, None) => start = Some(at),
                (false, Some(from)) => {
                    words.push(word(text, from, at));
                    start = None;
                }
                _ => {}
            }
        }
        if let Some(from) = start {
            words.push(word(text, from, text.len()));
        }
        Self { text, words }
    }

    /// Words of the longest of `phrases` that begins at word `at`; 0 when none does.
    pub(super) fn matches(&self, at: usize, phrases: &[&str]) -> usize {
        phrases.iter().map(|phrase| self.phrase(at, phrase)).max().unwrap_or(0)
    }

    fn phrase(&self, at: usize, phrase: &str) -> usize {
        // Most words begin no phrase: they are told apart before anything is split.
        if !self.words.get(at).is_some_and(|word| phrase.starts_with(word.lower.as_str())) {
            return 0;
        }
        let mut count = 0;
        for (offset, expected) in phrase.split(' ').enumerate() {
            let Some(word) = self.words.get(at + offset) else { return 0 };
            let joined = offset == 0 || matches!(self.gap(at + offset).trim(), "" | "-");
            if word.lower != expected || !joined {
                return 0;
            }
            count += 1;
        }
        count
    }

    /// The first place at or behind word `from` where one of `phrases` stands.
    pub(super) fn find_from(&self, from: usize, phrases: &[&str]) -> Option<Hit> {
        (from..self.words.len()).find_map(|first| {
            let count = self.matches(first, phrases);
            (count > 0).then_some(Hit { first, after: first + count })
        })
    }

    /// The first place where one of `phrases` stands.
    pub(super) fn find(&self, phrases: &[&str]) -> Option<Hit> {
        self.find_from(0, phrases)
    }

    /// What stands between word `at` and the word before it.
    pub(super) fn gap(&self, at: usize) -> &'a str {
        &self.text[at.checked_sub(1).map_or(0, |before| self.words[before].end)..self.words[at].start]
    }

    /// The text before word `at`.
    pub(super) fn before(&self, at: usize) -> &'a str {
        self.words.get(at).map_or(self.text, |word| &self.text[..word.start]).trim()
    }

    /// The text behind the word before `after`.
    pub(super) fn behind(&self, after: usize) -> &'a str {
        let from = after.checked_sub(1).and_then(|at| self.words.get(at)).map_or(0, |word| word.end);
        self.text[from..].trim()
    }

    /// Splits at the first of `phrases`.
    pub(super) fn split(&self, phrases: &[&str]) -> Option<(&'a str, &'a str)> {
        self.find(phrases).map(|hit| (self.before(hit.first), self.behind(hit.after)))
    }
}

fn word(text: &str, start: usize, end: usize) -> Word {
    Word { start, end, lower: text[start..end].to_lowercase() }
}

/// Whether one of `phrases` stands in the text.
pub(super) fn has(text: &str, phrases: &[&str]) -> bool {
    Text::new(text).find(phrases).is_some()
}

/// Text as a label: one line, no article before it, no quotes or stops at its ends, of bounded
/// length, with a capital first letter. Empty when nothing of it can be seen.
pub(super) fn label(text: &str) -> String {
    let text = trimmed(text);
    let text = without_first(text, &["the", "and", "a", "an"]);
    capitalised(&short(text, LABEL_CHARS_MAX))
}

/// Without quotes, stops and blanks at its ends.
fn trimmed(text: &str) -> &str {
    let text = text.trim_matches(|c: char| {
        c.is_whitespace() || matches!(c, '`' | ',' | ';' | ':' | '。' | '，' | '、' | '；' | '：')
    });
    let text = unquoted(text.trim_end_matches(['.', ' ']));
    match text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        Some(inner) if !inner.contains('\'') => inner,
        _ => text,
    }
}

/// Without quotes around all of it, and without one that has no other.
fn unquoted(text: &str) -> &str {
    let count = text.matches('"').count();
    match text.strip_prefix('"') {
        Some(rest) if count == 2 && rest.ends_with('"') => rest.trim_end_matches('"').trim(),
        Some(rest) if count % 2 == 1 => rest.trim(),
        _ if count % 2 == 1 => text.strip_suffix('"').unwrap_or(text).trim(),
        _ => text,
    }
}

/// Without one of `words` at its start, whatever its case, unless nothing else is there.
pub(super) fn without_first<'t>(text: &'t str, words: &[&str]) -> &'t str {
    let text = text.trim();
    let Some((first, rest)) = text.split_once(' ') else { return text };
    let listed = words.iter().any(|word| word.eq_ignore_ascii_case(first.trim_end_matches(',')));
    if listed && !rest.trim().is_empty() { rest.trim() } else { text }
}

/// At most `chars_max` characters of one line, cut behind a word where there is one.
pub(super) fn short(text: &str, chars_max: usize) -> String {
    let mut out = String::new();
    let mut count = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count() + usize::from(count > 0);
        if count + length > chars_max {
            if count == 0 {
                out.extend(word.chars().take(chars_max - 1));
            }
            out.push('…');
            return out;
        }
        if count > 0 {
            out.push(' ');
        }
        out.push_str(word);
        count += length;
        // Only the last word can reach the bound; one more makes it too long.
    }
    out
}

/// With a capital first letter.
pub(super) fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Whether anything of a text can be read.
pub(super) fn is_readable(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

/// "A, B and C"; past three names "and others".
pub(super) fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first, second] => format!("{first} and {second}"),
        [first, second, third] => format!("{first}, {second} and {third}"),
        [first, second, third, ..] => format!("{first}, {second}, {third} and others"),
    }
}

/// The singular of an English noun, as far as its ending tells.
pub(super) fn singular(word: &str) -> String {
    let lower = word.to_ascii_lowercase();
    let ends = |ending: &str| lower.ends_with(ending);
    if ends("ies") && word.len() > 4 {
        format!("{}y", &word[..word.len() - 3])
    } else if ["sses", "shes", "ches", "xes"].iter().any(|ending| ends(ending)) {
        word[..word.len() - 2].to_owned()
    } else if ends("s") && !["ss", "us", "is", "news"].iter().any(|ending| ends(ending)) && word.len() > 3 {
        word[..word.len() - 1].to_owned()
    } else {
        word.to_owned()
    }
}
