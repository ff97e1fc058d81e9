//! The life of contexts: made when needed, rebuilt when broken, gone after a rest.

use std::sync::Arc;
use std::time::Duration;

use diagramd::diagram::check::{Busy, Checker, Drawing, Purpose};
use diagramd::diagram::mermaid::{Parsers, Settings};
use diagramd::domain::{DiagramType, SourceError, ValidationStatus};

use crate::{check, is_valid, parsers};

const GOOD: &str = "flowchart TD\n a --> b";

/// A flowchart whose label takes the lexer far longer than any test: see `hostile`.
pub fn endless() -> String {
    let edges: Vec<String> = (0..1500).map(|at| format!("n{at} --> m{at} & k{at}")).collect();
    format!("flowchart TD\n{}", edges.join("\n"))
}

fn hasty(threads: usize) -> Parsers {
    Parsers::new(Settings { threads, deadline: Duration::from_millis(200), ..Settings::default() }, None)
}

#[tokio::test]
async fn the_first_source_makes_a_context_and_a_rest_ends_it() {
    let parsers = Parsers::new(Settings { rest: Duration::from_millis(30), ..Settings::default() }, None);
    let mut contexts = parsers.contexts();
    assert_eq!(*contexts.borrow_and_update(), 0);
    assert!(is_valid(&check(&parsers, GOOD).await));
    contexts.wait_for(|living| *living == 0).await.unwrap();
    assert!(is_valid(&check(&parsers, GOOD).await), "and the next one makes another");
}

#[tokio::test]
async fn an_expected_source_finds_its_context_made() {
    let parsers = Parsers::new(Settings { threads: 1, ..Settings::default() }, None);
    parsers.expect(DiagramType::D2);
    assert_eq!(*parsers.contexts().borrow(), 0, "nothing here checks D2");
    parsers.expect(DiagramType::Mermaid);
    parsers.contexts().wait_for(|living| *living == 1).await.unwrap();
    assert!(is_valid(&check(&parsers, GOOD).await));
    assert_eq!(*parsers.contexts().borrow(), 1);
}

#[tokio::test]
async fn an_interrupted_context_is_thrown_away_and_the_next_source_gets_its_verdict() {
    let parsers = hasty(1);
    let report = check(&parsers, &endless()).await;
    assert_eq!(report.validation.status, ValidationStatus::Unchecked);
    assert!(report.validation.errors[0].message.contains("longer than 0.2 seconds"), "{report:?}");
    parsers.contexts().wait_for(|living| *living == 0).await.unwrap();
    // The same thread goes on, with a context of its own making.
    parsers.expect(DiagramType::Mermaid);
    parsers.contexts().wait_for(|living| *living == 1).await.unwrap();
    assert_eq!(check(&parsers, "error").await.validation.status, ValidationStatus::Invalid);
}

/// The interpreter may end the whole process when a context that was interrupted is freed.
#[tokio::test]
async fn checks_that_are_broken_off_again_and_again_end_nothing_else() {
    let parsers = hasty(1);
    for _ in 0..12 {
        let report = check(&parsers, &endless()).await;
        assert_eq!(report.validation.status, ValidationStatus::Unchecked);
        parsers.contexts().wait_for(|living| *living == 0).await.unwrap();
    }
    drop(parsers);
    assert!(is_valid(&check(&crate::parsers(), GOOD).await));
}

#[tokio::test]
async fn a_context_that_failed_inside_is_not_used_again() {
    let parsers = parsers();
    let crash = "timeline\n    : lost event\n";
    let report = check(&parsers, crash).await;
    assert!(report.validation.errors[0].message.starts_with("Mermaid fails"), "{report:?}");
    assert_eq!(*parsers.contexts().borrow(), 0);
    assert!(is_valid(&check(&parsers, "timeline\n 2025 : an event").await));
}

