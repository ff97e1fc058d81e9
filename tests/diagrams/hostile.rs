//! Sources that mean harm: bounded time and memory, a truthful verdict, and the next source is
//! checked as if nothing had been.

use std::time::{Duration, Instant};

use diagramd::diagram::check::Report;
use diagramd::diagram::mermaid::{Parsers, Settings};
use diagramd::domain::ValidationStatus;

use crate::{check, is_valid};

/// The deadline, the start of the next process, and a slow machine.
const LONGEST: Duration = Duration::from_secs(10);

/// Takes the parser longer than its deadline, within every limit of size.
pub fn slow() -> String {
    let edges: Vec<String> = (0..60).map(|at| format!("a{at}")).collect();
    let side = edges.join(" & ");
    let rows = vec![format!("{side} --> {side}"); 40];
    format!("flowchart TD\n{}", rows.join("\n"))
}

/// So many lists in YAML, each of which is ten times the one before.
pub fn anchors(levels: usize) -> String {
    let mut anchors = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..levels {
        let uses = vec![format!("*a{}", level - 1); 10].join(", ");
        anchors.push_str(&format!("a{level}: &a{level} [{uses}]\n"));
    }
    anchors
}

fn parsers() -> Parsers {
    crate::with(Settings { threads: 1, deadline: Duration::from_secs(1), ..Settings::default() })
}

async fn survives(parsers: &Parsers, what: &str, source: String) -> Report {
    let begin = Instant::now();
    let report = check(parsers, &source).await;
    assert!(begin.elapsed() < LONGEST, "{what} took {:?}", begin.elapsed());
    for error in &report.validation.errors {
        assert!(error.message.chars().count() < 600, "{what}: {error:?}");
    }
    let next = check(parsers, "flowchart TD\n a --> b").await;
    assert!(is_valid(&next), "after {what}: {next:?}");
    report
}

fn refused(what: &str, report: &Report) {
    assert_ne!(report.validation.status, ValidationStatus::Valid, "{what}");
    assert!(!report.validation.errors.is_empty(), "{what}");
}

#[tokio::test]
async fn what_is_too_large_is_refused_at_once() {
    let parsers = parsers();
    for (what, source) in [
        ("a million lines", "\n".repeat(1_000_000)),
        ("a flowchart of a million lines", format!("flowchart TD\n{}", "a-->b\n".repeat(1_000_000))),
        ("a label of a megabyte", format!("flowchart TD\na[{}]", "x".repeat(1 << 20))),
        ("2,001 lines", format!("flowchart TD{}", "\na-->b".repeat(2_000))),
    ] {
        let begin = Instant::now();
        refused(what, &check(&parsers, &source).await);
        assert!(begin.elapsed() < Duration::from_secs(1), "{what}");
        assert!(parsers.children().borrow().is_empty(), "{what} meets no process");
    }
}

#[tokio::test]
async fn two_thousand_nodes_on_either_side() {
    let parsers = parsers();
    let side = (0..2_000).map(|at| format!("n{at}")).collect::<Vec<_>>().join(" & ");
    let report = survives(&parsers, "2,000 x 2,000 edges", format!("flowchart TD\n{side} --> {side}")).await;
    refused("2,000 x 2,000 edges", &report);
    survives(&parsers, "many edges", slow()).await;
}

#[tokio::test]
async fn deep_nesting() {
    let parsers = parsers();
    for (what, source) in [
        ("subgraphs", format!("flowchart TD\n{}", "subgraph a\n".repeat(1_900))),
        (
            "closed subgraphs",
            format!("flowchart TD\n{}a\n{}", "subgraph a\n".repeat(900), "end\n".repeat(900)),
        ),
        ("states", format!("stateDiagram-v2\n{}", "state a {\n".repeat(1_900))),
        ("brackets", format!("flowchart TD\na{}", "[".repeat(40_000))),
        (
            "mindmap",
            format!("mindmap\n{}", (0..300).map(|at| format!("{}n\n", " ".repeat(at))).collect::<String>()),
        ),
        ("groups of a rule", format!("railroad-ebnf-beta\na = {}", "(".repeat(40_000))),
        ("yaml lists", format!("---\nconfig: {}\n---\nflowchart TD\na-->b", "[".repeat(40_000))),
        ("json in a directive", format!("%%{{init: {}}}%%\nflowchart TD\na-->b", "[".repeat(40_000))),
        ("alternatives", format!("sequenceDiagram\n{}", "alt a\n".repeat(1_900))),
    ] {
        survives(&parsers, what, source).await;
    }
}

