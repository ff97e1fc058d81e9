//! The project's own samples: `good/KIND….mmd` and `bad/KIND-MISTAKE.mmd`.

use std::path::Path;

/// A sample.
pub struct Sample {
    /// The file's name without its extension.
    pub name: String,
    pub source: String,
}

/// The samples of a folder, by name.
pub fn of(folder: &str) -> Vec<Sample> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagrams").join(folder);
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut samples: Vec<Sample> = paths
        .map(|path| Sample {
            name: path.file_stem().unwrap().to_string_lossy().into_owned(),
            source: std::fs::read_to_string(&path).unwrap(),
        })
        .collect();
    samples.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!samples.is_empty());
    samples
}
