//! What holds for the draft of any text: it is the same each time, it is bounded, and every line
//! is one that the language's own parser is known to accept, with labels in which nothing is
//! left that it would read as its own.

use proptest::prelude::*;

use crate::domain::DiagramType;
use crate::provider::offline::draft::draft;

const FRAGMENTS: &[&str] = &[
    "end",
    "\"",
    "'",
    ";",
    "#",
    "#quot;",
    "`",
    "```",
    "%%",
    "%%{init: {}}%%",
    "---",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "<b>",
    "&amp;",
    "\\",
    "\\N",
    "$x",
    "${x}",
    "|",
    "@enduml",
    "!include x",
    "%getenv(\"HOME\")",
    "<&heart>",
    "[[http://x]]",
    "**b**",
    "1. ",
    "- ",
    "\n",
    "\n  - ",
    "\r\n",
    "\t",
    "style a:#b;",
    "classDef",
    "class ",
    "title ",
    "section ",
    "click ",
    "direction LR",
    "subgraph",
    "note",
    "state",
    "ﬂ°quot¶ß",
    "👩‍🚀",
    "\u{202e}",
    "שלום",
    "日本語",
    "\u{0}",
    "\u{fffe}",
    "2026-01-05",
    "2026-13-45",
    " for 2 weeks",
    " 5 days after ",
    "accTitle: x",
    "::icon(x)",
    ":::c",
    " -> ",
    " --> ",
    " => ",
    " <- ",
    " -->> ",
    "A",
    "B",
    "User",
    "Database",
    " if ",
    " then ",
    " otherwise ",
    " and ",
    " has many ",
    " belongs to ",
    " sends ",
    " returns ",
    " to ",
    "from ",
    " extends ",
    " with ",
    "run()",
    ", ",
    ": ",
    ". ",
    "? ",
    "sequence diagram of ",
    "ER diagram: ",
    "state diagram: ",
    "gantt chart: ",
    "class diagram: ",
    "mindmap of ",
    "flowchart: ",
    "please draw ",
    "id, name",
    "try again",
    "go back to A",
    "如果",
    "…",
    "a_b",
    "_",
];

