//! Mends with the parser behind them: what they make is accepted, and what is accepted needs none.

use std::fmt::Write;

use diagramd::diagram::check;
use diagramd::domain::DiagramType;

use crate::{check, is_valid, parsers, samples};

/// What models get wrong, and the mends it takes.
const MISTAKES: &[(&str, &[&str])] = &[
    ("flowchart TD\n  A[call f(x)] --> B", &["put labels in quotes"]),
    ("flowchart TD\n  A[say \"hi\" now] --> B", &["put labels in quotes"]),
    ("flowchart TD\n  A -->|yes (ok)| B", &["put labels in quotes"]),
    ("flowchart TD\n  A -> B", &["mended the arrows"]),
    ("flowchart TD\n  A → B", &["wrote arrows in ASCII"]),
    ("flowchart TD\n  A --> end", &["renamed reserved ids"]),
    ("flowchart TD\n  subgraph s\n  A --> B", &["closed open blocks"]),
    ("flowchart TD\n  A --> B\n  style A", &["left out bare style lines"]),
    ("flowchart TD\n  my node --> B", &["gave names with blanks an id"]),
    ("flowchart TD\n  A --> B: yes", &["put edge labels between bars"]),
    ("sequencediagram\n  A->>B: x", &["spelled the first line right"]),
    ("sequenceDiagram\n  A->>B: x\n  alt y\n  B->>A: z", &["closed open blocks"]),
    ("sequenceDiagram\n  A => B: z", &["mended the messages"]),
    ("A --> B\nB --> C", &["added the missing first line"]),
    ("```mermaid\nflowchart TD\n  A --> B\n```", &["took the code fences out"]),
    ("Here you are:\nflowchart TD\n  A --> B", &["took out text before the diagram"]),
];

#[tokio::test]
async fn what_models_get_wrong_is_mended_into_what_the_parser_takes() {
    let parsers = parsers();
    let mut told = String::new();
    for (source, what) in MISTAKES {
        if is_valid(&check(&parsers, source).await) {
            writeln!(told, "needs no mend: {source:?}").unwrap();
            continue;
        }
        let Some(mended) = check::mended(&parsers, DiagramType::Mermaid, source).await else {
            writeln!(told, "not mended: {source:?}").unwrap();
            continue;
        };
        assert!(is_valid(&check(&parsers, &mended.source).await), "{}", mended.source);
        if mended.what != *what {
            writeln!(told, "{source:?} by {:?}: {:?}", mended.what, mended.source).unwrap();
        }
    }
    assert!(told.is_empty(), "{told}");
}

#[tokio::test]
async fn samples_that_are_mended_are_valid_and_change_little() {
    let parsers = parsers();
    let mut told = String::new();
    for sample in samples::of("bad") {
        let Some(mended) = check::mended(&parsers, DiagramType::Mermaid, &sample.source).await else {
            continue;
        };
        assert!(is_valid(&check(&parsers, &mended.source).await), "{}: {}", sample.name, mended.source);
        writeln!(told, "{}: {}", sample.name, mended.what.join(", ")).unwrap();
        mended.source.lines().for_each(|line| writeln!(told, "    {line}").unwrap());
    }
    insta::assert_snapshot!("mended_samples", told);
}

#[tokio::test]
async fn other_languages_have_no_mends() {
    let parsers = parsers();
    assert_eq!(check::mended(&parsers, DiagramType::Graphviz, "graph { a -> b }").await, None);
}
