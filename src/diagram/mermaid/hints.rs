//! What to do about the mistakes that people and models make most.

use super::raw::{Fault, Sort};

/// A sentence for a fault in `line`, the source's line where it was found.
pub fn hint(kind: &str, fault: &Fault, line: &str) -> Option<&'static str> {
    let found = fault.found.as_deref().unwrap_or_default();
    let token = fault.token.as_deref().unwrap_or_default();
    let expects = |name: &str| fault.expected.iter().any(|expected| expected == name);
    if line.trim_start().starts_with("```") {
        return Some("Take the code fence out.");
    }
    if line.contains(['\u{201c}', '\u{201d}', '\u{201e}', '\u{2018}', '\u{2019}']) && fault.sort != Sort::Rule
    {
        return Some("Use straight quotes (\") in place of typographic ones.");
    }
    if line.contains(['\u{2192}', '\u{21d2}', '\u{27f6}', '\u{2190}']) {
        return Some("Write arrows in plain characters, such as -->.");
    }
    match kind {
        "flowchart" => flowchart(token, found, line, &expects),
        "sequence" if matches!(token, "NEWLINE" | "EOF") && expects("TXT") => {
            Some("A message has a colon and a text: A->>B: text.")
        }
        "sequence" | "state" if token == "EOF" && expects("end") => {
            Some("Close every block (alt, loop, opt, par, rect, box) with end.")
        }
        "state" if line.contains("->") && !line.contains("-->") => {
            Some("An arrow of a state diagram has two dashes: A --> B.")
        }
        "er" if line.contains("--") && !line.contains(':') => {
            Some("A relation has a colon and a label: A ||--o{ B : has.")
        }
        "pie" if fault.sort != Sort::Rule && !line.trim_start().starts_with("pie") => {
            Some("A slice is a name in double quotes, a colon and a number: \"Dogs\" : 40.")
        }
        _ => None,
    }
}

fn flowchart(token: &str, found: &str, line: &str, expects: &dyn Fn(&str) -> bool) -> Option<&'static str> {
    let in_label = ["SQE", "PE", "DIAMOND_STOP", "PIPE"].iter().any(|end| expects(end));
    let bracket = found.starts_with(['(', ')', '[', ']', '{', '}', '|', '"', '<', '>', '@']);
    if in_label && bracket {
        return Some("Put a label that has brackets, bars or quotes in double quotes: A[\"f(x)\"].");
    }
    if token == "end" || line.split_whitespace().any(|word| word == "end") && found == "end" {
        return Some("The word end closes a subgraph; as a name, write End.");
    }
    if token == "EOF" && expects("end") {
        return Some("Close every subgraph with end.");
    }
    let reserved =
        ["DEFAULT", "CLASS", "STYLE", "CLICK", "LINKSTYLE", "CLASSDEF", "GRAPH", "subgraph", "HREF"];
    let first = line.split_whitespace().next().unwrap_or_default();
    let begins_reserved = matches!(first, "class" | "style" | "click" | "linkStyle" | "classDef");
    if reserved.contains(&token) || (begins_reserved && token == "LINK") {
        return Some("This word is reserved; give the node another name.");
    }
    if line.contains("->") && !line.contains("-->") && !line.contains(".->") {
        return Some("An arrow of a flowchart has two dashes: A --> B.");
    }
    if matches!(token, "COLON" | "STYLE_SEPARATOR") && line.contains("--") {
        return Some("A label of an arrow stands between bars: A -->|label| B.");
    }
    if matches!(token, "NODE_STRING" | "ALPHA" | "UNICODE_TEXT" | "NUM") && expects("NEWLINE") {
        return Some("A name has no spaces; give the node a label in brackets: a[Two words].");
    }
    None
}
