//! Mends of state diagrams.

use crate::diagram::kind::Kind;

use super::names::{id, is_id};
use super::source::{Source, indent};

/// Transitions between declared states, with one colon before their text.
pub(super) fn transitions(source: &Source<'_>) -> Option<String> {
    if !source.is(Kind::State) {
        return None;
    }
    let mut declared: Vec<(String, String)> = Vec::new();
    let mended = source.change_body(|line| {
        let trimmed = line.trim().trim_end_matches(';');
        let first = trimmed.split_whitespace().next().unwrap_or_default();
        if matches!(first, "direction" | "classDef" | "class" | "style" | "end") && !trimmed.contains("->") {
            return None;
        }
        let margin = indent(line);
        if first == "note" {
            return note(trimmed, margin);
        }
        let Some((from, to, text)) = transition(trimmed) else { return state_line(trimmed, margin) };
        let mut lines = Vec::new();
        let mut state = |name: &str| {
            let name = name.trim().trim_matches('"').trim();
            if is_id(name) && !matches!(name, "end" | "state" | "note" | "default" | "class")
                || name.starts_with('[') && name.ends_with(']')
                || name.contains(":::")
                || name.starts_with("<<")
            {
                return name.to_owned();
            }
            let short = state_id(name);
            if !declared.iter().any(|(_, known)| *known == short) {
                declared.push((name.to_owned(), short.clone()));
                lines.push(format!("{margin}state \"{}\" as {short}", name.replace('"', "'")));
            }
            short
        };
        let (from, to) = (state(from), state(to));
        let text =
            text.map(|text| text.trim().replace(':', " -").replace(';', ",")).filter(|text| !text.is_empty());
        lines.push(match text {
            Some(text) => format!("{margin}{from} --> {to} : {text}"),
            None => format!("{margin}{from} --> {to}"),
        });
        (lines.len() > 1 || lines[0].trim() != line.trim()).then_some(lines)
    });
    mended.filter(|mended| mended.trim_end() != source.text.trim_end())
}

fn state_id(name: &str) -> String {
    let short = id(name);
    if matches!(short.as_str(), "state" | "note") { format!("{short}State") } else { short }
}

/// From, to and the text of a transition.
fn transition(line: &str) -> Option<(&str, &str, Option<&str>)> {
    let arrow = ["-->", "->>", "==>", "=>", "->"].into_iter().find(|arrow| line.contains(arrow))?;
    let (from, rest) = line.split_once(arrow)?;
    if let Some((from, text)) = from.split_once(" -- ") {
        return Some((from, rest, Some(text)));
    }
    let rest = rest.trim_start_matches('>');
    if let Some((text, to)) = rest.trim_start().strip_prefix('|').and_then(|inside| inside.split_once('|')) {
        return Some((from, to, Some(text.trim_matches('"'))));
    }
    let styled = rest.find(":::").is_some_and(|at| rest.find(':') == Some(at));
    let (to, text) = match rest.split_once(':') {
        Some((to, text)) if !styled => (to, Some(text)),
        _ => (rest, None),
    };
    if let Some(text) =
        to.trim().strip_prefix("[*]").map(str::trim).filter(|text| !text.is_empty() && !text.starts_with('-'))
    {
        return Some((from, "[*]", Some(text)));
    }
    (!from.trim().is_empty() && !to.trim().is_empty()).then_some((from, to, text))
}

/// `state In review` and `state "In review" {`, which name no id.
fn state_line(line: &str, margin: &str) -> Option<Vec<String>> {
    let rest = line.strip_prefix("state ")?.trim();
    if let Some((name, label)) = rest.split_once(" as ")
        && is_id(name)
        && label.starts_with('"')
    {
        return Some(vec![format!("{margin}state {label} as {name}")]);
    }
    if rest.contains(" as ") || rest.contains("<<") {
        return None;
    }
    let (name, brace) = match rest.strip_suffix('{') {
        Some(name) => (name.trim(), " {"),
        None => (rest, ""),
    };
    let bare = name.trim_matches('"');
    (!is_id(name) && !bare.is_empty())
        .then(|| vec![format!("{margin}state \"{bare}\" as {}{brace}", state_id(bare))])
}

/// `note right of A text`, which lacks its colon.
fn note(line: &str, margin: &str) -> Option<Vec<String>> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        ["note", side @ ("left" | "right"), "of", state, text @ ..]
            if !line.contains(':') && !text.is_empty() =>
        {
            Some(vec![format!("{margin}note {side} of {state} : {}", text.join(" "))])
        }
        _ => None,
    }
}
