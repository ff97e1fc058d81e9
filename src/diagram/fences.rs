//! Fenced blocks of an answer, as models write them: three or more backticks or tildes, with or
//! without a tag, indented, behind a word, never closed. Linear in the answer's length.

use crate::domain::DiagramType;

use super::headers;

/// A fenced block and how far it can be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block<'a> {
    /// Lines between the fences, without the fence's own indent.
    pub(super) lines: Vec<&'a str>,
    /// Its tag names the language.
    pub(super) is_tagged: bool,
    /// Its tag names another language, or something else altogether.
    is_foreign: bool,
    /// It begins as a source of the language does.
    is_plausible: bool,
    /// A closing fence was found.
    pub(super) is_closed: bool,
}

/// A line that opens a block.
struct Opening<'a> {
    mark: char,
    width: usize,
    indent: usize,
    info: &'a str,
}

/// The block that holds the diagram: the first tagged one that begins as a source, the first
/// tagged one, an untagged one that begins as a source, then any such. Among blocks of one rank the
/// first counts, and among untagged ones the longest.
pub(super) fn best<'a>(lines: &[&'a str], diagram_type: DiagramType) -> Option<Block<'a>> {
    let mut blocks = blocks(lines, diagram_type);
    blocks.retain(|block| block.lines.iter().any(|line| !line.trim().is_empty()));
    let rank = |block: &Block<'_>| match (block.is_tagged, block.is_plausible, block.is_foreign) {
        (true, true, _) => 0,
        (true, false, _) => 1,
        (false, true, false) => 2,
        (false, true, true) => 3,
        (false, false, _) => 4,
    };
    let best = blocks.iter().map(rank).min().filter(|rank| *rank < 4)?;
    let mut ranked = blocks.into_iter().filter(|block| rank(block) == best);
    if best < 2 { ranked.next() } else { ranked.max_by_key(|block| block.lines.len()) }
}

fn blocks<'a>(lines: &[&'a str], diagram_type: DiagramType) -> Vec<Block<'a>> {
    let mut blocks = Vec::new();
    let mut rest = lines.iter().copied();
    while let Some(line) = rest.next() {
        let Some(opening) = opening(line, diagram_type) else { continue };
        let (tag, first) = info(opening.info, diagram_type);
        let mut inside: Vec<&str> = first.into_iter().collect();
        let mut is_closed = first.is_some_and(|first| {
            first.len() < opening.info.trim().len() && opening.info.trim().ends_with("```")
        });
        while !is_closed && let Some(line) = rest.next() {
            is_closed = closes(line, &opening);
            if !is_closed {
                inside.push(unindented(line, opening.indent));
            }
        }
        let is_tagged = headers::is_tag(tag, diagram_type);
        blocks.push(Block {
            is_tagged,
            is_foreign: !is_tagged
                && !tag.is_empty()
                && !matches!(tag, "text" | "txt" | "plain" | "code" | "diagram"),
            is_plausible: looks_like_source(&inside, diagram_type),
            is_closed,
            lines: inside,
        });
    }
    blocks
}

/// Whether a line is a fence, opening or closing.
pub(super) fn is_fence(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("```") || line.starts_with("~~~")
}

fn opening(line: &str, diagram_type: DiagramType) -> Option<Opening<'_>> {
    let text = line.trim_start_matches([' ', '\t', '>']);
    let indent = line.len() - text.len();
    for mark in ['`', '~'] {
        let width = text.chars().take_while(|c| *c == mark).count();
        if width >= 3 {
            return Some(Opening { mark, width, indent, info: &text[width..] });
        }
    }
    // "Here it is: ```mermaid"
    let (_, tag) = text.trim_end().rsplit_once("```")?;
    let is_opening = !tag.is_empty() && headers::is_tag(tag.trim(), diagram_type);
    is_opening.then_some(Opening { mark: '`', width: 3, indent: 0, info: tag })
}

/// The tag of an info string, and a source that begins in the same line (`mermaid graph TD`).
fn info(info: &str, diagram_type: DiagramType) -> (&str, Option<&str>) {
    let info = info.trim().trim_end_matches('`').trim();
    if headers::begins_source(info, diagram_type) && !headers::is_tag(info, diagram_type) {
        return ("", Some(info));
    }
    let tag = info.split_whitespace().next().unwrap_or_default();
    let rest = info[tag.len()..].trim();
    let tag = tag.trim_matches(['{', '}', '.', ',']);
    (tag, Some(rest).filter(|rest| headers::begins_source(rest, diagram_type)))
}

/// A closing fence is at least as wide as the opening one, with nothing behind it.
fn closes(line: &str, opening: &Opening<'_>) -> bool {
    let text = line.trim_matches([' ', '\t', '>']);
    text.len() >= opening.width && text.chars().all(|c| c == opening.mark)
}

/// A line without as much of the fence's indent as it has.
fn unindented(line: &str, indent: usize) -> &str {
    let own = line.bytes().take(indent).take_while(|byte| matches!(byte, b' ' | b'\t' | b'>')).count();
    &line[own..]
}

fn looks_like_source(lines: &[&str], diagram_type: DiagramType) -> bool {
    let mut is_front_matter = false;
    for line in lines {
        if diagram_type == DiagramType::Mermaid && line.trim() == "---" {
            is_front_matter = !is_front_matter;
            continue;
        }
        if is_front_matter || headers::may_precede_source(line, diagram_type) {
            continue;
        }
        return headers::begins_source(line, diagram_type);
    }
    false
}
