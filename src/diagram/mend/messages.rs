//! Mends of sequence diagrams.

use crate::diagram::kind::Kind;

use super::source::Source;

const ARROWS: [&str; 10] = ["->", "-->", "->>", "-->>", "-x", "--x", "-)", "--)", "<<->>", "<<-->>"];
const STATEMENTS: [&str; 26] = [
    "participant",
    "actor",
    "note",
    "Note",
    "alt",
    "else",
    "opt",
    "loop",
    "par",
    "and",
    "critical",
    "option",
    "break",
    "rect",
    "box",
    "end",
    "autonumber",
    "activate",
    "deactivate",
    "create",
    "destroy",
    "title",
    "link",
    "links",
    "accTitle:",
    "accDescr:",
];

fn first_word(line: &str) -> &str {
    line.split_whitespace().next().unwrap_or_default()
}

/// A message in its parts: sender, arrow, what follows.
fn parts(line: &str) -> Option<(&str, &str, &str)> {
    let is_sign = |c: char| matches!(c, '-' | '=' | '>' | '<' | '.' | '~');
    let head_end = line.find(':').unwrap_or(line.len());
    let from = line[..head_end].char_indices().map(|(at, _)| at).find(|at| {
        let mut signs = line[*at..].chars();
        signs.next().is_some_and(is_sign)
            && signs.next().is_some_and(|c| is_sign(c) || c == 'x' && line[..*at].ends_with(' ') || c == ')')
    })?;
    let length = line[from..].find(|c| !is_sign(c)).unwrap_or(line.len() - from);
    // A sign behind the head activates.
    let length = line[from..from + length].rfind('>').map_or(length, |head| head + 1);
    let behind = &line[from + length..];
    let length = length + usize::from(behind.starts_with(')') || behind.starts_with("x "));
    Some((&line[..from], &line[from..from + length], &line[from + length..]))
}

/// Arrows in the signs of sequence diagrams, and a colon before every text.
pub(super) fn arrows(source: &Source<'_>) -> Option<String> {
    if !source.is(Kind::Sequence) {
        return None;
    }
    source.map_body(|line| {
        let first = first_word(line);
        if first.eq_ignore_ascii_case("note") {
            return note(line);
        }
        if STATEMENTS.contains(&first) && parts(line).is_none_or(|(sender, ..)| sender.trim() != first) {
            return line.to_owned();
        }
        let Some((sender, arrow, rest)) = parts(line) else { return line.to_owned() };
        let arrow = if ARROWS.contains(&arrow) { arrow } else { plain(arrow) };
        let rest = bare_bars(rest);
        let text_missing = !rest.contains(':');
        let mut words = rest.trim().splitn(2, char::is_whitespace);
        let receiver = words.next().unwrap_or_default();
        match words.next() {
            _ if receiver.is_empty() => line.to_owned(),
            Some(text) if text_missing => format!("{sender}{arrow}{receiver}: {}", text.trim()),
            None if text_missing => format!("{sender}{arrow}{receiver}: "),
            _ => format!("{sender}{arrow}{rest}"),
        }
    })
}

/// `|text| B` as `B: text`, as flowcharts write it.
fn bare_bars(rest: &str) -> String {
    let Some((text, receiver)) =
        rest.trim_start().strip_prefix('|').and_then(|inside| inside.split_once('|'))
    else {
        return rest.to_owned();
    };
    format!("{}: {}", receiver.trim(), text.trim().trim_matches('"'))
}

fn plain(arrow: &str) -> &'static str {
    let dotted = arrow.matches('-').count() > 1 || arrow.contains('.');
    match (arrow.starts_with('<'), dotted) {
        (true, true) => "<<-->>",
        (true, false) => "<<->>",
        (false, true) => "-->>",
        (false, false) => "->>",
    }
}

/// A note with its colon.
fn note(line: &str) -> String {
    if line.contains(':') {
        return line.to_owned();
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let place = match words.get(1).map(|word| word.to_lowercase()).as_deref() {
        Some("over") => 3,
        Some("left" | "right") if words.get(2) == Some(&"of") => 4,
        _ => return line.to_owned(),
    };
    // `A, B` may be written with a blank.
    let place = place + usize::from(words.get(place - 1).is_some_and(|word| word.ends_with(',')));
    if words.len() <= place {
        return line.to_owned();
    }
    let indent = super::source::indent(line);
    format!("{indent}{}: {}", words[..place].join(" "), words[place..].join(" "))
}

/// Semicolons, which end a message, as commas; a number sign, which begins an entity, as a word.
pub(super) fn signs(source: &Source<'_>) -> Option<String> {
    if !source.is(Kind::Sequence) {
        return None;
    }
    source.map_body(|line| {
        let Some((head, text)) = line.split_once(':') else { return line.to_owned() };
        let ends = text.trim_end().ends_with(';');
        let text = text.trim_end().trim_end_matches(';').replace(';', ",").replace('#', "no. ");
        if ends || text.len() != line.len() - head.len() - 1 || line.contains(';') {
            format!("{head}:{text}")
        } else {
            line.to_owned()
        }
    })
}

/// The participant `end`, which would close a block, as `End`.
pub(super) fn reserved(source: &Source<'_>) -> Option<String> {
    if !source.is(Kind::Sequence) {
        return None;
    }
    source.map_body(|line| {
        let trimmed = line.trim();
        let rest = |start: &str| trimmed.strip_prefix(start).map(str::trim);
        if rest("participant ") == Some("end") || rest("actor ") == Some("end") {
            return line.replacen(" end", " End", 1);
        }
        let Some((sender, arrow, rest)) = parts(line) else { return line.to_owned() };
        let (receiver, text) = rest.split_at(rest.find(':').unwrap_or(rest.len()));
        let named =
            |name: &str| if name.trim() == "end" { name.replacen("end", "End", 1) } else { name.to_owned() };
        format!("{}{arrow}{}{text}", named(sender), named(receiver))
    })
}

/// Without activations: one that is not open cannot be closed.
pub(super) fn activations(source: &Source<'_>) -> Option<String> {
    if !source.is(Kind::Sequence) {
        return None;
    }
    source.change_body(|line| {
        if matches!(first_word(line), "activate" | "deactivate") {
            return Some(Vec::new());
        }
        let (sender, arrow, rest) = parts(line)?;
        let bare = rest.strip_prefix(['+', '-'])?;
        let arrow = arrow.trim_end_matches('+');
        Some(vec![format!("{sender}{arrow}{bare}")])
    })
}
