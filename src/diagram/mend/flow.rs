//! Mends of flowcharts: arrows, edge labels, ids, styles.

use std::collections::HashSet;

use crate::diagram::kind::Kind;

use super::labels::{Piece, line_of, pieces};
use super::names::{RESERVED, id, is_id, quoted};
use super::source::{Source, indent};

/// Statements whose lines hold no edges.
const STATEMENTS: [&str; 8] =
    ["subgraph", "style", "classDef", "class", "linkStyle", "click", "direction", "end"];

fn first_word(line: &str) -> &str {
    line.split_whitespace().next().unwrap_or_default().trim_end_matches(';')
}

/// Lines that name what to style and no style.
pub(super) fn bare_styles(source: &Source<'_>) -> Option<String> {
    if !matches!(source.kind, Some(Kind::Flowchart | Kind::State | Kind::Class)) {
        return None;
    }
    source.change_body(|line| {
        let words = line.trim().trim_end_matches(';').split_whitespace().count();
        let is_bare = match first_word(line) {
            "style" | "classDef" | "linkStyle" => !line.contains(':') && words <= 3,
            "click" => words <= 2,
            _ => false,
        };
        is_bare.then(Vec::new)
    })
}

/// Every line about looks.
pub(super) fn styles(source: &Source<'_>) -> Option<String> {
    source.change_body(|line| {
        let is_style = match first_word(line) {
            "style" | "classDef" | "linkStyle" | "click" | "cssClass" => true,
            "class" => source.is(Kind::Flowchart) || source.is(Kind::State),
            _ => false,
        };
        is_style.then(Vec::new)
    })
}

/// Arrows in the signs of flowcharts; those that lead nowhere are cut.
pub(super) fn arrows(source: &Source<'_>) -> Option<String> {
    if !source.is(Kind::Flowchart) {
        return None;
    }
    source.map_body(|line| {
        if STATEMENTS.contains(&first_word(line)) {
            return line.to_owned();
        }
        let parts = pieces(line);
        let mut out = String::with_capacity(line.len() + 4);
        for (at, part) in parts.iter().enumerate() {
            let Piece::Code(code) = part else {
                out.push_str(&line_of(&[*part]));
                continue;
            };
            let behind_bars = at > 0 && matches!(parts[at - 1], Piece::Bars(_));
            // A second head or arrow behind the label.
            let code = if behind_bars {
                code.trim_start().strip_prefix("-->").or(code.strip_prefix('>')).unwrap_or(code)
            } else {
                code
            };
            let mut code = arrows_of(code);
            let before_bars = matches!(parts.get(at + 1), Some(Piece::Bars(_)));
            let shaft = code.trim_end();
            let lacks_head = ["--", "=="].iter().any(|two| {
                shaft
                    .strip_suffix(two)
                    .is_some_and(|before| !before.ends_with(two.chars().next().unwrap_or('-')))
            });
            if before_bars && lacks_head {
                code = shaft.to_owned() + ">";
            }
            out.push_str(&code);
        }
        let end = out.trim_end().trim_end_matches(';').trim_end();
        for arrow in ["-->", "==>", "-.->", "---"] {
            if let Some(before) = end.strip_suffix(arrow)
                && !before.trim().is_empty()
            {
                return before.trim_end_matches(['-', '=', '<', '.']).trim_end().to_owned();
            }
        }
        out
    })
}

