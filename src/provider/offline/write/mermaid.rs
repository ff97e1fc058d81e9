//! Mermaid.

use std::fmt::Write;

use crate::provider::offline::sketch::{
    Classes, Entities, Flow, Many, Outline, Sequence, Shape, Sketch, Task,
};

pub(super) fn write(sketch: &Sketch, title: &str) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = match sketch {
        Sketch::Flow(flow) => flowchart(&mut out, flow),
        Sketch::Sequence(sequence) => messages(&mut out, sequence),
        Sketch::Entities(entities) => relations(&mut out, entities),
        Sketch::States(states) => moves(&mut out, states),
        Sketch::Tasks(tasks) => plan(&mut out, tasks, title),
        Sketch::Classes(classes) => types(&mut out, classes),
        Sketch::Outline(outline) => mindmap(&mut out, outline),
    };
    out.trim_end().to_owned()
}

/// A label inside quotes: Mermaid knows no backslash, only entities.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("#quot;"),
            '#' => out.push_str("#35;"),
            '&' => out.push_str("#amp;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '`' => out.push('\''),
            '\\' => out.push('/'),
            ';' => out.push(','),
            other => out.push(other),
        }
    }
    out + "\""
}

/// Text where nothing can be quoted: letters, digits and harmless signs only.
fn plain(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || matches!(c, ' ' | '_' | '.' | '/' | '?' | '!' | '\'' | '…') {
                c
            } else {
                ' '
            }
        })
        .collect();
    let words: Vec<&str> = clean.split_whitespace().collect();
    if words.is_empty() { "unnamed".to_owned() } else { words.join(" ") }
}

fn flowchart(out: &mut String, flow: &Flow) -> std::fmt::Result {
    writeln!(out, "flowchart {}", if flow.is_short_chain() { "LR" } else { "TD" })?;
    for (index, (label, shape)) in flow.nodes.iter().enumerate() {
        let label = quoted(label);
        let (open, close) = match shape {
            Shape::Step => ("[", "]"),
            Shape::End => ("([", "])"),
            Shape::Decision => ("{", "}"),
            Shape::Store => ("[(", ")]"),
        };
        writeln!(out, "    n{}{open}{label}{close}", index + 1)?;
    }
    for (from, to, label) in &flow.edges {
        let label = label.as_ref().map_or(String::new(), |label| format!("|{}|", quoted(label)));
        writeln!(out, "    n{} -->{label} n{}", from + 1, to + 1)?;
    }
    Ok(())
}

fn messages(out: &mut String, sequence: &Sequence) -> std::fmt::Result {
    const PEOPLE: &[&str] =
        &["user", "customer", "client", "admin", "person", "visitor", "operator", "buyer"];
    writeln!(out, "sequenceDiagram")?;
    for (index, name) in sequence.participants.iter().enumerate() {
        let kind = if PEOPLE.contains(&name.to_lowercase().as_str()) { "actor" } else { "participant" };
        writeln!(out, "    {kind} p{} as {}", index + 1, plain(name))?;
    }
    for message in &sequence.messages {
        let arrow = if message.reply { "-->>" } else { "->>" };
        writeln!(out, "    p{}{arrow}p{}: {}", message.from + 1, message.to + 1, plain(&message.text))?;
    }
    Ok(())
}

/// A name of letters, digits and underscores that begins with a letter and is no keyword.
fn identifier(text: &str) -> String {
    let clean: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(40).collect();
    format!(
        "{}{clean}",
        if clean.starts_with(|c: char| c.is_ascii_uppercase()) && !is_reserved(&clean) { "" } else { "x_" }
    )
}

fn is_reserved(name: &str) -> bool {
    ["end", "default", "class", "state", "note", "title", "style", "direction", "accTitle", "accDescr"]
        .iter()
        .any(|word| word.eq_ignore_ascii_case(name))
}

fn relations(out: &mut String, entities: &Entities) -> std::fmt::Result {
    writeln!(out, "erDiagram")?;
    for (index, (name, attributes)) in entities.entities.iter().enumerate() {
        write!(out, "    e{}[{}]", index + 1, quoted(name))?;
        if attributes.is_empty() {
            writeln!(out)?;
            continue;
        }
        writeln!(out, " {{")?;
        for attribute in attributes {
            let clean: String =
                attribute.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(40).collect();
            let clean = clean.trim_matches('_');
            let name = if clean.starts_with(|c: char| c.is_ascii_alphabetic()) {
                clean.to_owned()
            } else {
                format!("a_{clean}")
            };
            let (kind, key) = if name.eq_ignore_ascii_case("id") {
                ("int", " PK")
            } else if name.ends_with("_id") {
                ("int", " FK")
            } else {
                ("string", "")
            };
            writeln!(out, "        {kind} {name}{key}")?;
        }
        writeln!(out, "    }}")?;
    }
    for (from, to, many, label) in &entities.relations {
        let ends = if *many == Many::Many { "||--o{" } else { "||--||" };
        writeln!(out, "    e{} {ends} e{} : {}", from + 1, to + 1, quoted(label))?;
    }
    Ok(())
}

fn moves(out: &mut String, states: &Flow) -> std::fmt::Result {
    writeln!(out, "stateDiagram-v2")?;
    for (index, (label, _)) in states.nodes.iter().enumerate() {
        writeln!(out, "    state {} as s{}", quoted(label).replace("#quot;", "'"), index + 1)?;
    }
    writeln!(out, "    [*] --> s1")?;
    for (from, to, label) in &states.edges {
        let label = label.as_ref().map_or(String::new(), |label| format!(" : {}", plain(label)));
        writeln!(out, "    s{} --> s{}{label}", from + 1, to + 1)?;
    }
    let last = (0..states.nodes.len()).filter(|node| states.edges.iter().all(|(from, ..)| from != node));
    for node in last {
        writeln!(out, "    s{} --> [*]", node + 1)?;
    }
    Ok(())
}

fn plan(out: &mut String, tasks: &[Task], title: &str) -> std::fmt::Result {
    writeln!(out, "gantt\n    title {}\n    dateFormat YYYY-MM-DD\n    section Plan", plain(title))?;
    for (index, task) in tasks.iter().enumerate() {
        let start = task.start.clone().unwrap_or_else(|| format!("after t{index}"));
        writeln!(out, "    {} :t{}, {start}, {}d", plain(&task.name), index + 1, task.days)?;
    }
    Ok(())
}

fn types(out: &mut String, classes: &Classes) -> std::fmt::Result {
    writeln!(out, "classDiagram")?;
    for (name, members) in &classes.classes {
        let id = identifier(name);
        if members.is_empty() {
            writeln!(out, "    class {id}")?;
            continue;
        }
        writeln!(out, "    class {id} {{")?;
        for member in members {
            writeln!(out, "        +{member}")?;
        }
        writeln!(out, "    }}")?;
    }
    for (derived, base) in &classes.bases {
        writeln!(
            out,
            "    {} <|-- {}",
            identifier(&classes.classes[*base].0),
            identifier(&classes.classes[*derived].0)
        )?;
    }
    Ok(())
}

fn mindmap(out: &mut String, outline: &Outline) -> std::fmt::Result {
    writeln!(out, "mindmap\n  root((\"{}\"))", plain(&outline.root))?;
    for (index, (depth, text)) in outline.items.iter().enumerate() {
        writeln!(out, "{}n{}[\"{}\"]", " ".repeat(4 + 2 * depth), index + 1, plain(text))?;
    }
    Ok(())
}