#[tokio::test]
async fn as_many_contexts_as_there_is_work_for_and_no_more() {
    let parsers = Arc::new(Parsers::new(Settings { threads: 2, ..Settings::default() }, None));
    let checks: Vec<_> = (0..20)
        .map(|_| {
            let parsers = Arc::clone(&parsers);
            tokio::spawn(async move { check(&parsers, GOOD).await })
        })
        .collect();
    for checked in checks {
        assert!(is_valid(&checked.await.unwrap()));
    }
    assert!((1..=2).contains(&*parsers.contexts().borrow()));
}

#[tokio::test]
async fn a_slow_source_delays_no_other() {
    let settings = Settings { threads: 2, deadline: Duration::from_secs(3), ..Settings::default() };
    let parsers = Arc::new(Parsers::new(settings, None));
    // Both contexts are there, so that only the slow source is slow.
    tokio::join!(check(&parsers, GOOD), check(&parsers, GOOD));
    let slow = tokio::spawn({
        let parsers = Arc::clone(&parsers);
        async move { check(&parsers, &crate::hostile::slow()).await }
    });
    tokio::task::yield_now().await;
    for _ in 0..5 {
        assert!(is_valid(&check(&parsers, GOOD).await));
    }
    assert!(!slow.is_finished(), "five verdicts came while the slow source was at work");
    assert_ne!(slow.await.unwrap().validation.status, ValidationStatus::Valid);
}

#[tokio::test]
async fn callers_are_refused_when_too_much_of_theirs_waits_and_generated_sources_are_not() {
    let parsers = Arc::new(parsers());
    let ask = |caller| {
        let parsers = Arc::clone(&parsers);
        async move { parsers.check(DiagramType::Mermaid, GOOD, Purpose::Asked(caller)).await }
    };
    let asked = futures_util::future::join_all((0..40).map(|_| ask(1)));
    let (one, generated, other) = tokio::join!(asked, check(&parsers, GOOD), ask(2));
    let refused = one.iter().filter(|answer| **answer == Err(Busy)).count();
    assert_eq!(refused, 24, "sixteen of one caller wait");
    assert!(is_valid(&generated) && is_valid(&other.unwrap()), "others are served");
    assert!(ask(1).await.is_ok(), "and room comes back");
}

#[tokio::test]
async fn a_source_whose_caller_went_away_is_not_parsed() {
    let parsers = parsers();
    {
        let gone = parsers.check(DiagramType::Mermaid, GOOD, Purpose::Generated);
        // Polled once, so that it is in the queue, and dropped.
        assert!(futures_util::FutureExt::now_or_never(gone).is_none());
    }
    assert!(is_valid(&check(&parsers, GOOD).await));
}

/// Says no to one source.
struct Fussy;

impl Drawing for Fussy {
    fn draws(&self, source: &str) -> Result<(), Vec<SourceError>> {
        assert!(!source.contains("panic"), "as asked");
        if source.contains("2026") {
            return Ok(());
        }
        Err(vec![SourceError { line: 2, column: 0, message: "No year here.".into() }])
    }
}

#[tokio::test]
async fn a_second_opinion_is_asked_of_the_kinds_it_decides_and_of_what_parses() {
    let parsers = Parsers::new(Settings { threads: 1, ..Settings::default() }, Some(Arc::new(Fussy)));
    let drawn = check(&parsers, "gantt\n Task :2026-01-01, 1d").await;
    assert!(is_valid(&drawn), "{drawn:?}");
    let refused = check(&parsers, "gantt\n Task :2025-01-01, 1d").await;
    assert_eq!(refused.validation.errors[0].message, "No year here.");
    assert_eq!(
        (refused.kind.as_deref(), refused.validation.status),
        (Some("gantt"), ValidationStatus::Invalid)
    );
    assert!(is_valid(&check(&parsers, GOOD).await), "flowcharts are the parser's alone");
    let parses_not = check(&parsers, "gantt\n nonsense").await;
    assert_ne!(parses_not.validation.errors[0].message, "No year here.");
    let panicked = check(&parsers, "gantt\n panic :2025-01-01, 1d").await;
    assert_eq!(
        panicked.validation.status,
        ValidationStatus::Unchecked,
        "a renderer that panics is no verdict"
    );
    assert!(is_valid(&check(&parsers, "gantt\n Task :2026-01-01, 1d").await), "and breaks nothing");
}
