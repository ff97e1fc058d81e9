//! A source as the mends see it: what comes before the diagram, its first line, its body.

use crate::diagram::kind::Kind;

/// A source, read line by line.
pub(super) struct Source<'s> {
    pub(super) text: &'s str,
    pub(super) lines: Vec<&'s str>,
    /// The line of the diagram's keyword.
    pub(super) header: Option<usize>,
    pub(super) kind: Option<Kind>,
}

impl<'s> Source<'s> {
    pub(super) fn read(text: &'s str) -> Self {
        let lines: Vec<&str> = text.lines().collect();
        let from = front_matter_end(&lines).unwrap_or(0);
        let header = (from..lines.len()).find(|at| is_header(lines[*at]));
        let kind = header.and_then(|at| keyword(lines[at]));
        Self { text, lines, header, kind }
    }

    pub(super) fn is(&self, kind: Kind) -> bool {
        self.kind == Some(kind)
    }

    /// The lines of the body, comments aside, each replaced by what `change` gives: `None` leaves a
    /// line as it is, an empty list takes it out. `None` when nothing was changed.
    pub(super) fn change_body(
        &self,
        mut change: impl FnMut(&'s str) -> Option<Vec<String>>,
    ) -> Option<String> {
        let header = self.header?;
        let mut changed = false;
        let mut out: Vec<String> = Vec::with_capacity(self.lines.len());
        for (at, line) in self.lines.iter().enumerate() {
            let is_body = at > header && !line.trim_start().starts_with("%%") && !line.trim().is_empty();
            match is_body.then(|| change(line)).flatten() {
                Some(lines) => {
                    changed = true;
                    out.extend(lines);
                }
                None => out.push((*line).to_owned()),
            }
        }
        changed.then(|| joined(&out))
    }

    /// [`Source::change_body`] of one line to one line; equal lines are no change.
    pub(super) fn map_body(&self, mut change: impl FnMut(&'s str) -> String) -> Option<String> {
        self.change_body(|line| {
            let mapped = change(line);
            (mapped != line).then(|| vec![mapped])
        })
    }

    /// The lines behind the first one of the diagram.
    pub(super) fn body(&self) -> impl Iterator<Item = &'s str> {
        let from = self.header.map_or(self.lines.len(), |at| at + 1);
        self.lines[from..].iter().copied().filter(|line| !line.trim_start().starts_with("%%"))
    }
}

/// Lines as a source.
pub(super) fn joined<S: AsRef<str>>(lines: &[S]) -> String {
    let mut out = String::new();
    for line in lines {
        out.push_str(line.as_ref());
        out.push('\n');
    }
    out
}

/// Keywords of kinds that nothing here mends.
const OTHERS: [&str; 17] = [
    "info",
    "zenuml",
    "treemap",
    "treemap-beta",
    "radar",
    "radar-beta",
    "venn",
    "venn-beta",
    "wardley",
    "wardley-beta",
    "ishikawa",
    "ishikawa-beta",
    "treeView",
    "treeView-beta",
    "railroad",
    "eventmodeling",
    "cynefin",
];

/// Whether a line begins a diagram: its first word is a keyword, spelled exactly.
fn is_header(line: &str) -> bool {
    let word = line.trim_start().split([' ', '\t', ':', ';']).next().unwrap_or_default();
    keyword(line).is_some() || OTHERS.contains(&word) && line.split_whitespace().count() < 3
}

/// The kind that a line begins when its first word is a keyword, spelled exactly.
pub(super) fn keyword(line: &str) -> Option<Kind> {
    let word = line.trim_start().split([' ', '\t', ':', ';']).next()?;
    // A word that a sentence may begin with.
    let alone = matches!(word, "block" | "packet" | "requirement" | "graph" | "info");
    let rest = line.trim_start()[word.len()..].trim();
    let is_prose = alone && rest.split_whitespace().count() > 2;
    Kind::of_keyword(word).filter(|_| !is_prose)
}

/// The line behind the front matter's closing fence.
pub(super) fn front_matter_end(lines: &[&str]) -> Option<usize> {
    let first = lines.iter().position(|line| !line.trim().is_empty())?;
    if lines[first].trim() != "---" {
        return None;
    }
    lines[first + 1..].iter().position(|line| line.trim() == "---").map(|at| first + at + 2)
}

/// The blanks a line begins with.
pub(super) fn indent(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

/// The parts of a line outside of double quotes, changed; the others as they are.
pub(super) fn outside_quotes(line: &str, mut change: impl FnMut(&str) -> String) -> String {
    let mut out = String::with_capacity(line.len());
    for (at, part) in line.split('"').enumerate() {
        if at > 0 {
            out.push('"');
        }
        if at % 2 == 0 {
            out.push_str(&change(part));
        } else {
            out.push_str(part);
        }
    }
    out
}
