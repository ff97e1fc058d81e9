//! `diagramd validate`: does a diagram parse? Without a server.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;

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
    pub(super) fn run(self) -> anyhow::Result<()> {
        let name = self.file.display().to_string();
        let text = source::read(&self.file).with_context(|| format!("{name} cannot be read"))?;
        let diagram_type = self.diagram_type.unwrap_or_else(|| source::type_of(&self.file));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let Some(report) = runtime.block_on(app::validate_in_process(diagram_type, &text)) else {
            bail!("this build of diagramd cannot check {diagram_type}");
        };
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
