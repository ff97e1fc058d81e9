//! `[render]`: how pictures are drawn.

use std::path::PathBuf;
use std::time::Duration;

use super::address;
use super::reader::Section;

/// `[render]`.
#[derive(Clone, Debug)]
pub struct Render {
    /// Fonts besides the built-in one.
    pub fonts_dir: Option<PathBuf>,
    /// What one picture may take.
    pub timeout: Duration,
    /// Graphviz's program: its path, or its name on the search path.
    pub dot: PathBuf,
    /// A Kroki server; `None`: nothing is sent anywhere.
    pub kroki_url: Option<String>,
    /// What one call of it may take.
    pub kroki_timeout: Duration,
    /// Bytes of pictures that are kept in memory.
    pub cache_size: u64,
}

const MS: Duration = Duration::from_millis(1);
const TIMEOUT_MAX: Duration = Duration::from_secs(60);

impl Render {
    pub(super) fn read(section: &Section<'_>) -> Self {
        Self {
            fonts_dir: section.parsed("fonts_dir", |text| Ok(PathBuf::from(text))),
            timeout: section.duration("timeout", Duration::from_secs(2), MS..=TIMEOUT_MAX),
            dot: PathBuf::from(section.text("dot", "dot")),
            kroki_url: section.parsed("kroki_url", address::base_url),
            kroki_timeout: section.duration("kroki_timeout", Duration::from_secs(10), MS..=TIMEOUT_MAX),
            cache_size: section.size("cache_size", 64 << 20, 0..=1024 << 30),
        }
    }
}
