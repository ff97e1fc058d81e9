//! Mends of what stands around a diagram, and of signs that are not ASCII. They fit every kind.

use crate::diagram::kind::Kind;

use super::source::{Source, front_matter_end, joined, outside_quotes};

/// Words of a line of prose, at least.
const PROSE_WORDS_MIN: usize = 4;

/// Without the lines of code fences.
pub(super) fn fences(source: &Source<'_>) -> Option<String> {
    let is_fence = |line: &&str| line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~");
    let kept: Vec<&str> = source.lines.iter().copied().filter(|line| !is_fence(line)).collect();
    (kept.len() < source.lines.len()).then(|| joined(&kept))
}

/// The front matter's fences at the beginning of their lines.
pub(super) fn front_matter(source: &Source<'_>) -> Option<String> {
    let end = front_matter_end(&source.lines)?;
    let mut fences = 0;
    let straight: Vec<&str> = source.lines[..end]
        .iter()
        .map(|line| {
            fences += usize::from(line.trim() == "---");
            if line.trim() == "---" { "---" } else { *line }
        })
        .skip_while(|line| line.is_empty())
        .chain(source.lines[end..].iter().copied())
        .collect();
    (fences == 2 && straight != source.lines).then(|| joined(&straight))
}

/// Without what is neither front matter, comment nor directive before the first line.
pub(super) fn before(source: &Source<'_>) -> Option<String> {
    let header = source.header?;
    let from = front_matter_end(&source.lines).unwrap_or(0).min(header);
    let mut in_directive = false;
    let mut is_kept = |line: &&str| {
        let line = line.trim();
        in_directive |= line.starts_with("%%{");
        let kept = in_directive || line.is_empty() || line.starts_with("%%");
        in_directive &= !line.contains("}%%");
        kept
    };
    let kept: Vec<&str> = source.lines[from..header].iter().copied().filter(&mut is_kept).collect();
    (kept.len() < header - from).then(|| {
        let lines =
            source.lines[..from].iter().copied().chain(kept).chain(source.lines[header..].iter().copied());
        joined(&lines.collect::<Vec<_>>())
    })
}

/// Without markup that closes something and whatever follows it.
pub(super) fn markup_behind(source: &Source<'_>) -> Option<String> {
    let header = source.header?;
    let is_markup = |line: &str| {
        let line = line.trim_start();
        line.starts_with("</") || line.starts_with("<pre") || line.starts_with("<hr")
    };
    let at = header + 1 + source.lines[header + 1..].iter().copied().position(is_markup)?;
    Some(joined(&source.lines[..at]))
}

/// Without sentences behind the diagram.
pub(super) fn behind(source: &Source<'_>) -> Option<String> {
    let header = source.header?;
    let holds_prose = matches!(
        source.kind,
        Some(Kind::Mindmap | Kind::Timeline | Kind::Journey | Kind::Kanban | Kind::Gantt | Kind::Pie)
    );
    let at = (header + 1..source.lines.len()).find(|at| {
        let line = source.lines[*at];
        let is_apart = source.lines[at - 1].trim().is_empty();
        let announces = ["Title:", "Explanation", "This diagram", "Note:", "**", "##", "Here "];
        let announced = announces.iter().any(|start| line.starts_with(start));
        announced && (is_apart || line.starts_with("Title:")) || is_apart && !holds_prose && is_sentence(line)
    })?;
    Some(joined(&source.lines[..at]))
}

fn is_sentence(line: &str) -> bool {
    let structure = ["--", "->", "==", "[", "{", "|", "\"", "::", "~~", " : "];
    let begins = line.starts_with(|c: char| c.is_uppercase() || matches!(c, '*' | '#' | '-'));
    let words = line.split_whitespace().count();
    begins && words >= PROSE_WORDS_MIN && !structure.iter().any(|sign| line.contains(sign))
}

/// Special blanks as plain ones; what is invisible is taken out.
pub(super) fn blanks(source: &Source<'_>) -> Option<String> {
    let mut out = String::with_capacity(source.text.len());
    for c in source.text.chars() {
        match c {
            '\t' => out.push_str("  "),
            '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => {
                out.push(' ')
            }
            '\u{2028}' | '\u{2029}' | '\u{b}' | '\u{c}' => out.push('\n'),
            '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}' => {}
            c if c.is_control() && c != '\n' => {}
            c => out.push(c),
        }
    }
    (out != source.text).then_some(out)
}

