//! Diagrams in files: reading one, and what its name says.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};

use super::output;
use crate::app::{Format, Undrawn};
use crate::domain::{DiagramType, SourceError};

/// More than any language here takes.
const BYTES_MAX: u64 = 4 << 20;

/// The text of a file, or of standard input.
pub(super) fn read(file: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().lock().take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
    } else {
        std::fs::File::open(file)?.take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
    }
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > BYTES_MAX {
        bail!("it has more than {BYTES_MAX} bytes");
    }
    String::from_utf8(bytes).context("it is not UTF-8 text")
}

/// The language that a file's name says.
pub(super) fn type_of(file: &Path) -> DiagramType {
    match extension(file).as_str() {
        "dot" | "gv" => DiagramType::Graphviz,
        "puml" | "plantuml" | "pu" | "iuml" => DiagramType::Plantuml,
        "d2" => DiagramType::D2,
        _ => DiagramType::Mermaid,
    }
}

/// The picture's format that a file's name says.
pub(super) fn format_of(file: &Path) -> Option<Format> {
    match extension(file).as_str() {
        "svg" => Some(Format::Svg),
        "png" => Some(Format::Png),
        _ => None,
    }
}

/// The smallest diagram of a language that shows whether it can be drawn.
pub(super) const fn sample(diagram_type: DiagramType) -> &'static str {
    match diagram_type {
        DiagramType::Mermaid => "flowchart LR\n  a --> b\n",
        DiagramType::Graphviz => "digraph { a -> b }\n",
        DiagramType::Plantuml => "@startuml\na -> b\n@enduml\n",
        DiagramType::D2 => "a -> b\n",
    }
}

fn extension(file: &Path) -> String {
    file.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_ascii_lowercase()
}

/// `FILE:LINE:COLUMN` as compilers write it, as far as the place is known.
pub(super) fn place(name: &str, error: &SourceError) -> String {
    match (error.line, error.column) {
        (0, _) => name.to_owned(),
        (line, 0) => format!("{name}:{line}"),
        (line, column) => format!("{name}:{line}:{column}"),
    }
}

/// Why there is no picture, every fault of the source on a line of its own.
pub(super) fn explained(name: &str, reason: anyhow::Error) -> anyhow::Error {
    let Some(Undrawn::Source(errors)) = reason.downcast_ref() else {
        return reason.context(format!("{name} is not drawn"));
    };
    let lines: Vec<String> = errors
        .iter()
        .map(|error| format!("{}: {}", place(name, error), output::safe(&error.message)))
        .collect();
    anyhow::anyhow!("{name} cannot be drawn\n{}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_known_by_the_files_name() {
        for (name, diagram_type) in [
            ("a.mmd", DiagramType::Mermaid),
            ("-", DiagramType::Mermaid),
            ("README", DiagramType::Mermaid),
            ("a.b/c.DOT", DiagramType::Graphviz),
            ("x.puml", DiagramType::Plantuml),
            ("x.d2", DiagramType::D2),
        ] {
            assert_eq!(type_of(Path::new(name)), diagram_type, "{name}");
        }
        assert_eq!(format_of(Path::new("a.PNG")), Some(Format::Png));
        assert_eq!(format_of(Path::new("svg")), None);
    }

    #[test]
    fn places_are_told_as_far_as_they_are_known() {
        let error = |line, column| SourceError { line, column, message: String::new() };
        assert_eq!(place("a.mmd", &error(3, 7)), "a.mmd:3:7");
        assert_eq!(place("a.mmd", &error(3, 0)), "a.mmd:3");
        assert_eq!(place("a.mmd", &error(0, 0)), "a.mmd");
    }
}
