//! `diagramd validate`: does a diagram parse? Without a server.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;

use super::input::Sources;
use super::{output, source};
use crate::app;
use crate::domain::{DiagramType, ValidationStatus};

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

impl Validate {
    pub(super) fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let loaded = sources.load(Vec::new())?;
        let name = self.file.display().to_string();
        let text = source::read(&self.file).with_context(|| format!("{name} cannot be read"))?;
        let diagram_type = self.diagram_type.unwrap_or_else(|| source::type_of(&self.file));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let checking = app::validate_in_process(&loaded.config, diagram_type, &text);
        let Some(report) = runtime.block_on(checking)? else { bail!("{}", cannot_check(diagram_type)) };
        let valid = report.validation.status == ValidationStatus::Valid;
        let (kind, errors) = (report.kind.as_deref(), &report.validation.errors);
        if self.json {
            output::json(&app::Verdict::of(diagram_type, &report))?;
        } else {
            for error in errors {
                output::line(&format!("{}: {}", source::place(&name, error), output::safe(&error.message)))?;
            }
        }
        if report.validation.status == ValidationStatus::Unchecked {
            bail!("{name} could not be checked");
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

/// What would check it.
fn cannot_check(diagram_type: DiagramType) -> String {
    match diagram_type {
        DiagramType::Mermaid => {
            "this build of diagramd cannot check mermaid; build it with the feature `validate`".to_owned()
        }
        DiagramType::Graphviz | DiagramType::Plantuml | DiagramType::D2 => {
            format!(
                "nothing here can check {diagram_type}; a Kroki server can, if `kroki_url` in [render] names one"
            )
        }
    }
}
