//! `validate` without a server: one source, checked by this program.

use crate::diagram::check::Purpose;
use crate::diagram::checkers;
use crate::diagram::draw::{Settings, Studio};
use crate::domain::DiagramType;

use super::program::own_program;

pub use crate::diagram::check::Report;
pub use crate::http::resources::validate::Verdict;

/// The verdict on a source; `None` when this build cannot check its language.
pub async fn validate_in_process(diagram_type: DiagramType, source: &str) -> Option<Report> {
    // Some kinds are valid only when they draw; fonts do not matter to that.
    let studio = Studio::new(Settings::default(), None);
    let checker = checkers::built_in(&own_program(), studio.second_opinion());
    if !checker.knows(diagram_type) {
        return None;
    }
    checker.check(diagram_type, source, Purpose::Generated).await.ok()
}
