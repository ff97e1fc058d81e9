//! The title of a diagram: stated in the answer, else what its source or its surroundings call
//! it.

use crate::domain::DiagramType;

use super::fences;

/// Characters of a title.
const TITLE_CHARS_MAX: usize = 200;
/// Lines of a source that are searched.
const LINES_MAX: usize = 20;

/// Whether a line states the title: `Title: …`, also in bold or as a heading.
pub(super) fn is_stated(line: &str) -> bool {
    stated(line).is_some()
}

fn stated(line: &str) -> Option<&str> {
    let text = line.trim_start_matches(['*', '#', ' ', '_', '>']);
    ["Title:", "**Title**:", "Title**:"].iter().find_map(|start| text.strip_prefix(start))
}

/// The title: `Title: …` in the answer, else front matter, the source's own `title`, a heading
/// over the source, its first comment. One line of at most 200 characters.
pub(super) fn title(lines: &[&str], source: &str, diagram_type: DiagramType) -> Option<String> {
    let heading = || {
        let before = lines.iter().take_while(|line| {
            !fences::is_fence(line) && !source.starts_with(line.trim_end()) || line.trim().is_empty()
        });
        before
            .filter_map(|line| line.strip_prefix('#'))
            .map(|rest| rest.trim_start_matches('#'))
            .find(|rest| rest.starts_with(' '))
    };
    let found = lines
        .iter()
        .rev()
        .find_map(|line| stated(line))
        .or_else(|| front_matter(source))
        .or_else(|| own(source, diagram_type))
        .or_else(heading)
        .or_else(|| comment(source, diagram_type))?;
    let found = found.trim().trim_matches(['*', '_', '"', '\'', '`', ' ']);
    let title: String = found.chars().filter(|c| !c.is_control()).take(TITLE_CHARS_MAX).collect();
    (!title.is_empty()).then_some(title)
}

fn front_matter(source: &str) -> Option<&str> {
    let mut lines = source.lines();
    if lines.next()?.trim() != "---" {
        return None;
    }
    lines.take(LINES_MAX).take_while(|line| line.trim() != "---").find_map(|line| line.strip_prefix("title:"))
}

/// `title X` of Mermaid and PlantUML, the graph's `label="X"` of DOT.
fn own(source: &str, diagram_type: DiagramType) -> Option<&str> {
    let mut lines = source.lines().take(LINES_MAX).map(str::trim);
    match diagram_type {
        DiagramType::Mermaid | DiagramType::Plantuml => lines.find_map(|line| {
            let line = line
                .strip_prefix("pie ")
                .map_or(line, |rest| rest.trim_start_matches("showData").trim_start());
            let rest = line.strip_prefix("title").or_else(|| line.strip_prefix("accTitle"))?;
            rest.starts_with([' ', ':']).then(|| rest.trim_start_matches([':', ' ']))
        }),
        DiagramType::Graphviz => lines.find_map(|line| {
            let rest = line.strip_prefix("label")?.trim_start().strip_prefix('=')?;
            let rest = rest.trim().trim_end_matches(';').trim();
            rest.strip_prefix('"')?.strip_suffix('"').filter(|title| !title.contains(['"', '\\']))
        }),
        DiagramType::D2 => None,
    }
}

/// The first line, when it is a comment and no directive.
fn comment(source: &str, diagram_type: DiagramType) -> Option<&str> {
    let first = source.lines().find(|line| !line.trim().starts_with("@start"))?.trim();
    let mark = match diagram_type {
        DiagramType::Mermaid => "%%",
        DiagramType::Graphviz => "//",
        DiagramType::Plantuml => "'",
        DiagramType::D2 => "#",
    };
    first
        .strip_prefix(mark)
        .map(|text| text.trim_start_matches("Title:"))
        .filter(|text| !text.starts_with('{'))
}
