//! Who checks which language in this build.

use std::sync::Arc;

use super::check::{Checker, Drawing};

/// The checker of this build: Mermaid by its own parser when the feature `validate` is on; other
/// languages end unchecked. `drawing` is asked about what the parser accepts.
#[cfg(feature = "validate")]
pub fn built_in(drawing: Option<Arc<dyn Drawing>>) -> Arc<dyn Checker> {
    Arc::new(super::mermaid::Parsers::new(super::mermaid::Settings::default(), drawing))
}

/// The checker of this build: without the feature `validate` everything ends unchecked.
#[cfg(not(feature = "validate"))]
pub fn built_in(_: Option<Arc<dyn Drawing>>) -> Arc<dyn Checker> {
    Arc::new(super::check::Unchecked)
}
