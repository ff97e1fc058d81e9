//! Mends of entity-relationship diagrams.

use crate::diagram::kind::Kind;

use super::names::{id, is_id};
use super::source::{Source, indent};

/// Relations with their cardinalities as Mermaid spells them.
pub(super) fn relations(source: &Source<'_>) -> Option<String> {
    if !source.is(Kind::Er) {
        return None;
    }
    let mut in_entity = false;
    source.map_body(|line| {
        let is_relation = is_relation(line);
        let mended = if in_entity || !is_relation { None } else { relation(line) };
        if !is_relation {
            in_entity = (in_entity || line.trim_end().ends_with('{')) && !line.contains('}');
        }
        mended.unwrap_or_else(|| line.to_owned())
    })
}

fn is_relation(line: &str) -> bool {
    ["--", "..", "->", "|-", "-|", "}-", "-{", "==", "o-", "-o"].iter().any(|sign| line.contains(sign))
}

fn relation(line: &str) -> Option<String> {
    let (head, label) = match line.split_once(':') {
        Some((head, label)) => (head, label.trim()),
        None => (line, ""),
    };
    let is_sign = |c: char| "|o{}<>-.=*~".contains(c);
    let is_end = |word: &str| {
        let core = word.trim_matches(|c: char| is_sign(c) && c != 'o');
        ["--", "..", "->", "-", "=="].iter().any(|sign| word.contains(sign))
            && core.len() <= 6
            && !word.starts_with('"')
    };
    let head = head.trim();
    // The operator stands between blanks; what is left and right of it are the names.
    let words: Vec<&str> = head.split_whitespace().collect();
    let at = words.iter().position(|word| is_end(word) && !is_id(word))?;
    let left = words[..at].join(" ");
    // Without a colon, what stands behind the second name is the label.
    let (right, label) = match &words[at + 1..] {
        [right, behind @ ..] if label.is_empty() && !right.starts_with('"') => {
            ((*right).to_owned(), behind.join(" "))
        }
        names => (names.join(" "), label.to_owned()),
    };
    if left.is_empty() || right.is_empty() {
        return None;
    }
    let operator = operator(words[at]);
    let label = label.trim_end_matches(';').trim();
    let label = if label.is_empty() {
        "\"\"".to_owned()
    } else if label.starts_with('"') && label.ends_with('"') || is_id(label) {
        label.to_owned()
    } else {
        format!("\"{}\"", label.replace('"', "'"))
    };
    Some(format!("{}{} {operator} {} : {label}", indent(line), name(&left), name(&right)))
}

fn name(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    if text.chars().all(plain) || text.starts_with('"') && text.ends_with('"') {
        text.to_owned()
    } else {
        id(text)
    }
}

/// The operator from whatever was meant by it: marks of "many" and "none" on each side.
fn operator(written: &str) -> String {
    let dotted = written.contains("..");
    let middle = written
        .find("--")
        .or_else(|| written.find(".."))
        .or_else(|| written.find("=="))
        .or_else(|| written.find('-'));
    let middle = middle.unwrap_or(written.len() / 2);
    let (left, right) = written.split_at(middle);
    let right = right.trim_start_matches(['-', '.', '=']);
    let many = |side: &str| side.contains(['{', '}', '*', 'N', 'n', 'M', 'm']);
    let none = |side: &str| side.contains(['o', '0', 'O']);
    let left = match (many(left) || left.contains('<'), none(left)) {
        (true, true) => "}o",
        (true, false) if left.contains('*') => "}o",
        (true, false) => "}|",
        (false, true) => "|o",
        (false, false) => "||",
    };
    let is_arrow = right == ">" || right.is_empty();
    let right = match (many(right) || is_arrow || right.contains('<'), none(right)) {
        (true, true) => "o{",
        (true, false) if right.contains('*') || is_arrow => "o{",
        (true, false) => "|{",
        (false, true) => "o|",
        (false, false) => "||",
    };
    format!("{left}{}{right}", if dotted { ".." } else { "--" })
}

