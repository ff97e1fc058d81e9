//! Lines and columns are those of the text as it was given, whatever Mermaid strips before it
//! parses.

use crate::{fault, parsers};

/// A flowchart whose fault stands under the third `{`.
const BODY: &str = "flowchart TD\n  a --> b{{{x\n";
/// Where, when nothing stands before it.
const PLACE: (u32, u32) = (2, 12);

#[tokio::test]
async fn what_is_stripped_before_the_diagram_is_counted() {
    let parsers = parsers();
    for (what, before, lines) in [
        ("nothing", "", 0),
        ("blank lines", "\n  \n\n", 3),
        ("a comment", "%% one\n", 1),
        ("comments and blank lines", "\n%% one\n\n   %% two\n", 4),
        ("front matter", "---\ntitle: x\n---\n", 3),
        ("front matter and blank lines behind it", "---\ntitle: x\n---\n\n\n", 5),
        ("front matter and a comment", "---\ntitle: x\nconfig:\n  theme: dark\n---\n%% c\n", 6),
        ("a directive", "%%{init: {\"theme\": \"dark\"}}%%\n", 1),
        ("a directive of several lines", "%%{\n  init: {\n    \"theme\": \"dark\"\n  }\n}%%\n", 5),
        ("a directive behind front matter", "---\ntitle: x\n---\n%%{init: {}}%%\n%% c\n", 5),
    ] {
        let error = fault(&parsers, &format!("{before}{BODY}")).await;
        let expected = (PLACE.0 + lines, PLACE.1);
        assert_eq!((error.line, error.column), expected, "{what}: {}", error.message);
    }
}

#[tokio::test]
async fn what_is_stripped_inside_the_diagram_is_counted() {
    let parsers = parsers();
    for (what, middle, lines) in [
        ("a comment", "%% one\n", 1),
        ("an indented comment", "    %% one\n\n%% two\n", 3),
        ("a directive", "%%{init: {\"theme\": \"dark\"}}%%\n", 1),
        ("a directive of several lines", "  %%{wrap\n}%%\n", 2),
        ("blank lines", "\n\n\n", 3),
        ("lines with entities and styles", "  x[\"#quot;a#35;\"]\n  style x fill:#fff;\n", 2),
    ] {
        let source = BODY.replacen('\n', &format!("\n{middle}"), 1);
        let error = fault(&parsers, &source).await;
        let expected = (PLACE.0 + lines, PLACE.1);
        assert_eq!((error.line, error.column), expected, "{what}: {}", error.message);
    }
}

#[tokio::test]
async fn line_ends_of_every_kind_are_one_line_each() {
    let parsers = parsers();
    for end in ["\n", "\r\n", "\r"] {
        let source = format!("%% one\n{BODY}").replace('\n', end);
        let error = fault(&parsers, &source).await;
        assert_eq!((error.line, error.column), (3, PLACE.1), "{end:?}");
    }
}

#[tokio::test]
async fn columns_count_characters_of_the_text_as_given() {
    let parsers = parsers();
    for (what, source, column) in [
        ("an emoji is one", "flowchart TD\n  a[\"😀😀\"] --> b{{{x\n", 18),
        ("entities are as long as they are written", "flowchart TD\n  a[\"#quot;\"] --> b{{{x\n", 22),
        ("attributes in double quotes", "flowchart TD\n  a[<b id=\"x\">y</b>] --> b{{{x\n", 29),
        ("a tab is one", "flowchart TD\n\ta --> b{{{x\n", 11),
    ] {
        let error = fault(&parsers, source).await;
        assert_eq!((error.line, error.column), (2, column), "{what}: {}", error.message);
    }
}

#[tokio::test]
async fn the_other_family_of_parsers_counts_the_same() {
    let parsers = parsers();
    for (before, line) in [
        ("", 2),
        ("%% one\n\n%% two\n", 5),
        ("---\ntitle: x\n---\n", 5),
        ("---\ntitle: x\n---\n%%{init: {}}%%\n", 6),
    ] {
        let pie = fault(&parsers, &format!("{before}pie\n  \"Dogs\" : many\n")).await;
        assert_eq!((pie.line, pie.column), (line, 12), "{before:?}: {}", pie.message);
        let commented = fault(&parsers, &format!("{before}gitGraph\n%% c\n  commit\n  push\n")).await;
        assert_eq!((commented.line, commented.column), (line + 2, 3), "{before:?}: {}", commented.message);
    }
}

#[tokio::test]
async fn a_fault_at_the_end_stands_behind_the_last_character() {
    let parsers = parsers();
    for end in ["", "\n", "\n\n\n", "\n%% the end\n"] {
        let error = fault(&parsers, &format!("flowchart TD\n  a --> b[x{end}")).await;
        assert_eq!((error.line, error.column), (2, 12), "{end:?}: {}", error.message);
    }
}

#[tokio::test]
async fn faults_of_settings_have_their_place() {
    let parsers = parsers();
    let front = fault(&parsers, "---\ntitle: x\nconfig: [a, b\n---\nflowchart TD\n a-->b").await;
    assert_eq!((front.line, front.column), (3, 14), "{}", front.message);
    let node = fault(&parsers, "%% c\nflowchart TD\n  a@{ shape: [rect }\n").await;
    assert_eq!(node.line, 3, "{}", node.message);
    let open = fault(&parsers, "---\ntitle: x\nflowchart TD\n a-->b").await;
    assert_eq!((open.line, open.column), (1, 1), "{}", open.message);
}