/// Curly quotes as straight ones.
pub(super) fn quotes(source: &Source<'_>) -> Option<String> {
    let straight = |c: char| match c {
        '\u{201c}'..='\u{201f}' | '\u{ab}' | '\u{bb}' | '\u{2033}' | '\u{300c}' | '\u{300d}' => '"',
        '\u{2018}'..='\u{201b}' | '\u{2032}' => '\'',
        other => other,
    };
    let out: String = source.text.chars().map(straight).collect();
    (out != source.text).then_some(out)
}

/// HTML entities outside of quotes as the signs that they stand for.
pub(super) fn entities(source: &Source<'_>) -> Option<String> {
    const ENTITIES: [(&str, &str); 7] = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ];
    let signs =
        |part: &str| ENTITIES.iter().fold(part.to_owned(), |text, (name, sign)| text.replace(name, sign));
    let lines: Vec<String> = source.lines.iter().map(|line| outside_quotes(line, signs)).collect();
    let out = joined(&lines);
    (out.trim_end() != source.text.trim_end()).then_some(out)
}

/// Arrows and dashes of other scripts, outside of quotes and brackets, in Mermaid's own signs.
pub(super) fn arrows(source: &Source<'_>) -> Option<String> {
    let sequence = source.is(Kind::Sequence);
    let lines: Vec<String> = source
        .lines
        .iter()
        .enumerate()
        .map(|(at, line)| {
            let is_body =
                source.header.is_none_or(|header| at > header) && !line.trim_start().starts_with("%%");
            if is_body && !line.is_ascii() { ascii_arrows(line, sequence) } else { (*line).to_owned() }
        })
        .collect();
    let out = joined(&lines);
    (out.trim_end() != source.text.trim_end()).then_some(out)
}

fn ascii_arrows(line: &str, sequence: bool) -> String {
    let is_dash = |c: char| matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2500}');
    let mut out = String::with_capacity(line.len());
    let (mut depth, mut quoted) = (0_i32, false);
    let chars: Vec<char> = line.chars().collect();
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at];
        at += 1;
        quoted ^= c == '"';
        match c {
            '[' | '(' => depth += 1,
            ']' | ')' => depth -= 1,
            _ => {}
        }
        if quoted || depth > 0 {
            out.push(c);
            continue;
        }
        match c {
            '→' | '➔' | '➜' | '⟶' | '➝' | '➞' | '➡' | '►' | '▶' | '⇨' => {
                // The tail of an arrow that is half ASCII goes with its head.
                out.truncate(out.trim_end_matches(['-', '=']).len());
                at += usize::from(chars.get(at) == Some(&'\u{fe0f}'));
                out.push_str(if sequence { "->>" } else { "-->" });
            }
            '⇒' | '⟹' => out.push_str(if sequence { "->>" } else { "==>" }),
            '⇢' | '⤏' => out.push_str(if sequence { "-->>" } else { "-.->" }),
            '↔' | '⟷' | '⇔' => out.push_str(if sequence { "<<->>" } else { "<-->" }),
            c if is_dash(c) => {
                let length = 1 + chars[at..].iter().take_while(|c| is_dash(**c)).count();
                let run = &chars[at - 1..at - 1 + length];
                at += length - 1;
                let heads = chars[at..].iter().take_while(|c| **c == '>').count();
                let beside = |c: Option<&char>| c.is_some_and(|c| "|o{}<>".contains(*c));
                if run.iter().all(|c| *c == '-') {
                    out.extend(run);
                } else if heads == 2 && sequence {
                    out.push_str(if length > 1 { "--" } else { "-" });
                } else if heads > 0 || beside(chars.get(at)) || beside(out.chars().last().as_ref()) {
                    out.push_str("--");
                } else {
                    out.extend(run);
                }
            }
            c => out.push(c),
        }
    }
    out
}

/// Without semicolons at the ends of lines.
pub(super) fn semicolons(source: &Source<'_>) -> Option<String> {
    let lines: Vec<&str> = source.lines.iter().map(|line| line.trim_end().trim_end_matches(';')).collect();
    let out = joined(&lines);
    source.text.lines().any(|line| line.trim_end().ends_with(';')).then_some(out)
}
