//! What is wrong with a source, and where.

use crate::domain::SourceError;

/// Problems reported of one source, and warnings, at most.
pub const PROBLEMS_MAX: usize = 20;

/// A fault or a warning. Line and column are 1-based; the column counts characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line, 1-based.
    pub line: u32,
    /// Column in characters, 1-based.
    pub column: u32,
    /// What could have stood there; empty for a warning.
    pub expected: &'static str,
    /// What is wrong and what to do, in sentences.
    pub message: String,
}

/// The verdict on a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// `graph` or `digraph`: the first graph's kind, when the source begins with one.
    pub kind: Option<&'static str>,
    /// Why it is no DOT, in the order of reading, at most [`PROBLEMS_MAX`]; empty: it is.
    pub errors: Vec<Problem>,
    /// What is legal and hardly meant, at most [`PROBLEMS_MAX`].
    pub warnings: Vec<Problem>,
}

impl Report {
    /// Whether Graphviz reads the source.
    pub fn is_valid(&self) -> bool {
        self.errors.is_empty()
    }
}

impl From<Problem> for SourceError {
    fn from(problem: Problem) -> Self {
        let Problem { line, column, message, .. } = problem;
        Self { line, column, message }
    }
}

/// Line and column of a byte, both 1-based, the column in characters.
pub(super) fn place(source: &str, at: usize) -> (u32, u32) {
    let before = source.get(..at).unwrap_or(source);
    let line = before.bytes().filter(|byte| *byte == b'\n').count();
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
    let one_based = |count: usize| u32::try_from(count.saturating_add(1)).unwrap_or(u32::MAX);
    (one_based(line), one_based(column))
}
