//! A cleaned SVG -> a PNG.

use std::time::Duration;

use merman::OperationControl;
use merman::svg::export::{
    NativeFontContext, RasterOptions, RasterSizeLimit, svg_raster_plan_controlled, svg_to_png_controlled,
};
use merman_render::environment::RenderEnvironment;
use merman_render::svg::finalize_resvg_svg;

use crate::diagram::picture::{Theme, Undrawn, WIDTH_MAX};

/// How much larger than its own size a picture is when no width is asked for: sharp on any screen.
const SCALE: f64 = 2.0;
/// Of one picture; four bytes each.
const PIXELS_MAX: u64 = 16 << 20;

/// Of all layers of a picture together: each gradient, mask, filter or part of its own opacity may
/// be painted over the whole of it, and painting cannot be stopped on the way.
const PAINTED_PIXELS_MAX: u64 = 1 << 30;

/// The PNG, on the theme's background. A picture that would have more than 4096 pixels on a side,
/// or 16 million in all, or that would take long to paint, is made smaller.
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
    let pixels_max = PIXELS_MAX.min(PAINTED_PIXELS_MAX / layers(svg));
    let svg = finalize_resvg_svg(svg, &session).map_err(|reason| refused(&reason))?;
    let mut options = RasterOptions::default()
        .with_background(theme.background())
        .with_size_limit(limit(WIDTH_MAX, pixels_max))
        .with_font_context(fonts.for_operation(&control));
    let scale = match width {
        Some(width) => {
            let own = svg_raster_plan_controlled(&svg, &options, control.clone())
                .map_err(|reason| refused(&reason))?;
            // The plan's width is rounded: a little too much here, and the limit makes it exact.
            f64::from(width) / (own.requested_width_px - 1.0).max(1.0)
        }
        None => SCALE,
    };
    options = options.with_scale(scale as f32).with_size_limit(limit(width.unwrap_or(WIDTH_MAX), pixels_max));
    svg_to_png_controlled(&svg, &options, control.clone()).map_err(|reason| refused(&reason))
}

const fn limit(width_max: u32, pixels_max: u64) -> RasterSizeLimit {
    RasterSizeLimit::new(Some(width_max), Some(WIDTH_MAX), Some(pixels_max))
}

/// Layers that an SVG asks for, counted high; at least 1.
fn layers(svg: &str) -> u64 {
    let asked = ["url(#", "opacity", "mix-blend-mode"].map(|mark| svg.matches(mark).count());
    u64::try_from(asked.iter().sum::<usize>()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layer_counts() {
        assert_eq!(layers("<svg/>"), 1);
        let svg =
            "<svg><g opacity=\".5\"/><path stroke=\"url(#a)\" style=\"mix-blend-mode:multiply\"/></svg>";
        assert_eq!(layers(svg), 3);
    }
}
