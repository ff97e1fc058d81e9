//! Mends of kinds that are lists of lines: gantt, pie, mindmap, journey, gitGraph, quadrants.

use crate::diagram::kind::Kind;

use super::names::{id, quoted};
use super::source::{Source, indent};

/// Lines in the form that the kind asks for.
pub(super) fn lines(source: &Source<'_>) -> Option<String> {
    match source.kind? {
        Kind::Gantt => source.map_body(gantt),
        Kind::Pie => source.map_body(pie),
        Kind::Mindmap | Kind::Kanban => mindmap(source),
        Kind::GitGraph => source.change_body(git),
        Kind::Quadrant => source.map_body(quadrant),
        Kind::Timeline | Kind::Journey => source.map_body(|line| line.replace([';', '#'], ",")),
        Kind::C4 => source.map_body(c4),
        _ => None,
    }
}

/// A task has one colon.
fn gantt(line: &str) -> String {
    let trimmed = line.trim();
    let first = trimmed.split_whitespace().next().unwrap_or_default();
    let statements = [
        "title",
        "dateFormat",
        "axisFormat",
        "section",
        "excludes",
        "includes",
        "todayMarker",
        "tickInterval",
        "weekday",
    ];
    if statements.contains(&first.trim_end_matches(':')) {
        return format!(
            "{}{}",
            indent(line),
            trimmed
                .replacen(&format!("{first} "), &format!("{} ", first.trim_end_matches(':')), 1)
                .replace([';', '#'], "")
        );
    }
    let Some((name, data)) = trimmed.rsplit_once(':').or_else(|| trimmed.split_once(", ")) else {
        return line.to_owned();
    };
    let name = name.trim().replace(':', " -").replace([';', '#'], "");
    format!("{}{name} :{}", indent(line), data.trim_end_matches(';'))
}

/// A label in quotes and a number without signs.
fn pie(line: &str) -> String {
    let trimmed = line.trim();
    if trimmed.starts_with("title") || trimmed.starts_with("showData") {
        return line.replacen("title:", "title ", 1);
    }
    let (label, value) = match trimmed.rsplit_once(':') {
        Some(parts) => parts,
        None => match trimmed.rsplit_once(['=', ' ']) {
            Some(parts) => parts,
            None => return line.to_owned(),
        },
    };
    let label = label.trim().trim_start_matches("- ").trim_end_matches('=').trim();
    if is_another_number(value) {
        return line.to_owned();
    }
    let value: String = value.chars().filter(|c| c.is_ascii_digit() || *c == '.').collect();
    if value.is_empty() { line.to_owned() } else { format!("{}{} : {value}", indent(line), quoted(label)) }
}

/// Whether the digits alone are not the number: it is negative, a span, or has a decimal comma.
fn is_another_number(value: &str) -> bool {
    let thousands = |behind: &str| behind.chars().take_while(char::is_ascii_digit).count() == 3;
    value.contains(['-', '−', '–']) || value.split(',').skip(1).any(|behind| !thousands(behind))
}

/// Texts with signs as labels of ids; everything under the first root.
fn mindmap(source: &Source<'_>) -> Option<String> {
    let mut count = 0;
    let mut root: Option<usize> = None;
    source.map_body(|line| {
        let depth = indent(line).len();
        let trimmed = line.trim();
        if trimmed.starts_with("::") {
            return line.to_owned();
        }
        let is_root = root.is_none();
        let root_depth = *root.get_or_insert(depth);
        let depth =
            if source.is(Kind::Mindmap) && !is_root && depth <= root_depth { root_depth + 2 } else { depth };
        let trimmed = trimmed.strip_prefix("- ").or_else(|| trimmed.strip_prefix("* ")).unwrap_or(trimmed);
        let shaped = ["((", "[", "(", "{{", "))", ")"].iter().any(|open| {
            let name_end = trimmed.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(trimmed.len());
            let rest = &trimmed[name_end..];
            rest.starts_with(open)
                && rest.ends_with([')', ']', '}', '('])
                && !rest[open.len()..].contains(['(', '[', '{', '"'])
        });
        let text = if trimmed.contains(['(', ')', '[', ']', '{', '}', '"', '`']) && !shaped {
            count += 1;
            format!("n{count}[{}]", quoted(&trimmed.replace('`', "")))
        } else {
            trimmed.to_owned()
        };
        format!("{}{text}", " ".repeat(depth))
    })
}

