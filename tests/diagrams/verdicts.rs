//! Good and bad samples of every diagram type: the verdict, the kind, the words.

use std::collections::BTreeSet;
use std::fmt::Write;

use diagramd::diagram::check::{Checker, Purpose};
use diagramd::domain::{DiagramType, ValidationStatus};

use crate::{check, is_valid, parsers, samples};

/// Every kind that Mermaid 12.3 draws.
const KINDS: [&str; 33] = [
    "agentflow",
    "architecture",
    "block",
    "c4",
    "class",
    "cynefin",
    "er",
    "eventmodeling",
    "flowchart",
    "gantt",
    "gitgraph",
    "info",
    "ishikawa",
    "journey",
    "kanban",
    "mindmap",
    "packet",
    "pie",
    "quadrant",
    "radar",
    "railroad",
    "requirement",
    "sankey",
    "sequence",
    "state",
    "swimlane",
    "timeline",
    "treemap",
    "treeview",
    "usecase",
    "venn",
    "wardley",
    "xychart",
];
/// Whose grammar takes any text.
const WITHOUT_BAD: [&str; 1] = ["ishikawa"];

#[tokio::test]
async fn good_samples_of_every_kind_are_valid() {
    let parsers = parsers();
    let mut seen = BTreeSet::new();
    for sample in samples::of("good") {
        let report = check(&parsers, &sample.source).await;
        assert!(is_valid(&report), "{}: {report:?}", sample.name);
        assert!(report.validation.errors.is_empty(), "{}: {report:?}", sample.name);
        let kind = report.kind.unwrap();
        assert_eq!(Some(kind.as_str()), sample.name.split('-').next());
        seen.insert(kind);
    }
    let missing: Vec<_> = KINDS.iter().filter(|kind| !seen.contains(**kind)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[tokio::test]
async fn bad_samples_of_every_kind_are_refused_in_words_that_help() {
    let parsers = parsers();
    let (mut told, mut seen) = (String::new(), BTreeSet::new());
    for sample in samples::of("bad") {
        let report = check(&parsers, &sample.source).await;
        assert_eq!(report.validation.status, ValidationStatus::Invalid, "{}", sample.name);
        writeln!(told, "{} ({})", sample.name, report.kind.as_deref().unwrap_or("-")).unwrap();
        for error in &report.validation.errors {
            writeln!(told, "  {}:{} {}", error.line, error.column, error.message).unwrap();
            assert!(
                !error.message.contains("undefined") && error.message.ends_with(['.', '?', '!']),
                "{told}"
            );
        }
        seen.extend(report.kind);
    }
    let missing: Vec<_> = KINDS.iter().filter(|kind| !seen.contains(**kind)).copied().collect();
    assert_eq!(missing, WITHOUT_BAD);
    insta::assert_snapshot!("bad_samples", told);
}

#[tokio::test]
async fn other_languages_get_no_verdict() {
    let parsers = parsers();
    for other in [DiagramType::Graphviz, DiagramType::Plantuml, DiagramType::D2] {
        assert!(!parsers.knows(other));
        let report = parsers.check(other, "digraph { a -> b }", Purpose::Generated).await.unwrap();
        assert_eq!(report.validation.status, ValidationStatus::Unchecked);
    }
    assert!(parsers.children().borrow().is_empty(), "no process is made for them");
}

#[tokio::test]
async fn one_source_has_no_word_in_the_verdict_on_the_next() {
    let parsers = parsers();
    let (good, bad) = (samples::of("good"), samples::of("bad"));
    for (good, bad) in good.iter().zip(bad.iter().cycle()) {
        assert!(!is_valid(&check(&parsers, &bad.source).await), "{} after good ones", bad.name);
        assert!(is_valid(&check(&parsers, &good.source).await), "{} after {}", good.name, bad.name);
    }
    // Settings of one source do not outlive it either.
    let wide = "%%{init: {\"maxTextSize\": 1, \"flowchart\": {\"defaultRenderer\": \"elk\"}}}%%\nflowchart TD\n a-->b";
    assert_eq!(check(&parsers, wide).await.kind.as_deref(), Some("flowchart"));
    assert!(is_valid(&check(&parsers, "flowchart TD\n a-->b").await));
}
