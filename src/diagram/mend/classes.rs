//! Mends of class diagrams.

use crate::diagram::kind::Kind;

use super::names::{id, is_id};
use super::source::{Source, indent};

/// Arrows of class diagrams, longest first.
const ARROWS: [&str; 15] = [
    "<|--", "--|>", "<|..", "..|>", "<-->", "*--", "--*", "o--", "--o", "<--", "-->", "<..", "..>", "--",
    "..",
];

/// Relations and declarations in Mermaid's words.
pub(super) fn relations(source: &Source<'_>) -> Option<String> {
    if !source.is(Kind::Class) {
        return None;
    }
    source.change_body(|line| {
        let margin = indent(line);
        let trimmed = line.trim().trim_end_matches(';');
        if let Some(lines) = declaration(trimmed, margin) {
            return Some(lines);
        }
        let mended = relation(trimmed)?;
        (mended != trimmed).then(|| vec![format!("{margin}{mended}")])
    })
}

/// `class A extends B {`, `interface A {`, `abstract class A`, `enum A {`.
fn declaration(line: &str, margin: &str) -> Option<Vec<String>> {
    let (head, brace) = match line.strip_suffix('{') {
        Some(head) => (head.trim(), " {"),
        None => (line, ""),
    };
    if let Some((text, name)) = line.strip_prefix("note \"").and_then(|rest| rest.split_once("\" for ")) {
        return Some(vec![format!("{margin}note for {name} \"{text}\"")]);
    }
    if let Some(member) = head.strip_prefix("class ").filter(|rest| brace.is_empty() && rest.contains(" : "))
    {
        return Some(vec![format!("{margin}{member}")]);
    }
    if let Some(name) = head.strip_prefix("class \"").and_then(|rest| rest.strip_suffix('"')) {
        return Some(vec![format!("{margin}class {}[\"{name}\"]{brace}", id(name))]);
    }
    let words: Vec<&str> = head.split_whitespace().collect();
    let (mark, rest) = match words.as_slice() {
        ["abstract", "class", rest @ ..] | ["abstract", rest @ ..] => (Some("abstract"), rest),
        ["interface", rest @ ..] => (Some("interface"), rest),
        ["enum" | "enumeration", rest @ ..] => (Some("enumeration"), rest),
        ["class", rest @ ..] => (None, rest),
        _ => return None,
    };
    let (name, parents) = match rest {
        [name] => (*name, Vec::new()),
        [name, "extends" | "implements", parents @ ..] => (*name, parents.to_vec()),
        _ => return None,
    };
    if mark.is_none() && parents.is_empty() {
        return None;
    }
    let name = generic(name);
    let mut lines: Vec<String> = parents
        .iter()
        .filter(|word| !matches!(**word, "extends" | "implements"))
        .map(|parent| {
            format!("{margin}{} <|-- {}", plain(&generic(parent.trim_end_matches(','))), plain(&name))
        })
        .collect();
    match (mark, brace) {
        (Some(mark), " {") => {
            lines.push(format!("{margin}class {name} {{"));
            lines.push(format!("{margin}  <<{mark}>>"));
        }
        (Some(mark), _) => {
            lines.push(format!("{margin}class {name}"));
            lines.push(format!("{margin}<<{mark}>> {}", plain(&name)));
        }
        (None, _) => lines.push(format!("{margin}class {name}{brace}")),
    }
    Some(lines)
}

/// A name without its type parameters.
fn plain(name: &str) -> &str {
    name.split('~').next().unwrap_or(name)
}

fn relation(line: &str) -> Option<String> {
    if line.contains('(') || line.starts_with(['+', '-', '#', '~', '<']) || line.starts_with("note ") {
        return None;
    }
    for (wrong, right) in
        [("-|>", "--|>"), ("<|-", "<|--"), ("->", "-->"), ("=>", "-->"), ("<-", "<--"), (".>", "..>")]
    {
        let Some(at) = line.find(wrong) else { continue };
        let (before, after) = (&line[..at], &line[at + wrong.len()..]);
        let is_right = before.ends_with(['-', '.', '=', '<']) || after.starts_with(['-', '.', '>']);
        if !is_right && !ARROWS.iter().any(|arrow| line.contains(arrow)) {
            return Some(format!("{before}{right}{after}"));
        }
    }
    let arrow = ARROWS.iter().find(|arrow| line.contains(&format!(" {arrow} ")))?;
    let (left, rest) = line.split_once(&format!(" {arrow} "))?;
    let (right, label) = match rest.split_once(':') {
        Some((right, label)) => (right, Some(label)),
        None => (rest, None),
    };
    let named = |text: &str| {
        let text = text.trim();
        let is_count = |word: &str| {
            word.contains(|c: char| c.is_ascii_digit() || c == '*') && !word.contains(char::is_alphabetic)
        };
        match text.split_whitespace().collect::<Vec<_>>().as_slice() {
            [name, count] if is_count(count) && is_id(name) => return format!("{name} \"{count}\""),
            [count, name] if is_count(count) && is_id(name) => return format!("\"{count}\" {name}"),
            _ => {}
        }
        if text.contains(['"', '`', '~']) || is_id(text) { text.to_owned() } else { id(&generic(text)) }
    };
    let label = label.map_or(String::new(), |label| format!(" :{}", label.replace(':', " -")));
    Some(format!("{} {arrow} {}{label}", named(left), named(right)))
}

/// `List<Order>` as `List~Order~`.
fn generic(text: &str) -> String {
    text.replace(['<', '>'], "~")
}

/// Members without braces, type parameters in tildes.
pub(super) fn members(source: &Source<'_>) -> Option<String> {
    if !source.is(Kind::Class) {
        return None;
    }
    let mut in_class = false;
    source.map_body(|line| {
        let trimmed = line.trim();
        if !in_class {
            in_class = trimmed.ends_with('{');
            let is_declaration =
                trimmed.starts_with("class ") && !ARROWS.iter().any(|arrow| trimmed.contains(arrow));
            let is_member = trimmed.split_once(':').is_some_and(|(name, _)| is_id(name.trim()));
            return if is_declaration || is_member && !trimmed.contains("<<") {
                generic(line)
            } else {
                line.to_owned()
            };
        }
        in_class = !trimmed.starts_with('}');
        if trimmed.starts_with("<<") || trimmed.starts_with('}') {
            return line.to_owned();
        }
        let member = trimmed.replace("=>", "").replace("->", "").replace(['{', '}'], "");
        format!("{}{}", indent(line), generic(member.trim_end_matches(';')))
    })
}