/// Code with its arrows mended.
fn arrows_of(code: &str) -> String {
    let mut text = code.to_owned();
    for (wrong, right) in [
        ("- - >", "-->"),
        ("-- >", "-->"),
        ("- ->", "-->"),
        ("== >", "==>"),
        ("-. ->", "-.->"),
        ("<- >", "<-->"),
    ] {
        text = text.replace(wrong, right);
    }
    let is_arrow_sign = |c: char| matches!(c, '-' | '=' | '.' | '>' | '<' | '~');
    let mut out = String::with_capacity(text.len() + 4);
    let mut rest = text.as_str();
    while let Some(at) = rest.find(is_arrow_sign) {
        out.push_str(&rest[..at]);
        let from = &rest[at..];
        let end = from.find(|c| !is_arrow_sign(c)).unwrap_or(from.len());
        let (run, behind) = from.split_at(end);
        out.push_str(match run {
            "->" | "->>" | "-->>" | "->>>" | "~>" | "~~>" | "-->>>" => "-->",
            "=>" | "==>>" | "=>>" => "==>",
            "<->" | "<<->>" | "<<-->>" => "<-->",
            "<=>" => "<==>",
            "-.>" | "..>" | ".->" | "-..->" | ".>" | "-.->>" | "--.->" => "-.->",
            other => other,
        });
        rest = behind;
    }
    out + rest
}

/// `A --> B : text` as `A -->|"text"| B`.
pub(super) fn colon_labels(source: &Source<'_>) -> Option<String> {
    if !source.is(Kind::Flowchart) {
        return None;
    }
    source.map_body(|line| {
        if STATEMENTS.contains(&first_word(line)) {
            line.to_owned()
        } else {
            colon_label(line).unwrap_or_else(|| line.to_owned())
        }
    })
}

fn colon_label(line: &str) -> Option<String> {
    let (mut offset, mut arrow_end) = (0, None);
    for piece in pieces(line) {
        let length = line_of(&[piece]).len();
        match piece {
            Piece::Code(code) => {
                for (at, _) in code.char_indices() {
                    let rest = &code[at..];
                    let arrow =
                        ["-->", "==>", "-.->", "---", "->"].iter().find(|arrow| rest.starts_with(**arrow));
                    if let Some(arrow) = arrow {
                        arrow_end = Some(offset + at + arrow.len());
                    }
                    let is_label = rest.starts_with(':')
                        && !rest.starts_with(":::")
                        && !code[..at].ends_with(':')
                        && arrow_end.is_some_and(|end| !line[end..offset + at].trim().is_empty());
                    if is_label && let Some(arrow_end) = arrow_end {
                        let (before, target) = (&line[..arrow_end], line[arrow_end..offset + at].trim_end());
                        let label = line[offset + at + 1..].trim().trim_end_matches(';').trim();
                        return Some(match label {
                            "" => format!("{before}{target}"),
                            _ => format!("{before}|{}|{target}", quoted(label)),
                        });
                    }
                }
            }
            // The arrow has its label already.
            Piece::Bars(_) | Piece::Text(..) => arrow_end = None,
            Piece::Shape(..) | Piece::Quoted(_) => {}
        }
        offset += length;
    }
    None
}

/// Ids that are words of the language, with `Node` behind them and the word as their label.
pub(super) fn reserved_ids(source: &Source<'_>) -> Option<String> {
    if !source.is(Kind::Flowchart) {
        return None;
    }
    let mut seen = HashSet::new();
    source.map_body(|line| {
        let trimmed = line.trim();
        let first = first_word(line);
        let behind = trimmed[first.len().min(trimmed.len())..].trim_start();
        let follows_id = |text: &str| text.starts_with(['-', '=', '<', '&', '~']) || text.starts_with(":::");
        let is_statement = STATEMENTS.contains(&first) && !follows_id(behind) && first.len() < trimmed.len();
        if is_statement && first != "end" || matches!(trimmed.trim_end_matches(';'), "end") {
            return line.to_owned();
        }
        let parts = pieces(line);
        let mut out = String::new();
        for (at, part) in parts.iter().enumerate() {
            let Piece::Code(code) = part else {
                out.push_str(&line_of(&[*part]));
                continue;
            };
            let has_shape = matches!(parts.get(at + 1), Some(Piece::Shape(..)));
            let is_part = |c: char| c.is_alphanumeric() || c == '_';
            let mut rest = *code;
            while let Some(from) = rest.find(is_part) {
                out.push_str(&rest[..from]);
                let length = rest[from..].find(|c| !is_part(c)).unwrap_or(rest.len() - from);
                let word = &rest[from..from + length];
                let is_class = out.ends_with(":::");
                rest = &rest[from + length..];
                out.push_str(word);
                if RESERVED.contains(&word) && !is_class {
                    out.push_str("Node");
                    if !(rest.is_empty() && has_shape) && seen.insert(word.to_owned()) {
                        out.push_str(&format!("[\"{word}\"]"));
                    }
                }
            }
            out.push_str(rest);
        }
        out
    })
}

