//! The fonts that pictures are measured and drawn with: Arimo, which is in the binary, and those
//! of a directory of the operator's.
//!
//! Arimo has Latin, Greek, Cyrillic and Hebrew letters and the widths of Arial. A character that
//! no font has is drawn as a box.

use std::io::Read;
use std::path::{Path, PathBuf};

use merman::OperationControl;
use merman::svg::export::{NativeFontContext, NativeFontLimits};

/// A face of the built-in font, for whoever shows pictures as they were measured.
#[derive(Clone, Copy, Debug)]
pub struct Face {
    /// A name for its file, which changes with its content.
    pub name: &'static str,
    /// As CSS counts: 400 or 700.
    pub weight: u16,
    /// As CSS says: `normal` or `italic`.
    pub style: &'static str,
    /// TrueType, brotli.
    pub packed: &'static [u8],
}

/// Packed by `build.rs`.
pub const ARIMO: [Face; 4] = include!(concat!(env!("OUT_DIR"), "/arimo.rs"));
/// More than one of them has, unpacked.
const FONT_BYTES_MAX: u64 = 4 << 20;
/// Of the operator's directory: files, and bytes of all together.
const FILES_MAX: usize = 128;
const DIRECTORY_BYTES_MAX: u64 = 256 << 20;

/// All fonts there are; the binary's come first. A file that is no font is left out, and named
/// when the server starts ([`faulty`]).
///
/// # Errors
/// A directory that cannot be read, or has too much in it.
pub fn load(directory: Option<&Path>) -> Result<NativeFontContext, String> {
    let mut fonts = Vec::new();
    for face in ARIMO {
        let mut font = Vec::new();
        let mut unpacked = brotli_decompressor::Decompressor::new(face.packed, 4096).take(FONT_BYTES_MAX);
        unpacked.read_to_end(&mut font).map_err(|reason| format!("the built-in font: {reason}"))?;
        fonts.push(font);
    }
    if let Some(directory) = directory {
        let read = read(directory).map_err(|reason| format!("{}: {reason}", directory.display()))?;
        fonts.extend(read.into_iter().filter_map(|(_, font)| font.ok()));
    }
    context(fonts)
}

/// The files of a directory that are left out, each with the reason.
///
/// # Errors
/// A directory that cannot be read, or has too much in it.
pub fn faulty(directory: &Path) -> Result<Vec<(PathBuf, String)>, String> {
    let left_out = |(path, font): Found| Some((path, font.err()?));
    Ok(read(directory)?.into_iter().filter_map(left_out).collect())
}

fn context(fonts: Vec<Vec<u8>>) -> Result<NativeFontContext, String> {
    let limits = NativeFontLimits {
        max_bytes: usize::try_from(DIRECTORY_BYTES_MAX + FONT_BYTES_MAX * 4).unwrap_or(usize::MAX),
        ..NativeFontLimits::default()
    };
    NativeFontContext::from_font_bytes(fonts, limits, &OperationControl::new())
        .map_err(|reason| reason.to_string())
}

/// A file that should hold a font, and the font or why there is none.
type Found = (PathBuf, Result<Vec<u8>, String>);

/// The fonts of a directory, by name, so that every start sees the same order.
fn read(directory: &Path) -> Result<Vec<Found>, String> {
    let entries = std::fs::read_dir(directory).map_err(|reason| format!("it cannot be read: {reason}"))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|reason| reason.to_string())?.path();
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if matches!(extension.to_ascii_lowercase().as_str(), "ttf" | "otf" | "ttc" | "otc") {
            paths.push(path);
        }
        if paths.len() > FILES_MAX {
            return Err(format!("it has more than {FILES_MAX} fonts"));
        }
    }
    paths.sort();
    let (mut bytes, mut found) = (0, Vec::new());
    for path in paths {
        bytes += std::fs::metadata(&path).map_or(0, |file| file.len());
        if bytes > DIRECTORY_BYTES_MAX {
            return Err(format!("its fonts have more than {} MiB", DIRECTORY_BYTES_MAX >> 20));
        }
        let font = std::fs::read(&path).map_err(|reason| format!("it cannot be read: {reason}"));
        // One that is none would spoil all of them.
        let font = font.and_then(|font| match context(vec![font.clone()]) {
            Ok(_) => Ok(font),
            Err(_) => Err("it is no font".to_owned()),
        });
        found.push((path, font));
    }
    Ok(found)
}
