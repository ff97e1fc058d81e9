//! The font that the server's pictures are measured with, for the frame that shows them: there, text
//! is as wide as the boxes around it. A build that draws nothing has none.

use crate::http::packed::File;

#[cfg(feature = "render")]
use crate::diagram::draw::{ARIMO, Face};

/// What tells the frame of the faces: one `meta` element for each.
#[cfg(feature = "render")]
pub fn tags() -> String {
    let tag = |Face { name, weight, style, .. }: &Face| {
        format!(
            "<meta name=\"diagramd-font\" content=\"assets/{name}\" data-weight=\"{weight}\" data-style=\"{style}\">\n"
        )
    };
    ARIMO.iter().map(tag).collect()
}

/// The file of a face, by its name.
#[cfg(feature = "render")]
pub fn file(name: &str) -> Option<File> {
    let face = ARIMO.iter().find(|face| face.name == name)?;
    Some(File { name: face.name, media_type: "font/ttf", packed: face.packed })
}

/// None.
#[cfg(not(feature = "render"))]
pub const fn tags() -> String {
    String::new()
}

/// None.
#[cfg(not(feature = "render"))]
pub const fn file(_: &str) -> Option<File> {
    None
}

#[cfg(all(test, feature = "render"))]
mod tests {
    use super::*;

    #[test]
    fn every_face_is_named_and_served_whole() {
        let tags = tags();
        for face in ARIMO {
            assert!(tags.contains(&format!("assets/{}", face.name)), "{}", face.name);
            crate::http::packed::tests::hold(&file(face.name).unwrap());
        }
        assert!(file("arimo.ttf").is_none());
    }
}
