//! What draws and what checks, from `[render]`.

use std::sync::Arc;

use anyhow::Context;

use crate::client::kroki::Kroki;
use crate::config::{Config, Fault, Faults, Warning};
use crate::diagram::check::Checker;
use crate::diagram::checkers;
use crate::diagram::draw::{Dot, Settings, Studio, faulty_fonts};
use crate::diagram::drawn::ByDrawing;
use crate::diagram::picture::{Artist, Order, Remote};
use crate::domain::DiagramType;

use super::program::own_program;

pub use crate::diagram::picture::{Format, Theme, Undrawn, WIDTH_MAX, WIDTH_MIN};

/// What draws and what checks.
pub(super) struct Pictures {
    /// Draws.
    pub(super) artist: Arc<dyn Artist>,
    /// Checks; some kinds by drawing.
    pub(super) checker: Arc<dyn Checker>,
}

/// Both, as the configuration says; what is wrong with its fonts and programs tells
/// [`check_render`].
///
/// # Errors
/// A Kroki server's address that cannot be used.
pub(super) fn pictures(config: &Config) -> anyhow::Result<Pictures> {
    let render = &config.render;
    let kroki = |url: &String| -> anyhow::Result<Arc<dyn Remote>> {
        let kroki =
            Kroki::new(url.clone(), render.kroki_timeout).context("render.kroki_url cannot be used")?;
        Ok(Arc::new(kroki))
    };
    let remote = render.kroki_url.as_ref().map(kroki).transpose()?;
    let settings = Settings {
        fonts_dir: render.fonts_dir.clone(),
        deadline: render.timeout,
        dot: render.dot.clone(),
        cache_bytes_max: render.cache_size,
    };
    let studio = Studio::new(settings, remote.clone());
    let checker = checkers::built_in(&own_program(), studio.second_opinion());
    let checker = match remote {
        Some(remote) => Arc::new(ByDrawing::new(checker, remote)),
        None => checker,
    };
    Ok(Pictures { artist: Arc::new(studio), checker })
}

/// What of `[render]` is not as it was meant though pictures are drawn: files of the directory of
/// fonts that are none, and are left out; a program for Graphviz that is not there.
///
/// # Errors
/// The fault of `render.fonts_dir`: a directory that cannot be read, or has too much in it.
pub fn check_render(config: &Config) -> Result<Vec<Warning>, Faults> {
    let render = &config.render;
    let mut warnings = Vec::new();
    if let Some(directory) = &render.fonts_dir {
        let path = "render.fonts_dir".to_owned();
        let unreadable = |message: String| {
            let (path, message) = (path.clone(), format!("{}: {message}", directory.display()));
            Faults::new(vec![Fault { path, message, origin: None }])
        };
        for (file, reason) in faulty_fonts(directory).map_err(unreadable)? {
            let message = format!("{}: {reason}; pictures are drawn without it", file.display());
            warnings.push(Warning { path: path.clone(), message });
        }
    }
    // Not to have Graphviz is nothing to warn of; to name a program that is not there is.
    let is_named = render.dot != Settings::default().dot;
    if is_named && Dot::find(&render.dot, render.timeout).is_none() {
        let program = render.dot.display();
        let message =
            format!("{program} is no program that can be run; Graphviz diagrams are not drawn by it");
        warnings.push(Warning { path: "render.dot".to_owned(), message });
    }
    Ok(warnings)
}

/// A picture to draw without a server.
#[derive(Clone, Debug)]
pub struct DrawRequest {
    /// The language.
    pub diagram_type: DiagramType,
    /// The text.
    pub source: String,
    /// The format.
    pub format: Format,
    /// The colours.
    pub theme: Theme,
    /// Width of a PNG in pixels.
    pub width: Option<u32>,
}

impl DrawRequest {
    /// In the default colours and size.
    pub fn plain(diagram_type: DiagramType, source: &str, format: Format) -> Self {
        Self { diagram_type, source: source.to_owned(), format, theme: Theme::Default, width: None }
    }
}

/// `render` without a server: one picture, drawn in this process.
///
/// # Errors
/// [`Undrawn`], and a Kroki server's address that cannot be used.
pub async fn draw_in_process(config: &Config, request: &DrawRequest) -> anyhow::Result<Vec<u8>> {
    let Pictures { artist, .. } = pictures(config)?;
    let DrawRequest { diagram_type, source, format, theme, width } = request;
    let order = Order {
        diagram_type: *diagram_type,
        source,
        format: *format,
        theme: *theme,
        width: *width,
        caller: 0,
    };
    Ok(artist.draw(order).await?.to_vec())
}
