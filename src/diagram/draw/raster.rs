//! A cleaned SVG -> a PNG.

use std::time::Duration;

use merman::OperationControl;
use merman::svg::export::{
    NativeFontContext, RasterFitBox, RasterOptions, RasterSizeLimit, svg_to_png_controlled,
};
use merman_render::environment::RenderEnvironment;
use merman_render::svg::finalize_resvg_svg;

use crate::diagram::picture::{Theme, Undrawn, WIDTH_MAX};

/// How much larger than its own size a picture is when no width is asked for: sharp on any screen.
const SCALE: f32 = 2.0;
/// Of one picture; four bytes each.
const PIXELS_MAX: u64 = 16 << 20;

/// The PNG, on the theme's background. A picture that would have more than 4096 pixels on a side,
/// or 16 million in all, is made smaller.
///
/// # Errors
/// [`Undrawn::TooSlow`], and [`Undrawn::Source`] for what is too much to be painted.
pub fn png(
    svg: &str,
    fonts: &NativeFontContext,
    theme: Theme,
    width: Option<u32>,
    deadline: Duration,
) -> Result<Vec<u8>, Undrawn> {
    let control = OperationControl::new().with_deadline(deadline);
    let environment = RenderEnvironment::deterministic();
    let session = environment
        .begin_session_with_control(control.clone())
        .map_err(|reason| Undrawn::Fault(reason.to_string()))?;
    let refused = |reason: &dyn std::fmt::Display| {
        if control.is_cancelled() || control.checkpoint().is_err() {
            return Undrawn::TooSlow(deadline);
        }
        Undrawn::source(format!("It is too large, or too intricate, to be painted: {reason}"))
    };
    let svg = finalize_resvg_svg(svg, &session).map_err(|reason| refused(&reason))?;
    let mut options = RasterOptions::default()
        .with_background(theme.background())
        .with_size_limit(RasterSizeLimit::new(Some(WIDTH_MAX), Some(WIDTH_MAX), Some(PIXELS_MAX)))
        .with_font_context(fonts.for_operation(&control));
    options = match width {
        Some(width) => options.with_fit_to(RasterFitBox::width(width)),
        None => options.with_scale(SCALE),
    };
    svg_to_png_controlled(&svg, &options, control.clone()).map_err(|reason| refused(&reason))
}
