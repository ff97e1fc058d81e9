//! Pictures of the project's own samples: every type is drawn, painted, and the same every time.

use std::time::Duration;

use diagramd::diagram::check::{Drawing, Purpose};
use diagramd::diagram::draw::{Mermaid, Settings, Studio};
use diagramd::diagram::picture::{Artist, Format, Order, Theme, Undrawn};
use diagramd::diagram::{check::Checker, checkers};
use diagramd::domain::{DiagramType, ValidationStatus};

use crate::samples;

/// Far above what any sample takes on a slow machine.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Width and height of a PNG, out of its header.
pub fn size(png: &[u8]) -> (u32, u32) {
    assert_eq!(png[..8], *b"\x89PNG\r\n\x1a\n", "it is a PNG");
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

pub fn studio() -> Studio {
    Studio::new(Settings { deadline: DEADLINE, ..Settings::default() }, None)
}

pub fn order(source: &str, format: Format) -> Order<'_> {
    Order {
        diagram_type: DiagramType::Mermaid,
        source,
        format,
        theme: Theme::Default,
        width: None,
        caller: 1,
    }
}

#[test]
fn every_good_sample_is_drawn_with_its_labels_and_painted() {
    let mermaid = Mermaid::new(None, DEADLINE);
    for sample in samples::of("good") {
        for theme in Theme::ALL {
            let svg = mermaid.svg(&sample.source, theme).unwrap_or_else(|e| panic!("{}: {e}", sample.name));
            let again = mermaid.svg(&sample.source, theme).unwrap();
            assert_eq!(svg, again, "{}: the same source, the same bytes", sample.name);
            assert!(svg.contains("viewBox=\""), "{}: {svg}", sample.name);
            assert!(svg.contains(theme.background()), "{} stands on the theme's colour", sample.name);
        }
        let svg = mermaid.svg(&sample.source, Theme::Default).unwrap();
        let (width, height) = size(&mermaid.png(&svg, Theme::Default, None).unwrap());
        assert!(width > 50 && height > 50, "{}: {width} x {height}", sample.name);
        assert!(svg.contains("<text"), "{}: labels are text, not markup of another kind", sample.name);
    }
}

#[test]
fn labels_are_in_the_drawing() {
    let mermaid = Mermaid::new(None, DEADLINE);
    for (source, labels) in [
        ("flowchart TD\n a[Order arrives] --> b{In stock?}", ["Order arrives", "In stock?"]),
        ("sequenceDiagram\n Browser->>API: GET /orders", ["Browser", "GET /orders"]),
        ("pie\n \"Dogs\" : 4\n \"Größe\" : 5", ["Dogs", "Größe"]),
    ] {
        let svg = mermaid.svg(source, Theme::Default).unwrap();
        let tree = roxmltree::Document::parse(&svg).unwrap();
        let text: String = tree.descendants().filter_map(|node| node.text()).collect::<Vec<_>>().join("");
        for label in labels {
            assert!(text.contains(label), "{label} is not in {text}");
        }
    }
}

#[tokio::test]
async fn a_png_has_the_width_that_is_asked_for_and_a_background() {
    let studio = studio();
    let svg_size = "flowchart TD\n a --> b";
    for width in [16, 300, 4096] {
        let picture =
            studio.draw(Order { width: Some(width), ..order(svg_size, Format::Png) }).await.unwrap();
        let (wide, high) = size(&picture);
        assert!(wide <= width && high <= 4096, "{wide} x {high}");
        // A narrow and high one is made smaller, so that its height is within the bound.
        assert!(wide == width || high == 4096, "{wide} x {high}");
    }
    let light = studio.draw(order(svg_size, Format::Png)).await.unwrap();
    let dark = studio.draw(Order { theme: Theme::Dark, ..order(svg_size, Format::Png) }).await.unwrap();
    assert_ne!(light, dark);
    let again = studio.draw(order(svg_size, Format::Png)).await.unwrap();
    assert_eq!(light.as_ptr(), again.as_ptr(), "it is drawn once");
}

