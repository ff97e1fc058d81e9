//! The verdict on a source: the one seam for validation and repair.

use crate::domain::{DiagramType, SourceError, Validation, ValidationStatus};

use super::extract::Draft;

/// Checks sources.
pub trait Checker: Send + Sync {
    /// The verdict on `source`.
    fn check(&self, diagram_type: DiagramType, source: &str) -> Validation;
}

/// Checks nothing, and says so.
#[derive(Clone, Copy, Debug)]
pub struct Unchecked;

impl Checker for Unchecked {
    fn check(&self, _: DiagramType, _: &str) -> Validation {
        Validation::unchecked()
    }
}

/// The verdict on a draft; one that `max_tokens` cut off is never valid, whatever a parser says.
pub fn verdict(
    checker: &dyn Checker,
    diagram_type: DiagramType,
    draft: &Draft,
    cut_off: Option<u32>,
) -> Validation {
    let Some(max_tokens) = cut_off else { return checker.check(diagram_type, &draft.source) };
    let lines = draft.source.lines().count().max(1);
    let column = draft.source.lines().last().map_or(0, |line| line.chars().count()) + 1;
    let error = SourceError {
        line: u32::try_from(lines).unwrap_or(u32::MAX),
        column: u32::try_from(column).unwrap_or(u32::MAX),
        message: format!(
            "The answer was cut off at {max_tokens} tokens. Ask with a larger maxTokens, or for a smaller diagram."
        ),
    };
    Validation { status: ValidationStatus::Invalid, errors: vec![error] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_off_answer_is_never_valid() {
        let draft = Draft { source: "flowchart TD\n A -->".into(), title: None };
        let whole = verdict(&Unchecked, DiagramType::Mermaid, &draft, None);
        assert_eq!(whole.status, ValidationStatus::Unchecked);
        let cut = verdict(&Unchecked, DiagramType::Mermaid, &draft, Some(64));
        assert_eq!(cut.status, ValidationStatus::Invalid);
        assert_eq!((cut.errors[0].line, cut.errors[0].column), (2, 7), "after what there is");
        assert!(cut.errors[0].message.contains("64 tokens"));
    }
}