/// Attributes as `type name PK`, one a line, and entities' names without blanks.
pub(super) fn attributes(source: &Source<'_>) -> Option<String> {
    if !source.is(Kind::Er) {
        return None;
    }
    let mut in_entity = false;
    source.change_body(|line| {
        let trimmed = line.trim();
        if is_relation(line) && !in_entity {
            return None;
        }
        if !in_entity {
            let (head, behind) = trimmed.split_once('{')?;
            in_entity = !behind.contains('}');
            let head = head.trim();
            let opening = format!("{}{} {{", indent(line), name(head));
            let inside = behind.trim().trim_end_matches('}').trim();
            let mut lines = vec![opening];
            let parts = inside.split([',', ';']).filter_map(|part| attribute(part, "    "));
            lines.extend(parts);
            if !in_entity {
                lines.push(format!("{}}}", indent(line)));
            }
            let is_change = lines.len() > 1 || head != name(head);
            return is_change.then_some(lines);
        }
        if trimmed.starts_with('}') {
            in_entity = false;
            return None;
        }
        let mended = attribute(trimmed, indent(line))?;
        (mended != line.trim_end()).then(|| vec![mended])
    })
}

/// Words of SQL and of comments that end an attribute's name.
const NO_NAMES: [&str; 14] = [
    "not",
    "null",
    "default",
    "auto_increment",
    "references",
    "unique",
    "nullable",
    "optional",
    "required",
    "check",
    "//",
    "#",
    "--",
    "on",
];

fn attribute(text: &str, indent: &str) -> Option<String> {
    let text = text.trim().trim_end_matches([',', ';']).trim_start_matches(['+', '-', '#', '*', ' ']).trim();
    let text = without_parentheses(text);
    let (text, comment) = match (text.split_once('"'), text.rsplit_once('"')) {
        (Some((before, _)), Some((inside, behind))) if inside.len() > before.len() => {
            (format!("{before}{behind}"), Some(inside[before.len() + 1..].to_owned()))
        }
        _ => (text.replace('"', ""), None),
    };
    let text = with_keys(&text);
    let mut keys: Vec<&str> = Vec::new();
    let mut words: Vec<String> = Vec::new();
    for word in text.split([' ', '\t', ',']).filter(|word| !word.is_empty()) {
        match word.trim_matches(['(', ')', '[', ']', '*']) {
            key @ ("PK" | "FK" | "UK") if !keys.contains(&key) => keys.push(key),
            _ => words.push(word.to_owned()),
        }
    }
    let is_named = words.first().is_some_and(|word| word.ends_with(':'));
    let clean = |word: &str| -> String {
        let kept = |c: char| if c.is_alphanumeric() || "_-[]".contains(c) { c } else { '_' };
        word.trim_end_matches(':').chars().map(kept).collect::<String>().trim_matches('_').to_owned()
    };
    let (kind, name) = match words.as_slice() {
        [] => return None,
        [name] => ("string".to_owned(), clean(name)),
        [name, kind, ..] if is_named => (clean(kind), clean(name)),
        [kind, name @ ..] => {
            let is_name = |word: &&String| !NO_NAMES.contains(&word.to_lowercase().as_str());
            let name: Vec<String> = name.iter().take_while(is_name).map(|word| clean(word)).collect();
            (clean(kind), name.join("_"))
        }
    };
    if name.is_empty() {
        return None;
    }
    let mut out = format!("{indent}{kind} {name}");
    if !keys.is_empty() {
        out.push(' ');
        out.push_str(&keys.join(", "));
    }
    if let Some(comment) = comment {
        out.push_str(&format!(" \"{}\"", comment.replace('"', "'")));
    }
    Some(out)
}

/// `decimal(10,2)` as `decimal`.
fn without_parentheses(text: &str) -> String {
    let mut depth = 0_usize;
    text.chars()
        .filter(|c| {
            depth += usize::from(*c == '(');
            let kept = depth == 0;
            depth = depth.saturating_sub(usize::from(*c == ')'));
            kept
        })
        .collect()
}

/// SQL's words for keys as Mermaid's.
fn with_keys(text: &str) -> String {
    [
        ("PRIMARY KEY", "PK"),
        ("primary key", "PK"),
        ("FOREIGN KEY", "FK"),
        ("foreign key", "FK"),
        ("UNIQUE", "UK"),
        (" unique", " UK"),
        (" pk", " PK"),
        (" fk", " FK"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (sql, key)| text.replace(sql, key))
}
