//! Drawing: Mermaid in this process, Graphviz by its own program, the rest by a server.
//!
//! Whatever draws, its SVG is read again and only what is allowed is written (`clean`), and PNGs
//! are made of that. Nothing drawn has script in it or points elsewhere.

mod cache;
mod clean;
mod css;
mod dot;
#[cfg(feature = "render")]
mod edges;
#[cfg(feature = "render")]
mod fonts;
#[cfg(feature = "render")]
mod frame;
#[cfg(feature = "render")]
mod mermaid;
#[cfg(feature = "render")]
mod raster;
mod studio;
mod threads;
mod turns;

pub use clean::clean;
pub use dot::Dot;
#[cfg(feature = "render")]
pub use fonts::{ARIMO, Face, faulty as faulty_fonts};
#[cfg(feature = "render")]
pub use mermaid::Mermaid;
pub use studio::{Settings, Studio};
pub use turns::Turns;

/// This build reads no fonts.
///
/// # Errors
/// None.
#[cfg(not(feature = "render"))]
pub fn faulty_fonts(_: &std::path::Path) -> Result<Vec<(std::path::PathBuf, String)>, String> {
    Ok(Vec::new())
}
