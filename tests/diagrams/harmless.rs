//! No script in any picture: everything that a browser could run or fetch, put at every place of
//! every sample, and the drawing read by another XML parser than the one that cleaned it.

use diagramd::diagram::draw::{Mermaid, clean};
use diagramd::diagram::picture::{Artist, Format, Order, Theme, Undrawn};
use diagramd::domain::DiagramType;

use crate::drawing::{DEADLINE, order, studio};
use crate::samples;

/// What harms when it gets through as it is.
const PAYLOADS: [&str; 24] = [
    "<script>alert(1)</script>",
    "</text><script>alert(1)</script><text>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<foreignObject><iframe src=//evil.example/></foreignObject>",
    "<image href='http://evil.example/a.png'/>",
    "<image xlink:href=\"//evil.example/a\"/>",
    "<use href='http://evil.example/a#b'/>",
    "<a href='javascript:alert(1)'>x</a>",
    "<style>@import '//evil.example/a.css'</style>",
    "</style><script>alert(1)</script>",
    "\" onload=\"alert(1)",
    "' onclick='alert(1)",
    "\" style=\"background:url(//evil.example/a)",
    "javascript:alert(1)",
    "url(http://evil.example/a)",
    "]]><script>alert(1)</script>",
    "--><script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "#lt;script#gt;alert(1)#lt;/script#gt;",
    "<animate attributeName=href to=javascript:alert(1)/>",
    "<set attributeName=onload to=alert(1)/>",
    "\u{0}<scr\u{0}ipt>alert(1)</scr\u{0}ipt>",
];

/// Sources that configure what is drawn around their labels.
const CONFIGURING: [&str; 7] = [
    "%%{init: {\"themeCSS\": \"PAYLOAD\"}}%%\nflowchart TD\n a --> b",
    "%%{init: {\"themeVariables\": {\"primaryColor\": \"PAYLOAD\"}}}%%\nflowchart TD\n a --> b",
    "%%{init: {\"fontFamily\": \"PAYLOAD\"}}%%\nsequenceDiagram\n a->>b: c",
    "%%{init: {\"securityLevel\": \"loose\", \"flowchart\": {\"htmlLabels\": true}}}%%\nflowchart TD\n a[\"PAYLOAD\"] --> b",
    "flowchart TD\n a --> b\n click a href \"PAYLOAD\" \"PAYLOAD\"\n style a fill:PAYLOAD\n classDef x fill:PAYLOAD",
    "---\ntitle: \"PAYLOAD\"\nconfig:\n  themeCSS: \".a{background:url(//evil.example)}\"\n---\nflowchart TD\n a --> b",
    "flowchart TD\n accTitle: PAYLOAD\n accDescr: PAYLOAD\n a@{ img: \"PAYLOAD\", label: \"PAYLOAD\" }",
];

/// Fails when a browser could run or fetch anything of the drawing.
fn is_harmless(what: &str, svg: &str) {
    let tree = roxmltree::Document::parse(svg).unwrap_or_else(|reason| panic!("{what}: {reason}"));
    for node in tree.descendants() {
        assert!(!node.is_pi(), "{what}: {svg}");
        if !node.is_element() {
            continue;
        }
        let name = node.tag_name();
        assert_eq!(name.namespace(), Some("http://www.w3.org/2000/svg"), "{what}: <{}>", name.name());
        let lower = name.name().to_ascii_lowercase();
        let forbidden = [
            "script",
            "foreignobject",
            "iframe",
            "image",
            "img",
            "a",
            "animate",
            "animatemotion",
            "animatetransform",
            "set",
            "handler",
            "listener",
            "object",
            "embed",
            "audio",
            "video",
            "feimage",
            "link",
            "meta",
            "base",
            "discard",
            "mpath",
            "canvas",
            "html",
            "body",
            "input",
            "form",
        ];
        assert!(!forbidden.contains(&lower.as_str()), "{what}: <{lower}> in {svg}");
        for attribute in node.attributes() {
            let key = attribute.name().to_ascii_lowercase();
            assert!(!key.starts_with("on"), "{what}: {key} in {svg}");
            if matches!(key.as_str(), "href" | "src" | "action" | "formaction" | "xmlns") {
                assert!(attribute.value().starts_with('#'), "{what}: {key}={:?}", attribute.value());
            }
            // Names and texts for people are no styles.
            let is_text = key.starts_with("data-") || key.starts_with("aria-");
            if !is_text && !matches!(key.as_str(), "id" | "class") {
                stays_here(what, attribute.value());
            }
        }
        if lower == "style" {
            stays_here(what, node.text().unwrap_or_default());
        }
    }
}