#[tokio::test]
async fn what_nothing_here_draws_says_what_would() {
    let studio = Studio::new(Settings { dot: "/no/such/dot".into(), ..Settings::default() }, None);
    for (diagram_type, words) in [
        (DiagramType::Graphviz, "Install Graphviz"),
        (DiagramType::Plantuml, "kroki_url"),
        (DiagramType::D2, "kroki_url"),
    ] {
        let drawn = studio.draw(Order { diagram_type, ..order("a -> b", Format::Svg) }).await;
        let Err(Undrawn::NotHere(said)) = drawn else { panic!("{drawn:?}") };
        assert!(said.contains(words), "{said}");
        assert_eq!(studio.draws(diagram_type), Err(said));
    }
    assert_eq!(studio.draws(DiagramType::Mermaid), Ok(()));
}

#[tokio::test]
async fn some_kinds_are_valid_only_when_they_draw() {
    // Mermaid's parser accepts these; a browser draws neither.
    let undrawable = "C4Context\n Rel(nobody, nowhere, \"x\")";
    let studio = studio();
    let alone = checkers::built_in(crate::program(), None);
    let both = checkers::built_in(crate::program(), studio.second_opinion());
    let status = async |checker: &dyn Checker, source: &str| {
        let report = checker.check(DiagramType::Mermaid, source, Purpose::Generated).await.unwrap();
        (report.validation.status, report.validation.errors)
    };
    assert_eq!(status(&*alone, undrawable).await.0, ValidationStatus::Valid);
    let (verdict, errors) = status(&*both, undrawable).await;
    assert_eq!(verdict, ValidationStatus::Invalid);
    assert!(!errors[0].message.is_empty());
    for sample in samples::of("good") {
        assert_eq!(status(&*both, &sample.source).await.0, ValidationStatus::Valid, "{}", sample.name);
    }
}

#[test]
fn the_second_opinion_is_asked_about_four_kinds() {
    let mermaid = Mermaid::new(None, DEADLINE);
    for (kind, decides) in [("gantt", true), ("c4", true), ("sankey", true), ("requirement", true)] {
        assert_eq!(mermaid.decides(kind), decides, "{kind}");
    }
    for kind in ["flowchart", "sequence", "state", "mindmap"] {
        assert!(!mermaid.decides(kind), "{kind}");
    }
}

#[tokio::test]
async fn graphviz_is_drawn_by_its_program() {
    let studio = studio();
    let source = "digraph { a [label=\"Größe <1>\"]; a -> {b c} }";
    let graph = |format| Order { diagram_type: DiagramType::Graphviz, ..order(source, format) };
    let svg = studio.draw(graph(Format::Svg)).await.unwrap();
    let svg = std::str::from_utf8(&svg).unwrap();
    let tree = roxmltree::Document::parse(svg).unwrap();
    assert!(tree.descendants().any(|node| node.text() == Some("Größe <1>")), "{svg}");
    let png = studio.draw(graph(Format::Png)).await.unwrap();
    assert!(size(&png).0 > 100);
}

#[tokio::test]
async fn graphviz_opens_no_file_and_says_where_a_source_is_wrong() {
    let studio = studio();
    for (source, line, words) in [
        ("digraph {\n a [image=\"/etc/passwd\"]\n}", 2, "names a file"),
        ("digraph {\n a -- b\n}", 2, "->"),
        (
            "digraph {\n a [shape=none label=<<TABLE><TR><TD><IMG SRC=\"/etc/passwd\"/></TD></TR></TABLE>>] }",
            2,
            "<IMG>",
        ),
    ] {
        let drawn =
            studio.draw(Order { diagram_type: DiagramType::Graphviz, ..order(source, Format::Svg) }).await;
        let Err(Undrawn::Source(errors)) = drawn else { panic!("{source}: {drawn:?}") };
        assert_eq!(errors[0].line, line, "{errors:?}");
        assert!(errors[0].message.contains(words), "{errors:?}");
    }
}

#[tokio::test]
async fn graphviz_is_ended_at_its_deadline() {
    // Ranks and crossings of a few thousand edges take minutes.
    let edges: String = (0..60).flat_map(|a| (0..60).map(move |b| format!("a{a}->b{b};"))).collect();
    let source = format!("digraph {{ {edges} {} }}", edges.replace('a', "c").replace('b', "d"));
    let deadline = Duration::from_millis(200);
    let studio = Studio::new(Settings { deadline, ..Settings::default() }, None);
    let begin = std::time::Instant::now();
    let drawn =
        studio.draw(Order { diagram_type: DiagramType::Graphviz, ..order(&source, Format::Svg) }).await;
    assert_eq!(drawn, Err(Undrawn::TooSlow(deadline)));
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
}
