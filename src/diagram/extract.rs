//! The source and the title out of a model's answer: out of fences, tags and prose. Linear in
//! the answer's length.

use crate::domain::DiagramType;

use super::{fences, headers, titles};

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
    let text = without_thoughts(&text);
    let lines: Vec<&str> = text.lines().collect();
    let source = fenced(&lines, diagram_type)
        .or_else(|| delimited(text, diagram_type))
        .or_else(|| bare(&lines, diagram_type))?;
    let source = trimmed(&whole(source, diagram_type));
    if source.is_empty() {
        return None;
    }
    let title = titles::title(&lines, &source, diagram_type);
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

/// What stands behind the thoughts that some models write into their answer.
fn without_thoughts(text: &str) -> &str {
    let start = text.trim_start();
    let is_thought = ["<think>", "<thinking>"].iter().any(|tag| start.starts_with(tag));
    let ends =
        ["</think>", "</thinking>"].into_iter().find_map(|tag| start.find(tag).map(|at| at + tag.len()));
    match (is_thought, ends) {
        (true, Some(end)) => &start[end..],
        // Cut off while thinking: there is no answer.
        (true, None) => "",
        (false, _) => text,
    }
}

fn fenced(lines: &[&str], diagram_type: DiagramType) -> Option<String> {
    let block = fences::best(lines, diagram_type)?;
    // A title inside of the block, or behind one that was never closed, is no source. In D2 it
    // would be one.
    let end = if diagram_type == DiagramType::D2 && block.is_closed {
        block.lines.len()
    } else {
        block
            .lines
            .iter()
            .position(|line| titles::is_stated(line))
            .filter(|at| *at > 0)
            .unwrap_or(block.lines.len())
    };
    Some(block.lines[..end].join("\n"))
}

/// `<mermaid>…</mermaid>`, `@startuml…@enduml`.
fn delimited(text: &str, diagram_type: DiagramType) -> Option<String> {
    if diagram_type == DiagramType::Plantuml {
        return started(text);
    }
    let tag = diagram_type.name();
    let open = format!("<{tag}>");
    let from = &text[text.find(&open)? + open.len()..];
    let end = from.find(&format!("</{tag}>")).unwrap_or(from.len());
    Some(from[..end].to_owned())
}

/// From a line that begins with `@start` to the line of its `@end`, or to the end.
fn started(text: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.iter().position(|line| line.trim_start().starts_with("@start"))?;
    let last = lines[first..].iter().position(|line| line.trim_start().starts_with("@end"));
    let end = last.map_or(lines.len(), |last| first + last + 1);
    Some(lines[first..end].join("\n"))
}

/// PlantUML between its own marks: what surrounds them goes, and marks that are missing come.
fn whole(source: String, diagram_type: DiagramType) -> String {
    if diagram_type != DiagramType::Plantuml || source.trim().is_empty() {
        return source;
    }
    started(&source).unwrap_or_else(|| format!("@startuml\n{}\n@enduml", trimmed(&source)))
}

/// A source without any fence: from its first line to the end, or to what is no source.
fn bare(lines: &[&str], diagram_type: DiagramType) -> Option<String> {
    let first = lines.iter().position(|line| headers::begins_source(line, diagram_type))?;
    let start = opening_lines(lines, first, diagram_type);
    // Prose that happens to hold an arrow is no D2: the whole answer must look like source.
    if diagram_type == DiagramType::D2 && lines[..start].iter().any(|line| !line.trim().is_empty()) {
        return None;
    }
    let rest = &lines[first..];
    let end = match diagram_type {
        DiagramType::Graphviz => closing_brace(rest),
        DiagramType::Mermaid | DiagramType::Plantuml | DiagramType::D2 => None,
    };
    let end = end.or_else(|| (1..rest.len()).find(|at| titles::is_stated(rest[*at]) || is_remark(rest, *at)));
    Some(lines[start..first + end.unwrap_or(rest.len())].join("\n"))
}

/// Where the comments, directives and front matter over a source begin.
fn opening_lines(lines: &[&str], first: usize, diagram_type: DiagramType) -> usize {
    let mut start = first;
    while start > 0 && headers::may_precede_source(lines[start - 1], diagram_type) {
        start -= 1;
        if lines[start].trim() != "---" {
            continue;
        }
        match lines[..start].iter().rposition(|line| line.trim() == "---") {
            Some(open) => start = open,
            None => return start + 1,
        }
    }
    start
}