#[tokio::test]
async fn yaml_bombs() {
    let parsers = parsers();
    let anchors = anchors(12);
    survives(&parsers, "billion laughs", format!("---\n{anchors}title: *a11\n---\nflowchart TD\n a-->b"))
        .await;
    survives(
        &parsers,
        "billion laughs in settings",
        format!("---\n{anchors}config: *a11\n---\nflowchart TD\n a-->b"),
    )
    .await;
    survives(&parsers, "a cycle", "---\nconfig: &a\n  b: *a\n---\nflowchart TD\n a-->b".to_owned()).await;
    survives(
        &parsers,
        "a huge number of keys",
        format!("---\nconfig: {{{}}}\n---\npie", "a: 1, ".repeat(7_000)),
    )
    .await;
}

#[tokio::test]
async fn what_every_object_inherits_stays_as_it_is() {
    let parsers = parsers();
    for source in [
        "---\nconfig:\n  __proto__:\n    polluted: yes\n---\nflowchart TD\n a-->b",
        "%%{init: {\"__proto__\": {\"polluted\": true}}}%%\nflowchart TD\n a-->b",
        "%%{init: {\"constructor\": {\"prototype\": {\"toString\": 1}}}}%%\nflowchart TD\n a-->b",
        "flowchart TD\n __proto__ --> constructor\n toString --> hasOwnProperty",
        "classDiagram\n class __proto__\n __proto__ : +x",
        "sequenceDiagram\n participant __proto__\n __proto__->>constructor: x",
        "erDiagram\n __proto__ ||--o{ constructor : x",
    ] {
        let before = check(&parsers, "pie\n \"a\" : 1").await;
        check(&parsers, source).await;
        assert_eq!(check(&parsers, "pie\n \"a\" : 1").await, before, "after {source}");
        assert!(is_valid(&check(&parsers, "flowchart TD\n a --> b").await), "after {source}");
    }
}

#[tokio::test]
async fn texts_that_make_lexers_walk_back() {
    let parsers = parsers();
    for (what, source) in [
        ("spaces", format!("flowchart TD\na{}b", " ".repeat(49_000))),
        ("dashes", format!("flowchart TD\na {}", "-".repeat(49_000))),
        ("percent signs", "%".repeat(49_000)),
        ("open directives", "%%{a ".repeat(9_000)),
        ("angle brackets", format!("flowchart TD\n a[{}", "<a ".repeat(16_000))),
        ("front matter fences", "---\n".repeat(1_900)),
        ("front matter and spaces", format!("---{}\n---", " ".repeat(49_000))),
        ("quotes", format!("flowchart TD\n a[\"{}", "\"".repeat(49_000))),
        ("style lines", format!("flowchart TD\nstyle {}", "style :#".repeat(6_000))),
        ("entities", "#a".repeat(24_000)),
        ("colons in a journey", format!("journey\n{}", ":".repeat(49_000))),
        ("a gantt of long ago", "gantt\n dateFormat YYYY\n a :0001, 999999999y".to_owned()),
        ("excluded days", "gantt\n excludes monday,tuesday,wednesday,thursday,friday,saturday,sunday\n a :2026-01-01, 90000d".to_owned()),
        ("packet of a million bits", "packet\n 0-99999999: \"x\"".to_owned()),
        ("columns without end", "block\n columns 999999999\n a:999999999".to_owned()),
        ("nul and controls", "flowchart TD\n a[\u{0}\u{1}\u{1b}[2J] --> b".to_owned()),
        ("half of a pair", "flowchart TD\n a[\u{fffd}\u{10ffff}] --> b".to_owned()),
        ("nothing", String::new()),
    ] {
        survives(&parsers, what, source).await;
    }
}
