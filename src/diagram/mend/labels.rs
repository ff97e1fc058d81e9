//! Labels of flowcharts: where they begin and end, and quotes around them.

use crate::diagram::kind::Kind;

use super::names::{id, is_id, quoted};
use super::source::{Source, indent};

/// A part of a flowchart's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'s> {
    /// Ids, arrows, everything else.
    Code(&'s str),
    /// A shape behind an id: opening, label, closing.
    Shape(&'s str, &'s str, &'s str),
    /// The text between bars.
    Bars(&'s str),
    /// Text in double quotes.
    Quoted(&'s str),
    /// `-- text -->`: its text and its head.
    Text(&'s str, &'s str),
}

/// Openings with their closings, longest first.
const SHAPES: &[(&str, &[&str])] = &[
    ("(((", &[")))"]),
    ("((", &["))"]),
    ("([", &["])"]),
    ("[[", &["]]"]),
    ("[(", &[")]"]),
    ("{{", &["}}"]),
    ("[/", &["/]", "\\]"]),
    ("[\\", &["\\]", "/]"]),
    ("[", &["]"]),
    ("(", &[")"]),
    ("{", &["}"]),
];

/// What may follow a shape.
const FOLLOWERS: &[&str] = &[
    ";", "&", ":", "--", "==", "-.", "~~~", "<-", "<=", "o--", "x--", "%%", "@", "->", "=>", "→", "⇒", "—",
    "–",
];

/// A line of a flowchart in its parts.
pub(super) fn pieces(line: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut code_from = 0;
    let mut at = 0;
    while at < line.len() {
        let rest = &line[at..];
        let behind_id = line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let found = if let Some(inside) = rest.strip_prefix('"') {
            inside.find('"').map(|end| (Piece::Quoted(&inside[..end]), end + 2))
        } else if rest.starts_with('|') {
            bars(rest)
        } else if behind_id && rest.starts_with(['[', '(', '{']) {
            shape(rest)
        } else if rest.starts_with("--") && !line[..at].ends_with('-') {
            text(rest)
        } else {
            None
        };
        match found {
            Some((piece, length)) => {
                if code_from < at {
                    pieces.push(Piece::Code(&line[code_from..at]));
                }
                pieces.push(piece);
                at += length;
                code_from = at;
            }
            None => at += rest.chars().next().map_or(1, char::len_utf8),
        }
    }
    if code_from < line.len() {
        pieces.push(Piece::Code(&line[code_from..]));
    }
    pieces
}

/// The parts as a line again.
pub(super) fn line_of(pieces: &[Piece<'_>]) -> String {
    let mut line = String::new();
    for piece in pieces {
        match piece {
            Piece::Code(code) => line.push_str(code),
            Piece::Shape(open, label, close) => {
                [*open, label, close].iter().for_each(|part| line.push_str(part))
            }
            Piece::Bars(text) => line.push_str(&format!("|{text}|")),
            Piece::Quoted(text) => line.push_str(&format!("\"{text}\"")),
            Piece::Text(text, head) => line.push_str(&format!("--{text}{head}")),
        }
    }
    line
}

fn shape(rest: &str) -> Option<(Piece<'_>, usize)> {
    for (open, closings) in SHAPES {
        let Some(behind) = rest.strip_prefix(open) else { continue };
        for close in *closings {
            let end =
                behind.char_indices().map(|(at, _)| at).filter(|at| behind[*at..].starts_with(close)).find(
                    |at| {
                        let follows = behind[at + close.len()..].trim_start();
                        follows.is_empty() || FOLLOWERS.iter().any(|sign| follows.starts_with(sign))
                    },
                );
            if let Some(end) = end {
                let piece =
                    Piece::Shape(&rest[..open.len()], &behind[..end], &behind[end..end + close.len()]);
                return Some((piece, open.len() + end + close.len()));
            }
        }
    }
    None
}

fn bars(rest: &str) -> Option<(Piece<'_>, usize)> {
    let inside = &rest[1..];
    let ends: Vec<usize> = inside.match_indices('|').map(|(at, _)| at).collect();
    let names_target = |at: &&usize| {
        let target = inside[**at + 1..].trim_start();
        target.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '"' | '>'))
    };
    // In quotes a bar ends nothing.
    let quoted_end =
        inside.trim_start().starts_with('"').then(|| inside.find("\"|").map(|at| at + 1)).flatten();
    let end =
        quoted_end.or_else(|| ends.iter().find(names_target).copied()).or_else(|| ends.last().copied())?;
    Some((Piece::Bars(&inside[..end]), end + 2))
}

/// `-- text -->`
fn text(rest: &str) -> Option<(Piece<'_>, usize)> {
    let inside = &rest[2..];
    if !inside.starts_with([' ', '"']) && !inside.starts_with(char::is_alphanumeric) {
        return None;
    }
    let head_at = inside.find("--")?;
    let length = inside[head_at..].find(|c: char| !matches!(c, '-' | '>')).unwrap_or(inside.len() - head_at);
    if inside[..head_at].trim().is_empty() {
        return None;
    }
    let piece = Piece::Text(&inside[..head_at], &inside[head_at..head_at + length]);
    Some((piece, 2 + head_at + length))
}

/// Quotes around every label that holds signs, on nodes, arrows and subgraphs.
pub(super) fn quote(source: &Source<'_>) -> Option<String> {
    if !source.is(Kind::Flowchart) {
        return None;
    }
    source.map_body(|line| {
        let trimmed = line.trim();
        let first = trimmed.split_whitespace().next().unwrap_or_default();
        if first == "subgraph" {
            return format!(
                "{}subgraph {}",
                indent(line),
                subgraph_title(trimmed["subgraph".len()..].trim())
            );
        }
        if matches!(first, "style" | "classDef" | "class" | "linkStyle" | "click" | "direction") {
            return line.to_owned();
        }
        let mut out = String::with_capacity(line.len() + 8);
        for piece in pieces(line) {
            match piece {
                Piece::Shape(open, label, close) if wants_quotes(label) => {
                    out.push_str(&format!("{open}{}{close}", quoted(label)));
                }
                Piece::Bars(text) if wants_quotes(text) => out.push_str(&format!("|{}|", quoted(text))),
                Piece::Text(text, head) if wants_quotes(text) => {
                    let arrow = if head.ends_with('>') { "-->" } else { "---" };
                    out.push_str(&format!("{arrow}|{}|", quoted(text)));
                }
                other => out.push_str(&line_of(&[other])),
            }
        }
        out
    })
}

fn subgraph_title(title: &str) -> String {
    if title.is_empty() || is_id(title) || title.starts_with('"') && title.len() > 1 && title.ends_with('"') {
        return title.to_owned();
    }
    let parts = pieces(title);
    if let [Piece::Code(name), Piece::Shape("[", label, _)] = parts.as_slice()
        && is_id(name.trim())
    {
        return format!(
            "{}[{}]",
            name.trim(),
            if wants_quotes(label) { quoted(label) } else { (*label).to_owned() }
        );
    }
    if wants_quotes(title) { format!("{}[{}]", id(title), quoted(title)) } else { title.to_owned() }
}

/// Whether a label needs quotes that it does not have.
pub(super) fn wants_quotes(label: &str) -> bool {
    let label = label.trim();
    if label.len() > 1 && label.starts_with('"') && label.ends_with('"') {
        return label[1..label.len() - 1].contains('"');
    }
    let plain = |c: char| c.is_alphanumeric() || " _.,-+*'!?$%".contains(c);
    !label.is_empty() && (!label.chars().all(plain) || label.split_whitespace().any(|word| word == "end"))
}
