//! Names that can stand as ids.

/// Words that some kind of Mermaid diagram keeps for itself, in lower case.
const RESERVED: &[&str] = &[
    "accdescr",
    "acctitle",
    "activate",
    "actor",
    "alt",
    "and",
    "annotation",
    "as",
    "autonumber",
    "box",
    "break",
    "call",
    "callback",
    "choice",
    "class",
    "classdef",
    "classdiagram",
    "click",
    "create",
    "critical",
    "cssclass",
    "deactivate",
    "default",
    "destroy",
    "details",
    "direction",
    "else",
    "end",
    "erdiagram",
    "flowchart",
    "fork",
    "gantt",
    "graph",
    "hide",
    "href",
    "interface",
    "join",
    "journey",
    "left",
    "link",
    "links",
    "linkstyle",
    "loop",
    "many",
    "mindmap",
    "namespace",
    "note",
    "of",
    "on",
    "one",
    "only",
    "opt",
    "option",
    "optionally",
    "over",
    "par",
    "par_over",
    "participant",
    "pie",
    "properties",
    "rect",
    "requirement",
    "requirementdiagram",
    "right",
    "scale",
    "section",
    "sequencediagram",
    "show",
    "state",
    "statediagram",
    "style",
    "subgraph",
    "timeline",
    "title",
    "to",
    "zero",
];

/// The name itself when it is a plain ASCII word with a capital first letter that nothing
/// reserves; else `prefix` and `number`. Ids made here begin with a small letter, so that they
/// meet no name.
pub(super) fn id(name: &str, prefix: char, number: usize) -> String {
    if is_plain(name) { name.to_owned() } else { format!("{prefix}{number}") }
}

/// Whether a name can stand as an id.
pub(super) fn is_plain(name: &str) -> bool {
    let is_word = name.len() >= 2
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_word && !RESERVED.contains(&name.to_ascii_lowercase().as_str())
}

/// A member's name of ASCII letters, digits and underscores that begins with a letter; `None`
/// when other letters would be lost.
pub(super) fn member(name: &str) -> Option<String> {
    if name.chars().any(|c| !c.is_ascii() && c.is_alphanumeric()) {
        return None;
    }
    let clean: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(40).collect();
    let clean = clean.trim_matches('_');
    clean.starts_with(|c: char| c.is_ascii_alphabetic()).then(|| clean.to_owned())
}

/// A type's name, `string` when it is none.
pub(super) fn kind(name: &str) -> String {
    member(name).map_or_else(|| "string".to_owned(), |kind| kind.to_lowercase())
}
