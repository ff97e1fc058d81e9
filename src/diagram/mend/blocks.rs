//! Blocks that are opened and not closed, or closed once too often.

use crate::diagram::kind::Kind;

use super::source::{Source, joined, outside_quotes};

/// Ends and braces added at the end, or surplus ends taken out.
pub(super) fn close(source: &Source<'_>) -> Option<String> {
    match source.kind? {
        Kind::Flowchart => ends(source, &["subgraph"]),
        Kind::Sequence => ends(source, &["alt", "opt", "loop", "par", "critical", "break", "rect", "box"]),
        Kind::Block => ends(source, &["block"]),
        Kind::Class | Kind::State | Kind::Er | Kind::Requirement | Kind::C4 => braces(source),
        _ => None,
    }
}

fn ends(source: &Source<'_>, openings: &[&str]) -> Option<String> {
    let is_end = |line: &str| line.trim().trim_end_matches(';') == "end";
    let mut open = 0_usize;
    let mut surplus = false;
    let without_surplus = source.change_body(|line| {
        let first = line.trim_start().split([' ', '\t', ':']).next().unwrap_or_default();
        let behind = line.trim_start()[first.len()..].trim_start();
        let is_message = behind.starts_with(['-', '<']);
        if openings.contains(&first) && !is_message {
            open += 1;
        } else if is_end(line) {
            if open == 0 {
                surplus = true;
                return Some(Vec::new());
            }
            open -= 1;
        }
        None
    });
    if surplus {
        return without_surplus;
    }
    let mut lines: Vec<&str> = source.lines.clone();
    lines.extend(std::iter::repeat_n("end", open));
    (open > 0).then(|| joined(&lines))
}

fn braces(source: &Source<'_>) -> Option<String> {
    let header = source.header?;
    let mut open: Vec<&str> = Vec::new();
    let mut lines: Vec<&str> = source.lines[..=header].to_vec();
    let before = source.lines.len();
    for line in &source.lines[header + 1..] {
        let trimmed = line.trim();
        let relates = is_relation(source, trimmed);
        let begins = trimmed.ends_with('{') && !relates;
        // What cannot stand in a body ends it.
        let ends_body = match source.kind {
            Some(Kind::Er | Kind::Requirement) => relates || begins,
            Some(Kind::Class) => {
                relates || begins && open.last().is_some_and(|opening| !opening.starts_with("namespace"))
            }
            _ => false,
        };
        if ends_body && !trimmed.starts_with("%%") {
            while open.pop().is_some() {
                lines.push("}");
            }
        }
        lines.push(line);
        // Cardinalities of relations hold braces that close nothing.
        let misspelt =
            source.is(Kind::Er) && trimmed.contains('{') && !trimmed.ends_with('{') && !trimmed.contains('}');
        if relates || misspelt || trimmed.starts_with("%%") {
            continue;
        }
        outside_quotes(trimmed, |part| {
            for brace in part.chars() {
                match brace {
                    '{' => open.push(trimmed),
                    '}' => drop(open.pop()),
                    _ => {}
                }
            }
            String::new()
        });
    }
    lines.extend(open.iter().map(|_| "}"));
    (lines.len() > before).then(|| joined(&lines))
}

/// Whether a line joins two things, which no body holds.
fn is_relation(source: &Source<'_>, line: &str) -> bool {
    let mut words = line.split_whitespace();
    let (Some(first), Some(second)) = (words.next(), words.next()) else { return false };
    match source.kind {
        Some(Kind::Er) => {
            let is_operator = |word: &str| word.contains("--") || word.contains("..");
            is_operator(second) || words.any(is_operator) && !line.contains('"')
        }
        Some(Kind::Requirement) => second == "-" || second == "<-",
        Some(Kind::Class) => {
            let arrow = ["--", ".."]
                .iter()
                .any(|shaft| second.contains(shaft) || second.starts_with('"') && line.contains(shaft));
            arrow && !first.contains(['(', ':']) && !first.starts_with(['+', '-', '#', '~'])
        }
        _ => false,
    }
}
