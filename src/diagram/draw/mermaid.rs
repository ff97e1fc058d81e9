//! Mermaid drawn in this process.
//!
//! The crate that draws is behind this file: its names change with every version. Drawing keeps
//! to a deadline that it looks at now and then; call it on a thread of your own.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use merman::runtime::RuntimePolicy;
use merman::svg::export::NativeFontContext;
use merman::svg::{RootBackgroundPostprocessor, SvgPipeline, SvgRenderOptions};
use merman::{
    Engine, MermaidConfig, OperationControl, ParseDiagnosticSpanKind, ParseOptions, RenderError,
    RenderOutput, RenderRequest, Renderer, SvgEnvironment, SvgRequest, TerminalDiagnostic,
};

use crate::diagram::check;
use crate::diagram::picture::{Theme, Undrawn};
use crate::diagram::size;
use crate::domain::SourceError;

use super::clean::is_xml;
use super::edges::{self, EDGES_MAX};
use super::frame::framed;
use super::{clean, fonts, raster};

/// The prefix of every id in a drawing.
const ID: &str = "diagram";
/// Characters of a message; a renderer may quote the source.
const MESSAGE_CHARS_MAX: usize = 300;

/// Draws Mermaid. The fonts are read when the first picture is drawn.
pub struct Mermaid {
    fonts_dir: Option<PathBuf>,
    deadline: Duration,
    ready: OnceLock<Result<Ready, String>>,
}

struct Ready {
    fonts: NativeFontContext,
    environment: SvgEnvironment,
    renderers: [Renderer; Theme::ALL.len()],
}

impl Mermaid {
    /// With the fonts of a directory besides the built-in one; `deadline` is of one picture.
    pub const fn new(fonts_dir: Option<PathBuf>, deadline: Duration) -> Self {
        Self { fonts_dir, deadline, ready: OnceLock::new() }
    }

    /// The drawing, cleaned.
    ///
    /// # Errors
    /// Why there is none.
    pub fn svg(&self, source: &str, theme: Theme) -> Result<String, Undrawn> {
        let drawn = self.draw(source, theme)?;
        clean(&framed(&drawn)).map_err(|reason| Undrawn::Fault(reason.to_string()))
    }

    /// A cleaned drawing, by whomever, as a PNG.
    ///
    /// # Errors
    /// Why there is none.
    pub fn png(&self, svg: &str, theme: Theme, width: Option<u32>) -> Result<Vec<u8>, Undrawn> {
        raster::png(svg, &self.ready()?.fonts, theme, width, self.deadline)
    }

    fn draw(&self, source: &str, theme: Theme) -> Result<String, Undrawn> {
        if let Some(error) = size::too_large(source) {
            return Err(Undrawn::Source(vec![error]));
        }
        if edges::of_lists(source) > EDGES_MAX {
            let message =
                format!("This diagram has more than {EDGES_MAX} edges between lists of nodes. Split it.");
            return Err(Undrawn::source(message));
        }
        // What XML does not know is seen nowhere anyway.
        let source: String = source.chars().filter(|character| is_xml(*character)).collect();
        let source = source.as_str();
        let ready = self.ready()?;
        let renderer = &ready.renderers[theme as usize];
        let request = SvgRequest {
            environment: ready.environment.clone(),
            options: SvgRenderOptions { diagram_id: Some(ID.to_owned()), ..SvgRenderOptions::default() },
            pipeline: Some(
                SvgPipeline::resvg_safe()
                    .with_postprocessor(RootBackgroundPostprocessor::new(theme.background())),
            ),
            ..SvgRequest::default()
        };
        let control = OperationControl::new().with_deadline(self.deadline);
        match renderer.render(RenderRequest::svg(source, control, request)) {
            Ok(RenderOutput::Svg(Some(drawn))) => Ok(drawn.into_parts().0),
            Ok(_) => Err(Undrawn::source("This is no diagram.")),
            Err(reason) => Err(self.undrawn(&reason, source)),
        }
    }

    fn ready(&self) -> Result<&Ready, Undrawn> {
        let ready = self.ready.get_or_init(|| Ready::load(self));
        ready.as_ref().map_err(|reason| Undrawn::Fault(format!("the fonts cannot be read: {reason}")))
    }

    fn undrawn(&self, reason: &RenderError, source: &str) -> Undrawn {
        match reason {
            RenderError::Cancelled(_) => Undrawn::TooSlow(self.deadline),
            RenderError::Parse(diagnostic) => Undrawn::Source(vec![error(diagnostic, source)]),
            RenderError::NoDiagram => Undrawn::source("This is no diagram."),
            RenderError::ResourceLimitExceeded(limit) => {
                tracing::debug!(
                    limit = limit.id,
                    actual = limit.actual,
                    maximum = limit.maximum,
                    "too large"
                );
                Undrawn::source(
                    "This diagram is too large to be drawn here, though it may be valid. Split it, or draw fewer \
                     nodes and edges.",
                )
            }
            RenderError::NativeFont(_)
            | RenderError::RuntimePolicy(_)
            | RenderError::UnsupportedTarget(_) => Undrawn::Fault(reason.to_string()),
            other => Undrawn::source(short(&other.to_string())),
        }
    }
}

impl Ready {
    fn load(mermaid: &Mermaid) -> Result<Self, String> {
        let fonts = fonts::load(mermaid.fonts_dir.as_deref())?;
        let environment = SvgEnvironment::deterministic()
            .with_native_font_context(fonts.clone())
            .map_err(|reason| reason.to_string())?;
        Ok(Self { fonts, environment, renderers: Theme::ALL.map(renderer) })
    }
}

/// A renderer whose pictures depend on nothing but the source.
fn renderer(theme: Theme) -> Renderer {
    let config = MermaidConfig::from_value(serde_json::json!({
        "theme": theme.name(),
        "fontFamily": "arial, sans-serif",
        "layout": "dagre",
    }));
    let engine = Engine::new().with_site_config(config).with_runtime_policy(RuntimePolicy::deterministic());
    Renderer::new().with_engine(engine).with_parse_options(ParseOptions::strict())
}

impl check::Drawing for Mermaid {
    fn draws(&self, source: &str) -> Result<(), Vec<SourceError>> {
        match self.draw(source, Theme::Default) {
            Ok(_) => Ok(()),
            Err(Undrawn::Source(errors)) => Err(errors),
            // No word on the source: the parser's verdict stands.
            Err(reason) => {
                tracing::warn!(%reason, "a diagram was not drawn for its verdict");
                Ok(())
            }
        }
    }
}

/// The parser's words; its place only where it is sure of it.
fn error(diagnostic: &TerminalDiagnostic, source: &str) -> SourceError {
    let details = diagnostic.terminal_diagnostic_details();
    let is_sure = matches!(
        details.span_kind,
        Some(ParseDiagnosticSpanKind::Exact | ParseDiagnosticSpanKind::InsertionPoint)
    );
    let (line, column) = details.span.filter(|_| is_sure).map_or((0, 0), |span| place(source, span.start));
    SourceError { line, column, message: short(&diagnostic.terminal_safe_message()) }
}

/// Line and column of a byte, 1-based.
fn place(source: &str, at: usize) -> (u32, u32) {
    let Some(before) = source.get(..at) else { return (0, 0) };
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    (u32::try_from(line).unwrap_or(0), u32::try_from(column).unwrap_or(0))
}

fn short(message: &str) -> String {
    let mut short: String = message.chars().take(MESSAGE_CHARS_MAX).collect();
    if short.len() < message.len() {
        short.push('…');
    }
    short
}