/// The line behind the one that closes a graph's outermost brace.
fn closing_brace(lines: &[&str]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut is_quoted = false;
    for (at, line) in lines.iter().enumerate() {
        let mut is_escaped = false;
        for c in line.chars() {
            match c {
                _ if is_escaped => is_escaped = false,
                '\\' if is_quoted => is_escaped = true,
                '"' => is_quoted = !is_quoted,
                '{' if !is_quoted => depth += 1,
                '}' if !is_quoted && depth == 1 => return Some(at + 1),
                '}' if !is_quoted => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
    }
    None
}

/// A sentence about the diagram, behind a blank line: no indent, words, a full stop, no syntax.
fn is_remark(lines: &[&str], at: usize) -> bool {
    let line = lines[at];
    let is_apart = lines[at - 1].trim().is_empty();
    let is_sentence = line.split_whitespace().count() >= 4 && line.trim_end().ends_with(['.', '!', '?', ':']);
    let begins = line.starts_with(|c: char| c.is_uppercase() || matches!(c, '*' | '#'));
    let has_syntax = ["--", "->", "==", ">>", "[", "{", "|", ": ", ";", "\""]
        .iter()
        .any(|sign| line.trim_end_matches(':').contains(sign));
    is_apart && is_sentence && begins && !has_syntax
}

fn trimmed(source: &str) -> String {
    let lines: Vec<&str> = source.lines().map(str::trim_end).collect();
    let first = lines.iter().position(|line| !line.is_empty()).unwrap_or(lines.len());
    let last = lines.iter().rposition(|line| !line.is_empty()).map_or(first, |at| at + 1);
    lines[first..last.max(first)].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SOURCE: &str = "flowchart TD\n  A --> B";

    fn mermaid(answer: &str) -> (String, Option<String>) {
        let draft = extract(answer, DiagramType::Mermaid).unwrap();
        (draft.source, draft.title)
    }

    fn source_of(answer: &str, diagram_type: DiagramType) -> String {
        extract(answer, diagram_type).unwrap().source
    }

    #[test]
    fn sources_come_out_of_whatever_surrounds_them() {
        let title = Some("Two boxes".to_owned());
        let answers = [
            format!("```mermaid\n{SOURCE}\n```\nTitle: Two boxes"),
            format!("Sure!\n\n```mermaid\n{SOURCE}\n```\n\n**Title: Two boxes**\n"),
            format!("```mermaid\n{SOURCE}\n```\n\n**Title:** Two boxes\n"),
            format!("# Two boxes\n```mmd\r\n{SOURCE}\r\n```"),
            format!("~~~mermaid\n{SOURCE}\n~~~\nTitle: \"Two boxes\""),
            format!("```{{.mermaid}}\n{SOURCE}\n```\nTitle: Two boxes"),
            format!("````markdown\n```\nnot this\n```\n````\n```Mermaid\n{SOURCE}\n```\nTitle: Two boxes"),
            format!("```\n{SOURCE}\n```\nTitle: Two boxes"),
            format!("Here it is: ```mermaid\n{SOURCE}\n```\nTitle: Two boxes"),
            "> ```mermaid\n> flowchart TD\n>   A --> B\n> ```\nTitle: Two boxes".to_owned(),
            "1. The diagram:\n   ```mermaid\n   flowchart TD\n     A --> B\n   ```\nTitle: Two boxes"
                .to_owned(),
            format!("Title: Two boxes\n<mermaid>\n{SOURCE}\n</mermaid>"),
            format!("Here it is:\n\n{SOURCE}\n\nTitle: Two boxes"),
            format!("{SOURCE}\n\nThis diagram shows how A leads to B.\n\nTitle: Two boxes"),
            format!("```mermaid\n{SOURCE}\nTitle: Two boxes\n```"),
            format!("\u{feff}```json\n{{}}\n```\n```mermaid\n{SOURCE}\n```\nTitle: Two boxes"),
            format!(
                "<think>\n```mermaid\nflowchart LR\n  X --> Y\n```\n</think>\n```mermaid\n{SOURCE}\n```\nTitle: Two boxes"
            ),
        ];
        for answer in answers {
            assert_eq!(mermaid(&answer), (SOURCE.to_owned(), title.clone()), "{answer}");
        }
    }

    #[test]
    fn of_several_fences_the_asked_type_counts() {
        let answer = "```dot\ndigraph { a -> b }\n```\n```bash\nnpm i\n```\n```mermaid\nflowchart TD\n  A --> B\n```\n```d2\na -> b: x\n```";
        assert_eq!(source_of(answer, DiagramType::Mermaid), SOURCE);
        assert_eq!(source_of(answer, DiagramType::Graphviz), "digraph { a -> b }");
        assert_eq!(source_of(answer, DiagramType::D2), "a -> b: x");
        assert_eq!(extract("```bash\nnpm i\n```", DiagramType::Mermaid), None);
        let mistagged = "```javascript\nsequenceDiagram\n  A->>B: hi\n```";
        assert_eq!(source_of(mistagged, DiagramType::Mermaid), "sequenceDiagram\n  A->>B: hi");
        assert_eq!(source_of("```mermaid graph TD; A-->B```", DiagramType::Mermaid), "graph TD; A-->B");
    }

    #[test]
    fn a_fence_that_max_tokens_left_open_gives_what_there_is() {
        assert_eq!(mermaid("```mermaid\nflowchart TD\n  A -->").0, "flowchart TD\n  A -->");
        assert_eq!(
            mermaid("Here you are:\n```mermaid\nflowchart TD\n  A --> B\n\nTitle: Two"),
            (SOURCE.to_owned(), Some("Two".to_owned()))
        );
        assert_eq!(source_of("```plantuml\n@startuml\nA -> B", DiagramType::Plantuml), "@startuml\nA -> B");
        assert_eq!(extract("<think>I could draw\nflowchart TD\n A --> B", DiagramType::Mermaid), None);
    }

    #[test]
    fn front_matter_directives_and_comments_stay_and_name_it() {
        let pets = "---\ntitle: Pets\n---\n%% note\npie\n \"Dogs\" : 3";
        assert_eq!(mermaid(pets), (pets.to_owned(), Some("Pets".to_owned())));
        assert_eq!(mermaid(&format!("Sure:\n\n{pets}")).0, pets);
        assert_eq!(mermaid(&format!("```mermaid\n{pets}\n```")), (pets.to_owned(), Some("Pets".to_owned())));
        let init = "%%{init: {\"theme\": \"dark\"}}%%\n%% Login\nflowchart TD\n  A --> B";
        assert_eq!(mermaid(&format!("Of course.\n{init}")), (init.to_owned(), None));
        assert_eq!(mermaid("%% Login\nflowchart TD\n  A --> B").1.as_deref(), Some("Login"));
        assert_eq!(
            mermaid("gantt\n  title Our plan\n  section A\n  x :a, 2026-01-01, 1d").1.as_deref(),
            Some("Our plan")
        );
        assert_eq!(mermaid("pie title Pets\n  \"Dogs\" : 3").1.as_deref(), Some("Pets"));
    }

    #[test]
    fn prose_that_begins_like_a_keyword_is_no_source() {
        let answer = "Graph theory helps here.\nTimeline of events:\n\nflowchart TD\n  A --> B";
        assert_eq!(mermaid(answer).0, SOURCE);
        assert_eq!(extract("Pie charts are not what you want.", DiagramType::Mermaid), None);
        assert_eq!(extract("I cannot draw that.", DiagramType::Mermaid), None);
        assert_eq!(extract("```mermaid\n\n```", DiagramType::Mermaid), None);
        assert_eq!(extract("The way is a -> b, you see.\nMore of it.", DiagramType::Graphviz), None);
        assert_eq!(extract("", DiagramType::D2), None);
    }

    #[test]
    fn graphviz_ends_at_its_last_brace() {
        let dot = "digraph G {\n  label=\"Build } order\";\n  subgraph cluster_a { a -> b }\n}";
        let draft =
            extract(&format!("Here is the graph:\n\n{dot}\n\nIt shows the order."), DiagramType::Graphviz)
                .unwrap();
        assert_eq!((draft.source.as_str(), draft.title.as_deref()), (dot, Some("Build } order")));
        assert_eq!(source_of("strict graph{a--b}", DiagramType::Graphviz), "strict graph{a--b}");
    }

    #[test]
    fn plantuml_lives_between_its_marks() {
        let uml = "@startuml\ntitle Hello\nA -> B\n@enduml";
        for answer in [
            format!("Here:\n{uml}\nBye"),
            format!("```plantuml\n{uml}\n```"),
            format!("```\numl:\n{uml}\n\n```"),
        ] {
            let draft = extract(&answer, DiagramType::Plantuml).unwrap();
            assert_eq!((draft.source.as_str(), draft.title.as_deref()), (uml, Some("Hello")), "{answer}");
        }
        assert_eq!(source_of("```puml\nA -> B\n```", DiagramType::Plantuml), "@startuml\nA -> B\n@enduml");
        let mindmap = "@startmindmap\n* A\n** B\n@endmindmap";
        assert_eq!(source_of(mindmap, DiagramType::Plantuml), mindmap);
    }

    #[test]
    fn d2_comes_from_fences_or_is_the_whole_answer() {
        let d2 = "# Orders\ndirection: right\na: \"A\"\na -> b";
        let draft = extract(&format!("```d2\n{d2}\n```\nTitle: Orders"), DiagramType::D2).unwrap();
        assert_eq!((draft.source.as_str(), draft.title.as_deref()), (d2, Some("Orders")));
        assert_eq!(source_of(d2, DiagramType::D2), d2);
        assert_eq!(extract("Think of it so:\na -> b", DiagramType::D2), None);
        assert_eq!(source_of("```d2\nTitle: A\nx -> y\n```", DiagramType::D2), "Title: A\nx -> y");
    }

    proptest! {
        #[test]
        fn no_answer_breaks_it(answer in "(```|~~~|mermaid|flowchart TD|---|title:|Title:|@startuml|@end|<mermaid>|<think>|digraph|\\{|\\}|\"|> |%%|\\PC|\n| ){0,60}") {
            for diagram_type in DiagramType::ALL {
                if let Some(draft) = extract(&answer, diagram_type) {
                    prop_assert!(!draft.source.trim().is_empty());
                    prop_assert!(!draft.source.contains('\r'));
                    prop_assert!(draft.source.len() <= answer.len() + 20, "nothing is added but PlantUML's marks");
                    prop_assert!(draft.title.is_none_or(|title| !title.is_empty() && !title.contains('\n')));
                }
            }
        }
    }
}