fn stays_here(what: &str, value: &str) {
    let lower = value.to_ascii_lowercase();
    for word in ["javascript:", "@import", "@font-face", "expression(", "-moz-binding", "data:", "//evil"] {
        assert!(!lower.contains(word), "{what}: {value}");
    }
    for (at, _) in lower.match_indices("url") {
        let after = lower[at + 3..].trim_start();
        if let Some(target) = after.strip_prefix('(') {
            let target = target.trim_start_matches([' ', '"', '\'']);
            assert!(target.starts_with('#'), "{what}: {value}");
        }
    }
}

/// The words of a source that may be labels, names or values: each replaced by the payload, one
/// after the other.
fn mutants(source: &str, payload: &str) -> Vec<String> {
    let mut mutants = Vec::new();
    let is_word = |c: char| c.is_alphanumeric() || c == ' ';
    let mut start = None;
    for (at, character) in source.char_indices().chain([(source.len(), '\n')]) {
        match (start, is_word(character)) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                if !source[from..at].trim().is_empty() {
                    mutants.push(format!("{}{payload}{}", &source[..from], &source[at..]));
                }
                start = None;
            }
            (None, false) | (Some(_), true) => {}
        }
    }
    mutants
}

#[test]
fn no_label_of_any_type_becomes_more_than_text() {
    let mermaid = Mermaid::new(None, DEADLINE);
    let (mut drawn, mut tried) = (0, 0);
    for sample in samples::of("good") {
        // Every payload somewhere, and every place with some payload.
        let places = mutants(&sample.source, "PAYLOAD").len();
        for turn in 0..places.max(PAYLOADS.len()) {
            let payload = PAYLOADS[turn % PAYLOADS.len()];
            let source = &mutants(&sample.source, payload)[turn % places];
            tried += 1;
            match mermaid.svg(source, Theme::Default) {
                Ok(svg) => {
                    drawn += 1;
                    is_harmless(&format!("{source:?}"), &svg);
                }
                Err(Undrawn::Fault(reason)) => panic!("{source:?}: {reason}"),
                Err(_) => {}
            }
        }
    }
    assert!(drawn * 4 > tried, "the payloads get as far as a drawing: {drawn} of {tried}");
}

#[test]
fn no_setting_of_a_source_reaches_elsewhere() {
    let mermaid = Mermaid::new(None, DEADLINE);
    let mut drawn = 0;
    for template in CONFIGURING {
        for payload in PAYLOADS {
            for payload in [payload.to_owned(), payload.replace('"', "'"), payload.replace('"', "\\\"")] {
                let source = template.replace("PAYLOAD", &payload);
                if let Ok(svg) = mermaid.svg(&source, Theme::Default) {
                    drawn += 1;
                    is_harmless(&format!("{source:?}"), &svg);
                }
            }
        }
    }
    assert!(drawn > 100, "{drawn}");
}

#[tokio::test]
async fn no_attribute_of_a_graph_becomes_a_link() {
    let studio = studio();
    let mut drawn = 0;
    for payload in PAYLOADS {
        let quoted = payload.replace(['\u{0}', '\\'], "").replace('"', "\\\"");
        for attribute in
            ["label", "URL", "href", "tooltip", "target", "id", "class", "fillcolor", "xlabel", "fontname"]
        {
            let source = format!(
                "digraph \"{quoted}\" {{ a [{attribute}=\"{quoted}\" style=filled]; a -> \"{quoted}\" [{attribute}=\"{quoted}\"] }}"
            );
            let graph = Order { diagram_type: DiagramType::Graphviz, ..order(&source, Format::Svg) };
            match studio.draw(graph).await {
                Ok(svg) => {
                    drawn += 1;
                    is_harmless(&source, std::str::from_utf8(&svg).unwrap());
                }
                Err(Undrawn::Fault(reason)) => panic!("{source}: {reason}"),
                Err(_) => {}
            }
        }
    }
    assert!(drawn > 200, "{drawn}");
}

#[test]
fn the_reader_of_this_test_bites() {
    for svg in [
        "<svg xmlns=\"http://www.w3.org/2000/svg\"><script/></svg>",
        "<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"x\"/>",
        "<svg xmlns=\"http://www.w3.org/2000/svg\"><g fill=\"url( '//x' )\"/></svg>",
        "<svg xmlns=\"http://www.w3.org/2000/svg\"><use href=\"//x\"/></svg>",
        "<svg/>",
    ] {
        assert!(std::panic::catch_unwind(|| is_harmless("", svg)).is_err(), "{svg}");
        if let Ok(cleaned) = clean(svg) {
            is_harmless("cleaned", &cleaned);
        }
    }
}
