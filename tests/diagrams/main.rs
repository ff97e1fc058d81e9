//! Verdicts on diagrams, by the parser in this process: samples of every type, places, limits.

#![cfg(feature = "validate")]
// A test that cannot go on fails where it stands.
#![allow(clippy::unwrap_used)]

mod contexts;
mod drafts;
#[cfg(feature = "render")]
mod drawing;
#[cfg(feature = "render")]
mod harmless;
mod hostile;
mod mends;
mod places;
mod samples;
mod verdicts;
mod wording;

use diagramd::diagram::check::{Checker, Purpose, Report};
use diagramd::diagram::mermaid::{Parsers, Settings};
use diagramd::domain::{DiagramType, SourceError, ValidationStatus};

/// One context is enough for a test that asks one thing after the other.
fn parsers() -> Parsers {
    Parsers::new(Settings { threads: 1, ..Settings::default() }, None)
}

async fn check(parsers: &Parsers, source: &str) -> Report {
    parsers.check(DiagramType::Mermaid, source, Purpose::Generated).await.unwrap()
}

fn is_valid(report: &Report) -> bool {
    report.validation.status == ValidationStatus::Valid
}

/// The first fault of a source that must have one.
async fn fault(parsers: &Parsers, source: &str) -> SourceError {
    let report = check(parsers, source).await;
    assert_eq!(report.validation.status, ValidationStatus::Invalid, "{source}");
    report.validation.errors[0].clone()
}
