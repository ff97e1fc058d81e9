//! `validate` without a server: one source, checked in this process.

use crate::diagram::check::Purpose;
use crate::diagram::checkers;
use crate::domain::DiagramType;

pub use crate::diagram::check::Report;

/// The verdict on a source; `None` when this build cannot check its language.
pub async fn validate_in_process(diagram_type: DiagramType, source: &str) -> Option<Report> {
    let checker = checkers::built_in(None);
    if !checker.knows(diagram_type) {
        return None;
    }
    checker.check(diagram_type, source, Purpose::Generated).await.ok()
}
