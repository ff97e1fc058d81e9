//! `diagramd render`: a picture of a diagram that you have, without a server.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::exit::UsageError;
use super::input::Sources;
use super::source;
use crate::app::{self, DrawRequest, Format, Theme, WIDTH_MAX, WIDTH_MIN};
use crate::domain::DiagramType;

#[derive(Args, Debug)]
pub(super) struct Render {
    /// The diagram's file; - is standard input
    file: PathBuf,
    /// The language: mermaid, graphviz, plantuml or d2 [default: by the file's name, else mermaid]
    #[arg(short = 't', long = "type", value_name = "TYPE")]
    diagram_type: Option<DiagramType>,
    /// Write the picture here; - is standard output. Its name ends in .svg or .png
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The format: svg or png [default: by the output's name, else svg]
    #[arg(short, long, value_name = "FORMAT", value_parser = format)]
    format: Option<Format>,
    /// The colours: default, neutral, dark or forest
    #[arg(long, value_name = "THEME", default_value_t)]
    theme: Theme,
    /// Width of a PNG in pixels, 16 to 4096 [default: twice the picture's own]
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(i64::from(WIDTH_MIN)..=i64::from(WIDTH_MAX)))]
    width: Option<u32>,
}

impl Render {
    pub(super) fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let format = self.format()?;
        if self.width.is_some() && format == Format::Svg {
            return Err(usage("--width is for a PNG; an SVG has any width"));
        }
        let to_standard_output = self.output.as_deref().is_none_or(|output| output == Path::new("-"));
        if format == Format::Png && to_standard_output && std::io::stdout().is_terminal() {
            return Err(usage("a PNG is not for a terminal; name a file with -o FILE.png"));
        }
        let loaded = sources.load(Vec::new())?;
        let configured = loaded.warnings.iter().filter(|warning| warning.path.starts_with("render"));
        for warning in configured.chain(&app::check_render(&loaded.config)?) {
            eprintln!("warning: {warning}");
        }
        let name = self.file.display().to_string();
        let text = source::read(&self.file).with_context(|| format!("{name} cannot be read"))?;
        let request = DrawRequest {
            diagram_type: self.diagram_type.unwrap_or_else(|| source::type_of(&self.file)),
            source: text,
            format,
            theme: self.theme,
            width: self.width,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let picture = match runtime.block_on(app::draw_in_process(&loaded.config, &request)) {
            Ok(picture) => picture,
            Err(reason) => return Err(source::explained(&name, reason)),
        };
        match self.output.as_deref() {
            Some(file) if !to_standard_output => {
                std::fs::write(file, picture).with_context(|| format!("{} cannot be written", file.display()))
            }
            _ => {
                let mut out = std::io::stdout().lock();
                out.write_all(&picture)
                    .and_then(|()| out.flush())
                    .context("standard output cannot be written")
            }
        }
    }

    fn format(&self) -> anyhow::Result<Format> {
        let by_name = match &self.output {
            Some(file) if file != Path::new("-") => Some(source::format_of(file).ok_or_else(|| {
                usage(format!("{}: a picture's name ends in .svg or .png", file.display()))
            })?),
            _ => None,
        };
        match (self.format, by_name) {
            (Some(asked), Some(named)) if asked != named => {
                Err(usage("--format and the output's name say different things"))
            }
            (Some(format), _) | (None, Some(format)) => Ok(format),
            (None, None) => Ok(Format::Svg),
        }
    }
}

fn usage(message: impl Into<String>) -> anyhow::Error {
    UsageError(message.into()).into()
}

fn format(text: &str) -> Result<Format, String> {
    match text {
        "svg" => Ok(Format::Svg),
        "png" => Ok(Format::Png),
        _ => Err("expected svg or png".to_owned()),
    }
}
