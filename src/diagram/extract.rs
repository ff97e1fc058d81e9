//! The source and the title out of a model's answer: out of fences, tags and prose. Linear in
//! the answer's length.

use crate::domain::DiagramType;

use super::headers;

/// Characters of a title.
const TITLE_CHARS_MAX: usize = 200;

/// A source that has not been checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The source, lines ended by `\n`, no blank line at either end.
    pub source: String,
    /// The answer's title for it.
    pub title: Option<String>,
}

/// Whether `line` can be the first line of a source of this type.
pub fn begins_source(line: &str, diagram_type: DiagramType) -> bool {
    headers::begins_source(line, diagram_type)
}

/// The diagram in an answer; `None` when there is none.
pub fn extract(answer: &str, diagram_type: DiagramType) -> Option<Draft> {
    let text = clean(answer);
    let lines: Vec<&str> = text.lines().collect();
    let source = fenced(&lines, diagram_type)
        .or_else(|| delimited(&text, diagram_type))
        .or_else(|| bare(&lines, diagram_type))?;
    let source = trimmed(&source);
    if source.is_empty() {
        return None;
    }
    let title = title(&lines, &source);
    Some(Draft { source, title })
}

/// Line ends made one kind; what no diagram language knows is taken out.
fn clean(answer: &str) -> String {
    answer
        .replace("\r\n", "\n")
        .chars()
        .filter(|c| !matches!(c, '\u{feff}' | '\u{200b}' | '\u{2060}' | '\0'))
        .map(|c| match c {
            '\r' => '\n',
            '\u{a0}' => ' ',
            other => other,
        })
        .collect()
}

/// A fenced block and how far it can be trusted.
struct Block<'a> {
    lines: Vec<&'a str>,
    tagged: bool,
    plausible: bool,
}

/// The first block with the language's tag, else the longest that looks like a source.
fn fenced(lines: &[&str], diagram_type: DiagramType) -> Option<String> {
    let blocks = blocks(lines, diagram_type);
    let tagged = blocks.iter().find(|block| block.tagged && !block.lines.is_empty());
    let best = tagged
        .or_else(|| blocks.iter().filter(|block| block.plausible).max_by_key(|block| block.lines.len()))?;
    Some(best.lines.join("\n"))
}

fn blocks<'a>(lines: &[&'a str], diagram_type: DiagramType) -> Vec<Block<'a>> {
    let mut blocks = Vec::new();
    let mut rest = lines.iter().copied();
    while let Some(line) = rest.next() {
        let Some((fence, tag)) = opening(line) else { continue };
        let tag = tag.trim().trim_matches(['{', '}', '.']);
        let word = tag.split_whitespace().next().unwrap_or_default();
        let mut inside = Vec::new();
        for line in rest.by_ref() {
            if line.trim().starts_with(fence) && line.trim().chars().all(|c| fence.starts_with(c)) {
                break;
            }
            inside.push(line);
        }
        blocks.push(Block {
            tagged: headers::is_tag(word, diagram_type),
            plausible: looks_like_source(&inside, diagram_type),
            lines: inside,
        });
    }
    blocks
}

/// The fence a line opens, and what stands behind it.
fn opening(line: &str) -> Option<(&'static str, &str)> {
    let line = line.trim_start();
    let backticks = line.strip_prefix("```").map(|rest| ("```", rest.trim_start_matches('`')));
    backticks.or_else(|| line.strip_prefix("~~~").map(|rest| ("~~~", rest.trim_start_matches('~'))))
}

fn looks_like_source(lines: &[&str], diagram_type: DiagramType) -> bool {
    let mut front_matter = false;
    for line in lines {
        if diagram_type == DiagramType::Mermaid && line.trim() == "---" {
            front_matter = !front_matter;
            continue;
        }
        if front_matter || headers::may_precede_source(line, diagram_type) {
            continue;
        }
        return headers::begins_source(line, diagram_type);
    }
    false
}

/// `<mermaid>…</mermaid>`, `@startuml…@enduml`.
fn delimited(text: &str, diagram_type: DiagramType) -> Option<String> {
    match diagram_type {
        DiagramType::Plantuml => {
            let from = &text[text.find("@start")?..];
            let end = from
                .find("@end")
                .map_or(from.len(), |at| from[at..].find('\n').map_or(from.len(), |line| at + line));
            Some(from[..end].to_owned())
        }
        DiagramType::Mermaid | DiagramType::Graphviz | DiagramType::D2 => {
            let tag = diagram_type.name();
            let open = format!("<{tag}>");
            let from = &text[text.find(&open)? + open.len()..];
            let end = from.find(&format!("</{tag}>")).unwrap_or(from.len());
            Some(from[..end].to_owned())
        }
    }
}