/// Names with blanks or signs in place of an id, as an id with a label.
pub(super) fn spaced_ids(source: &Source<'_>) -> Option<String> {
    if !source.is(Kind::Flowchart) {
        return None;
    }
    source.map_body(|line| {
        let first = first_word(line);
        if STATEMENTS.contains(&first) {
            return line.to_owned();
        }
        let parts = pieces(line);
        let is_edge = parts.iter().any(|part| match part {
            Piece::Code(code) => ["--", "==", "-.", "~~~"].iter().any(|arrow| code.contains(arrow)),
            Piece::Text(..) => true,
            _ => false,
        });
        let has_shape = parts.iter().any(|part| matches!(part, Piece::Shape(..)));
        if !is_edge && !has_shape {
            return line.to_owned();
        }
        let mut out = indent(line).to_owned();
        for (at, part) in parts.iter().enumerate() {
            match part {
                Piece::Code(code) => {
                    let shape_follows = matches!(parts.get(at + 1), Some(Piece::Shape(..)));
                    out.push_str(&operands(if at == 0 { code.trim_start() } else { code }, shape_follows));
                }
                Piece::Quoted(text)
                    if parts.get(at + 1).is_none_or(|next| matches!(next, Piece::Code(_))) =>
                {
                    // A quoted name in place of a node.
                    out.push_str(&format!("{}[{}]", id(text), quoted(text)));
                }
                other => out.push_str(&line_of(&[*other])),
            }
        }
        out
    })
}

/// Code with each name between its arrows made an id.
fn operands(code: &str, shape_follows: bool) -> String {
    let is_arrow = |c: char| matches!(c, '-' | '=' | '<' | '>' | '~' | '&' | ';');
    let mut out = String::new();
    let mut rest = code;
    while !rest.is_empty() {
        // A single hyphen inside a name is no arrow.
        let starts = |at: usize| {
            let from = &rest[at..];
            ["--", "==", "-.", "<-", "<=", "~~", "&", ";"].iter().any(|arrow| from.starts_with(arrow))
        };
        let at = rest.char_indices().map(|(at, _)| at).find(|at| starts(*at)).unwrap_or(rest.len());
        let (name, behind) = rest.split_at(at);
        let name_is_last = behind.is_empty();
        out.push_str(&operand(name, name_is_last && shape_follows));
        let length = behind.find(|c: char| !is_arrow(c) && c != '.').unwrap_or(behind.len());
        out.push_str(&behind[..length]);
        rest = &behind[length..];
    }
    out
}

fn operand(name: &str, has_shape: bool) -> String {
    let bare = name.trim();
    let blanks = |text: &str| -> String { text.chars().filter(|c| c.is_whitespace()).collect() };
    let count = |sign: char| bare.matches(sign).count();
    let is_balanced =
        [('[', ']'), ('(', ')'), ('{', '}')].iter().all(|(open, close)| count(*open) == count(*close));
    if bare.is_empty() || !is_balanced || is_id(bare) || bare.contains(":::") || bare.contains('@') {
        return name.to_owned();
    }
    let before = blanks(&name[..name.len() - name.trim_start().len()]);
    let after = blanks(&name[name.trim_end().len()..]);
    match has_shape {
        true => format!("{before}{}", id(bare)),
        false => format!("{before}{}[{}]{after}", id(bare), quoted(bare)),
    }
}