fn prompts() -> impl Strategy<Value = String> {
    let fragment = prop_oneof![
        6 => prop::sample::select(FRAGMENTS).prop_map(str::to_owned),
        2 => "[a-z]{1,8} ?",
        1 => "\\PC{1,6}",
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(fragment, 0..40).prop_map(|fragments| fragments.concat())
}

/// A line with every quoted string replaced by `""` and every number by `N`, and those strings.
fn skeleton(line: &str, escape: Option<char>) -> (String, Vec<String>) {
    let (mut out, mut strings) = (String::new(), Vec::new());
    let mut chars = line.trim().chars();
    while let Some(c) = chars.next() {
        if c != '"' {
            let is_number = c.is_ascii_digit();
            if !(is_number && out.ends_with('N')) {
                out.push(if is_number { 'N' } else { c });
            }
            continue;
        }
        let mut string = String::new();
        while let Some(c) = chars.next().filter(|c| *c != '"') {
            string.push(c);
            if Some(c) == escape {
                string.extend(chars.next());
            }
        }
        out.push_str("\"\"");
        strings.push(string);
    }
    (out, strings)
}

/// A Mermaid label: every sign that Mermaid reads is an entity.
fn is_safe(label: &str, is_plain: bool) -> bool {
    let mut rest = label;
    let mut text = String::new();
    while let Some((before, behind)) = rest.split_once('#') {
        let Some((entity, after)) = behind.split_once(';') else { return false };
        let is_entity = matches!(entity, "quot" | "amp" | "lt" | "gt")
            || (!entity.is_empty() && entity.bytes().all(|b| b.is_ascii_digit()));
        if !is_entity {
            return false;
        }
        text.push_str(before);
        // An entity parts words.
        text.push('\u{1}');
        rest = after;
    }
    text.push_str(rest);
    let forbidden = ['"', ';', '`', '{', '}', '%', '*', '\\', '~', '$', '|', '^', '&', '<', '>', 'ﬂ', '\n'];
    let has_fault = label.trim().is_empty()
        || text.contains(forbidden)
        || (is_plain && text.contains(':'))
        || text.to_lowercase().contains("direction")
        || text.chars().any(|c| c.is_control() && c != '\u{1}')
        || text.starts_with(['-', '+', '='])
        || (text.contains("style") && text.contains(':'));
    !has_fault
}

fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !text.eq_ignore_ascii_case("end")
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// Whether `text` is `left`, `operator`, `right` with ids at both ends.
fn joins(text: &str, operators: &[&str]) -> bool {
    operators
        .iter()
        .any(|operator| text.split_once(operator).is_some_and(|(left, right)| is_id(left) && is_id(right)))
}

fn mermaid_line(kind: &str, line: &str) -> bool {
    let (bones, labels) = skeleton(line, None);
    if labels.iter().any(|label| !is_safe(label, false)) {
        return false;
    }
    let line = line.trim();
    match kind {
        "flowchart" => ["nN[\"\"]", "nN{\"\"}", "nN([\"\"])", "nN[(\"\")]", "nN --> nN", "nN -->|\"\"| nN"]
            .contains(&bones.as_str()),
        "mindmap" => ["root((\"\"))", "nN[\"\"]"].contains(&bones.as_str()),
        "sequenceDiagram" => {
            let declared = line.strip_prefix("participant ").or_else(|| line.strip_prefix("actor "));
            let choice = ["alt ", "opt ", "else "].iter().find_map(|word| line.strip_prefix(word));
            match (declared, choice) {
                (Some(rest), _) => {
                    rest.split_once(" as ").map_or(is_id(rest), |(id, name)| is_id(id) && is_safe(name, true))
                }
                (_, Some(text)) => is_safe(text, true),
                _ => {
                    line == "end"
                        || line
                            .split_once(": ")
                            .is_some_and(|(ends, text)| joins(ends, &["-->>", "->>"]) && is_safe(text, true))
                }
            }
        }
        "stateDiagram-v2" => {
            let (ends, cause) =
                line.split_once(" : ").map_or((line, None), |(ends, cause)| (ends, Some(cause)));
            let ends = ends.replace("[*]", "start0");
            bones == "state \"\" as sN"
                || ((is_id(&ends) || joins(&ends, &[" --> "]))
                    && cause.is_none_or(|cause| is_safe(cause, true)))
        }
        "gantt" => match (
            line.strip_prefix("title ").or_else(|| line.strip_prefix("section ")),
            line.rsplit_once(" :"),
        ) {
            (Some(text), None) => is_safe(text, true),
            (None, Some((name, time))) => {
                let is_time = time
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b',' | b' ' | b'-'));
                is_time && is_safe(name, true) && !name.starts_with(|c: char| c.is_ascii_digit())
            }
            _ => line == "dateFormat YYYY-MM-DD",
        },
        "erDiagram" => {
            let words: Vec<&str> = bones.split(' ').collect();
            match words.as_slice() {
                ["}"] => true,
                [from, "||--||" | "||--o{" | "}o--o{", to, ":", "\"\""] => is_id(from) && is_id(to),
                [name] | [name, "{"] => is_id(name.strip_suffix("[\"\"]").unwrap_or(name)),
                [kind, name] | [kind, name, "PK" | "FK" | "\"\""] | [kind, name, "PK" | "FK", "\"\""] => {
                    is_id(kind) && is_id(name)
                }
                _ => false,
            }
        }
        "classDiagram" => {
            let words: Vec<&str> = bones.split(' ').collect();
            match words.as_slice() {
                ["}"] | ["<<interface>>"] | ["<<abstract>>"] => true,
                ["class", name] | ["class", name, "{"] => is_id(name.strip_suffix("[\"\"]").unwrap_or(name)),
                [from, "<|--" | "<|.." | "*--" | "-->", to] => is_id(from) && is_id(to),
                [kind, name] => kind.strip_prefix('+').is_some_and(is_id) && is_word(name),
                [method] => {
                    method.strip_prefix('+').and_then(|method| method.strip_suffix("()")).is_some_and(is_word)
                }
                _ => false,
            }
        }
        _ => false,
    }
}