/// A source without any fence: from its first line to the end, or to a closing remark.
fn bare(lines: &[&str], diagram_type: DiagramType) -> Option<String> {
    let first = lines.iter().position(|line| headers::begins_source(line, diagram_type))?;
    // Prose that happens to hold an arrow is no D2: the whole answer must look like source.
    if diagram_type == DiagramType::D2 && first > 0 {
        return None;
    }
    let prose = lines[..first].iter().rposition(|line| !headers::may_precede_source(line, diagram_type));
    let front_matter =
        lines.iter().position(|line| !line.trim().is_empty()).filter(|at| lines[*at].trim() == "---");
    let start = front_matter.filter(|at| *at < first).unwrap_or(prose.map_or(0, |at| at + 1));
    let source: Vec<&str> = lines[start..].to_vec();
    let end = source.iter().position(|line| is_title_line(line)).unwrap_or(source.len());
    Some(source[..end].join("\n"))
}

fn is_title_line(line: &str) -> bool {
    line.trim_start_matches(['*', '#', ' ', '_']).starts_with("Title:")
}

fn trimmed(source: &str) -> String {
    let lines: Vec<&str> = source.lines().map(str::trim_end).collect();
    let first = lines.iter().position(|line| !line.is_empty()).unwrap_or(lines.len());
    let last = lines.iter().rposition(|line| !line.is_empty()).map_or(first, |at| at + 1);
    lines[first..last.max(first)].join("\n")
}

/// `Title: …` anywhere outside the source, else the front matter's, else a heading.
fn title(lines: &[&str], source: &str) -> Option<String> {
    let stated = lines
        .iter()
        .filter(|line| is_title_line(line))
        .find_map(|line| line.split_once(':').map(|(_, title)| title));
    let front = source.lines().take(20).find_map(|line| line.trim().strip_prefix("title:"));
    let heading = lines
        .iter()
        .take_while(|line| opening(line).is_none())
        .find_map(|line| line.strip_prefix('#').map(|rest| rest.trim_start_matches('#')));
    let title = stated.or(front).or(heading)?;
    let title = title.trim().trim_matches(['*', '_', '"', '`', ' ']);
    let title: String = title.chars().filter(|c| !c.is_control()).take(TITLE_CHARS_MAX).collect();
    (!title.is_empty()).then_some(title)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mermaid(answer: &str) -> (String, Option<String>) {
        let draft = extract(answer, DiagramType::Mermaid).unwrap();
        (draft.source, draft.title)
    }

    #[test]
    fn sources_come_out_of_whatever_surrounds_them() {
        let source = "flowchart TD\n  A --> B";
        let title = Some("Two boxes".to_owned());
        let answers = [
            format!("```mermaid\n{source}\n```\nTitle: Two boxes"),
            format!("Sure!\n\n```mermaid\n{source}\n```\n\n**Title: Two boxes**\n"),
            format!("# Two boxes\n```mmd\r\n{source}\r\n```"),
            format!("~~~mermaid\n{source}\n~~~\nTitle: \"Two boxes\""),
            format!("```mermaid\n{source}\nTitle").replace("\nTitle", "") + "\n```\nTitle: Two boxes",
            format!("```\n{source}\n```\nTitle: Two boxes"),
            format!("Title: Two boxes\n<mermaid>\n{source}\n</mermaid>"),
            format!("Here it is:\n\n{source}\n\nTitle: Two boxes"),
            format!("\u{feff}```json\n{{}}\n```\n```mermaid\n{source}\n```\nTitle: Two boxes"),
        ];
        for answer in answers {
            assert_eq!(mermaid(&answer), (source.to_owned(), title.clone()), "{answer}");
        }
    }

    #[test]
    fn an_unclosed_fence_and_front_matter_are_kept() {
        assert_eq!(mermaid("```mermaid\nflowchart TD\n  A -->").0, "flowchart TD\n  A -->");
        let (source, title) = mermaid("---\ntitle: Pets\n---\n%% note\npie\n \"Dogs\" : 3");
        assert!(source.starts_with("---\ntitle: Pets"), "{source}");
        assert_eq!(title.as_deref(), Some("Pets"));
    }

    #[test]
    fn other_languages_and_no_diagram_at_all() {
        let dot = extract("```dot\ndigraph { a -> b }\n```", DiagramType::Graphviz).unwrap();
        assert_eq!(dot.source, "digraph { a -> b }");
        let uml = extract("Here:\n@startuml\nA -> B\n@enduml\nBye", DiagramType::Plantuml).unwrap();
        assert_eq!(uml.source, "@startuml\nA -> B\n@enduml");
        assert_eq!(extract("I cannot draw that.", DiagramType::Mermaid), None);
        assert_eq!(extract("```mermaid\n\n```", DiagramType::Mermaid), None);
        assert_eq!(extract("", DiagramType::D2), None);
    }

    proptest! {
        #[test]
        fn no_answer_breaks_it(answer in "(```|~~~|mermaid|flowchart TD|---|title:|Title:|@startuml|<mermaid>|\\PC|\n| ){0,60}") {
            for diagram_type in DiagramType::ALL {
                extract(&answer, diagram_type);
            }
        }
    }
}
