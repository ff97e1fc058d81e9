//! `diagramd validate`: does a diagram parse? Without a server.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;

use super::output;
use crate::app;
use crate::domain::{DiagramType, SourceError, ValidationStatus};

/// More than any language here takes.
const SOURCE_BYTES_MAX: u64 = 4 << 20;

#[derive(Args, Debug)]
pub(super) struct Validate {
    /// The diagram's file; - is standard input
    file: PathBuf,
    /// The language: mermaid, graphviz, plantuml or d2 [default: by the file's name, else mermaid]
    #[arg(short = 't', long = "type", value_name = "TYPE")]
    diagram_type: Option<DiagramType>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// As the API tells it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Verdict<'a> {
    valid: bool,
    diagram_type: DiagramType,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    errors: &'a [SourceError],
}

impl Validate {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let name = self.file.display().to_string();
        let source = read(&self.file).with_context(|| format!("{name} cannot be read"))?;
        let diagram_type = self.diagram_type.unwrap_or_else(|| by_name(&self.file));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let Some(report) = runtime.block_on(app::validate_in_process(diagram_type, &source)) else {
            bail!("this build of diagramd cannot check {diagram_type}");
        };
        let valid = report.validation.status == ValidationStatus::Valid;
        let (kind, errors) = (report.kind.as_deref(), &report.validation.errors);
        if self.json {
            output::json(&Verdict { valid, diagram_type, kind, errors })?;
        } else {
            for error in errors {
                output::line(&format!("{}: {}", place(&name, error), output::safe(&error.message)))?;
            }
        }
        if !valid {
            bail!("{name} is not valid");
        }
        if !self.json {
            output::line(&format!("{name}: valid ({})", kind.unwrap_or(diagram_type.name())))?;
        }
        Ok(())
    }
}

/// The text of a file, or of standard input.
fn read(file: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().lock().take(SOURCE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    } else {
        std::fs::File::open(file)?.take(SOURCE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    }
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > SOURCE_BYTES_MAX {
        bail!("it has more than {SOURCE_BYTES_MAX} bytes");
    }
    String::from_utf8(bytes).context("it is not UTF-8 text")
}

pub(super) fn by_name(file: &Path) -> DiagramType {
    let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "dot" | "gv" => DiagramType::Graphviz,
        "puml" | "plantuml" | "pu" | "iuml" => DiagramType::Plantuml,
        "d2" => DiagramType::D2,
        _ => DiagramType::Mermaid,
    }
}

/// `FILE:LINE:COLUMN` as compilers write it, as far as the place is known.
fn place(name: &str, error: &SourceError) -> String {
    match (error.line, error.column) {
        (0, _) => name.to_owned(),
        (line, 0) => format!("{name}:{line}"),
        (line, column) => format!("{name}:{line}:{column}"),
    }
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
            assert_eq!(by_name(Path::new(name)), diagram_type, "{name}");
        }
    }

    #[test]
    fn places_are_told_as_far_as_they_are_known() {
        let error = |line, column| SourceError { line, column, message: String::new() };
        assert_eq!(place("a.mmd", &error(3, 7)), "a.mmd:3:7");
        assert_eq!(place("a.mmd", &error(3, 0)), "a.mmd:3");
        assert_eq!(place("a.mmd", &error(0, 0)), "a.mmd");
    }
}
