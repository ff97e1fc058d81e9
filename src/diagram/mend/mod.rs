//! Mends of what models get wrong in Mermaid, without asking a model again.
//!
//! Called by whatever checks a draft, after the parser has refused it. Every mend is a pure
//! function from a source to another one; nothing here knows whether a source is right: the caller
//! says so, and only what it accepts comes out. A source that is accepted as it stands is never
//! handed in, and never changed.
//!
//! Mends are tried cheapest first, each on top of the ones before; once the parser accepts, those
//! that turn out to be needless are taken back, so that as little as possible is changed. No more
//! than [`CANDIDATES_MAX`] candidates are shown to the parser.

use std::future::Future;

use crate::domain::DiagramType;

mod blocks;
mod classes;
mod entities;
mod flow;
mod header;
mod labels;
mod lists;
mod messages;
mod names;
mod search;
mod source;
mod states;
mod wrapping;

#[cfg(test)]
mod tests;

pub use search::CANDIDATES_MAX;
use search::Search;

/// Bytes of a source that is mended; a longer one is left to the model.
pub const SOURCE_BYTES_MAX: usize = 50_000;

/// Whether anything is known of what models get wrong in this language.
pub(super) fn mends(diagram_type: DiagramType) -> bool {
    diagram_type == DiagramType::Mermaid
}

/// A mended source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mended {
    /// What the caller's parser accepts.
    pub source: String,
    /// What was done, each as a clause for people: "put labels in quotes".
    pub what: Vec<&'static str>,
}

/// Mends `source` until `accepts` holds; `None` when no candidate is accepted. `accepts` is asked
/// about [`CANDIDATES_MAX`] candidates at most, never about `source` itself.
pub fn mend(source: &str, mut accepts: impl FnMut(&str) -> bool) -> Option<Mended> {
    let mut search = Search::new(source)?;
    while let Some(candidate) = search.candidate() {
        let accepted = accepts(candidate);
        search.answer(accepted);
    }
    search.found()
}

/// [`mend`] with a parser that is awaited, and that may know nothing: then no more is tried, and
/// what was accepted before is the mend.
pub async fn mend_with<F, Asked>(source: &str, mut accepts: F) -> Option<Mended>
where
    F: FnMut(String) -> Asked,
    Asked: Future<Output = Option<bool>>,
{
    let mut search = Search::new(source)?;
    while let Some(candidate) = search.candidate() {
        let Some(accepted) = accepts(candidate.to_owned()).await else { break };
        search.answer(accepted);
    }
    search.found()
}