fn dot_line(line: &str) -> bool {
    let (bones, labels) = skeleton(line, Some('\\'));
    let escapes =
        |label: &String| label.split('\\').skip(1).step_by(1).count() == label.matches('\\').count();
    let shapes =
        ["", ", shape=oval, style=solid", ", shape=diamond, style=solid", ", shape=cylinder, style=solid"];
    labels.iter().all(escapes)
        && (shapes.iter().any(|shape| bones == format!("nN [label=\"\"{shape}];"))
            || [
                "nN -> nN;",
                "nN -> nN [label=\"\"];",
                "}",
                "digraph G {",
                "rankdir=LR;",
                "rankdir=TB;",
                "node [shape=box, style=rounded];",
            ]
            .contains(&bones.as_str()))
}

/// No sign that PlantUML's preprocessor or markup reads, but for entities.
fn plantuml_line(line: &str) -> bool {
    let mut text = line.to_owned();
    while let Some((before, rest)) = text.split_once("<U+") {
        let Some((code, after)) = rest.split_once('>') else { return false };
        if !code.bytes().all(|b| b.is_ascii_hexdigit()) {
            return false;
        }
        text = format!("{before}{after}");
    }
    let first = text.trim_start().chars().next();
    !text.contains(['%', '$', '`', '\\', '~', ';', '^', '&', '#', '='])
        && !text.contains("[[")
        && !matches!(first, Some('!' | '\'' | '@'))
        && text.matches('"').count().is_multiple_of(2)
}

fn d2_line(line: &str) -> bool {
    let (bones, labels) = skeleton(line, Some('\\'));
    let is_free = |label: &String| {
        let mut chars = label.chars();
        while let Some(c) = chars.next() {
            if c == '$' || (c == '\\' && !matches!(chars.next(), Some('"' | '\\' | '$' | 'n'))) {
                return false;
            }
        }
        true
    };
    labels.iter().all(is_free) && bones.is_ascii() && !bones.contains(['$', '`', '\\', '|', '#', '@'])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text_gives_a_bounded_drawing_of_known_lines(prompt in prompts()) {
        for diagram_type in DiagramType::ALL {
            let drawn = draft(&prompt, diagram_type, 100_000);
            prop_assert_eq!(&drawn, &draft(&prompt, diagram_type, 100_000), "the same each time");
            prop_assert!(drawn.source.len() < 60_000 && drawn.source.lines().count() < 600);
            prop_assert!(!drawn.title.is_empty() && drawn.title.chars().count() <= 81 && !drawn.title.contains(['\n', '`']));
            let lines: Vec<&str> = drawn.source.lines().collect();
            let faulty = match diagram_type {
                DiagramType::Mermaid => {
                    let kind = lines[1].split(' ').next().unwrap_or_default();
                    prop_assert!(lines[0].starts_with("%% "));
                    lines[2..].iter().find(|line| !mermaid_line(kind, line))
                }
                DiagramType::Graphviz => lines[1..].iter().find(|line| !dot_line(line)),
                DiagramType::D2 => lines[1..].iter().find(|line| !d2_line(line)),
                DiagramType::Plantuml => {
                    let kind = lines[0].strip_prefix("@start").unwrap_or("?");
                    prop_assert_eq!(lines[lines.len() - 1], format!("@end{kind}"));
                    lines[2..lines.len() - 1].iter().find(|line| !plantuml_line(line))
                }
            };
            prop_assert!(faulty.is_none(), "{faulty:?} of {prompt:?} in\n{}", drawn.source);
            prop_assert!(lines.len() >= 3, "a drawing is never empty: {}", drawn.source);
        }
    }
}
