//! Ids made from names.

/// Words that Mermaid's flowcharts do not take as ids.
pub(super) const RESERVED: [&str; 11] = [
    "end",
    "default",
    "class",
    "graph",
    "subgraph",
    "style",
    "click",
    "linkStyle",
    "classDef",
    "call",
    "href",
];

/// An id that looks like `name`: letters, digits and underscores.
pub(super) fn id(name: &str) -> String {
    let mut id = String::with_capacity(name.len());
    for c in name.trim().chars() {
        match c {
            c if c.is_alphanumeric() => id.push(c),
            _ if id.ends_with('_') || id.is_empty() => {}
            _ => id.push('_'),
        }
    }
    let id = id.trim_end_matches('_');
    if id.is_empty() {
        "node".to_owned()
    } else if RESERVED.iter().any(|word| word.eq_ignore_ascii_case(id)) {
        format!("{id}Node")
    } else if id.starts_with(|c: char| c.is_ascii_digit()) {
        format!("n{id}")
    } else {
        id.to_owned()
    }
}

/// Whether `text` is one id.
pub(super) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// Text as a quoted label; quotes inside as Mermaid's entity.
pub(super) fn quoted(text: &str) -> String {
    let text = text.trim();
    let inside = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).filter(|_| text.len() > 1);
    format!("\"{}\"", inside.unwrap_or(text).replace("\\\"", "\"").replace('"', "#quot;"))
}
