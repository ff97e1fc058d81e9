//! Verdicts on diagrams, by Mermaid's parser: samples of every type, places, limits.

#![cfg(feature = "validate")]
// A test that cannot go on fails where it stands.
#![allow(clippy::unwrap_used)]

mod children;
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

use std::path::Path;

use diagramd::diagram::check::{Checker, Purpose, Report};
use diagramd::diagram::mermaid::{Parsers, Settings};
use diagramd::domain::{DiagramType, SourceError, ValidationStatus};

/// The program whose processes hold the parser.
fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_diagramd"))
}

/// One process is enough for a test that asks one thing after the other.
fn parsers() -> Parsers {
    with(Settings { threads: 1, ..Settings::default() })
}

fn with(settings: Settings) -> Parsers {
    Parsers::new(settings, program(), None)
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
