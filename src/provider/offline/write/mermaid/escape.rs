//! Labels that Mermaid shows as they were written. It knows no backslash, only entities
//! (`#quot;`, `#35;`), which it takes apart before it parses; inside of quotes it still reads
//! Markdown, formulas, icons and, in two kinds of diagrams, `direction`.

use std::fmt::Write;

/// A label inside quotes.
pub(super) fn quoted(text: &str) -> String {
    let escaped = escaped(text, false);
    // An empty string is no label.
    if escaped.trim().is_empty() { "\"unnamed\"".to_owned() } else { format!("\"{escaped}\"") }
}

/// Text that ends with its line, where nothing can be quoted.
pub(super) fn plain(text: &str) -> String {
    let escaped = escaped(text, true);
    if escaped.is_empty() { "unnamed".to_owned() } else { escaped }
}

/// Text at the start of a line: its first letter is an entity when its first word is a keyword.
pub(super) fn leading(text: &str) -> String {
    const KEYWORDS: &[&str] = &[
        "title",
        "section",
        "click",
        "call",
        "href",
        "dateformat",
        "axisformat",
        "excludes",
        "includes",
        "todaymarker",
        "tickinterval",
        "weekday",
        "weekend",
        "inclusiveenddates",
        "topaxis",
        "acctitle",
        "accdescr",
        "gantt",
    ];
    let first: String = text.chars().take_while(|c| c.is_alphanumeric()).collect();
    let starts = KEYWORDS.iter().any(|keyword| first.to_lowercase().starts_with(keyword));
    match text.chars().next().filter(|c| starts || c.is_ascii_digit()) {
        Some(c) => format!("#{};{}", u32::from(c), plain_rest(&text[c.len_utf8()..])),
        None => plain(text),
    }
}

fn plain_rest(text: &str) -> String {
    escaped(text, true)
}

fn escaped(text: &str, is_plain: bool) -> String {
    let mut out = String::new();
    // `style…:…#…;` and `classDef…` lose their last semicolon, `fa:fa-x` becomes an icon.
    let hides_colon = is_plain || ["style", "classDef", "fa-"].iter().any(|word| text.contains(word));
    let list_mark = list_mark(text);
    let chars: Vec<char> = text.chars().collect();
    for (at, c) in chars.iter().copied().enumerate() {
        let beside = |other: Option<&char>| other.is_some_and(|c| c.is_alphanumeric());
        let is_inside_word =
            beside(at.checked_sub(1).and_then(|before| chars.get(before))) && beside(chars.get(at + 1));
        match c {
            '"' => out.push_str("#quot;"),
            '&' => out.push_str("#amp;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            // Mermaid's own mark for an entity.
            'ﬂ' => out.push_str("fl"),
            '#' | ';' | '`' | '{' | '}' | '%' | '*' | '\\' | '~' | '$' | '|' | '^' => entity(&mut out, c),
            '_' if !is_inside_word => entity(&mut out, c),
            ':' if hides_colon => entity(&mut out, c),
            '\n' => out.push(' '),
            _ if Some(at) == list_mark => entity(&mut out, c),
            'd' | 'D' if is_direction(&chars[at..]) => entity(&mut out, c),
            other => out.push(other),
        }
    }
    out
}

fn entity(out: &mut String, c: char) {
    // Writing to a String cannot fail.
    let _ = write!(out, "#{};", u32::from(c));
}

fn is_direction(chars: &[char]) -> bool {
    "direction".chars().zip(chars).filter(|(expected, c)| c.eq_ignore_ascii_case(expected)).count() == 9
}

/// Where the mark stands when the text begins like a Markdown list or heading.
fn list_mark(text: &str) -> Option<usize> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &text[digits..];
    if digits > 0 && (rest.starts_with(". ") || rest.starts_with(") ")) {
        return Some(digits);
    }
    let is_mark = digits == 0 && text.starts_with(['-', '+', '=']);
    is_mark.then_some(0)
}