/// Git's own commands as Mermaid's.
fn git(line: &str) -> Option<Vec<String>> {
    let margin = indent(line);
    let trimmed = line.trim().trim_end_matches(';');
    let command = trimmed.strip_prefix("git ").unwrap_or(trimmed);
    let words: Vec<&str> = command.split_whitespace().collect();
    let mended = match words.as_slice() {
        ["checkout" | "switch", "-b" | "-c", name] => format!("branch {name}"),
        ["switch", name] => format!("checkout {name}"),
        ["commit", "-m", ..] => {
            format!("commit id: {}", quoted(command["commit -m".len()..].trim().trim_matches('\'')))
        }
        ["commit", first, ..] if first.starts_with(['"', '\'']) => {
            format!("commit id: {}", quoted(command["commit".len()..].trim().trim_matches('\'')))
        }
        ["commit", first, ..] if !first.ends_with(':') && !command.contains(':') => {
            format!("commit id: {}", quoted(&command["commit".len()..]))
        }
        ["merge", name, "into", into] => format!("checkout {into}\n{margin}merge {name}"),
        ["commit" | "merge" | "cherry-pick", rest @ ..] if rest.iter().any(|word| word.ends_with(':')) => {
            attributes(&words)
        }
        _ => command.to_owned(),
    };
    (mended != line.trim()).then(|| vec![format!("{margin}{mended}")])
}

/// A name with signs in quotes, a point's place in brackets.
fn quadrant(line: &str) -> String {
    let trimmed = line.trim();
    let first = trimmed.split_whitespace().next().unwrap_or_default();
    let margin = indent(line);
    if first == "title" {
        return line.to_owned();
    }
    if first.starts_with("quadrant-") {
        let text = trimmed[first.len()..].trim();
        return format!("{margin}{first} {}", quoted(text));
    }
    if first == "x-axis" || first == "y-axis" {
        let ends: Vec<String> = trimmed[first.len()..].split("-->").map(quoted).collect();
        return format!("{margin}{first} {}", ends.join(" --> "));
    }
    match trimmed.rsplit_once(':') {
        Some((name, place)) => {
            let place = place.trim().trim_matches(['(', ')', '[', ']']);
            format!("{margin}{}: [{place}]", quoted(name))
        }
        None => line.to_owned(),
    }
}

/// Arguments of C4's calls: ids plain, texts in quotes.
fn c4(line: &str) -> String {
    let trimmed = line.trim().trim_end_matches(';');
    let Some((call, rest)) = trimmed.split_once('(') else { return line.to_owned() };
    let Some((inside, behind)) = rest.rsplit_once(')') else { return line.to_owned() };
    let ids = if call.contains("Rel") { 2 } else { 1 };
    let mut arguments: Vec<String> = Vec::new();
    let (mut quoted_now, mut current) = (false, String::new());
    for c in inside.chars() {
        quoted_now ^= c == '"';
        if c == ',' && !quoted_now {
            arguments.push(std::mem::take(&mut current));
        } else {
            current.push(c);
        }
    }
    arguments.push(current);
    let mended: Vec<String> = arguments
        .iter()
        .enumerate()
        .map(|(at, argument)| match argument.trim() {
            bare if at < ids => id(bare.trim_matches('"')),
            other if other.starts_with('$') || other.is_empty() => other.to_owned(),
            other => quoted(other),
        })
        .collect();
    format!("{}{}({}){behind}", indent(line), call.trim(), mended.join(", "))
}

/// `id: abc` as `id: "abc"`, a type in capitals.
fn attributes(words: &[&str]) -> String {
    let mut out: Vec<String> = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let before = if at > 0 { words[at - 1] } else { "" };
        out.push(match before {
            "id:" | "tag:" | "msg:" if !word.starts_with('"') => quoted(word),
            "type:" => word.to_uppercase(),
            _ => (*word).to_owned(),
        });
    }
    out.join(" ")
}
