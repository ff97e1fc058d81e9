//! Blocks that are opened and not closed, or closed once too often.

use crate::diagram::kind::Kind;

use super::source::{Source, joined, outside_quotes};

/// Ends and braces added at the end, or surplus ends taken out.
pub(super) fn close(source: &Source<'_>) -> Option<String> {
    match source.kind? {
        Kind::Flowchart => ends(source, &["subgraph"]),
        Kind::Sequence => ends(source, &["alt", "opt", "loop", "par", "critical", "break", "rect", "box"]),
        Kind::Class | Kind::State | Kind::Er | Kind::Requirement | Kind::C4 => braces(source),
        _ => None,
    }
}

fn ends(source: &Source<'_>, openings: &[&str]) -> Option<String> {
    let is_end = |line: &str| line.trim().trim_end_matches(';') == "end";
    let mut open = 0_usize;
    let mut surplus = false;
    let without_surplus = source.change_body(|line| {
        let first = line.split_whitespace().next().unwrap_or_default();
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
    let mut open = 0_usize;
    for line in source.body() {
        // Cardinalities of relations hold braces that close nothing.
        let is_relation = source.is(Kind::Er) && (line.contains("--") || line.contains(".."));
        if is_relation {
            continue;
        }
        outside_quotes(line, |part| {
            open = open.saturating_add(part.matches('{').count()).saturating_sub(part.matches('}').count());
            String::new()
        });
    }
    let mut lines: Vec<&str> = source.lines.clone();
    lines.extend(std::iter::repeat_n("}", open));
    (open > 0).then(|| joined(&lines))
}
