//! `validate` without a server: one source, checked by this program and by what `[render]` names.

use crate::config::Config;
use crate::diagram::check::Purpose;
use crate::domain::DiagramType;

use super::pictures::{Pictures, pictures};

pub use crate::diagram::check::Report;
pub use crate::http::resources::validate::Verdict;

/// The verdict on a source; `None` when nothing here can check its language.
///
/// # Errors
/// What of `[render]` cannot be used.
pub async fn validate_in_process(
    config: &Config,
    diagram_type: DiagramType,
    source: &str,
) -> anyhow::Result<Option<Report>> {
    let Pictures { checker, .. } = pictures(config)?;
    if !checker.knows(diagram_type) {
        return Ok(None);
    }
    // Nothing else is checked here, so there is always room.
    Ok(checker.check(diagram_type, source, Purpose::Generated).await.ok())
}
