//! Pictures of sources: the seam between whoever wants one and whoever draws.

use std::fmt;
use std::pin::Pin;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::domain::{DiagramType, SourceError};

use super::check::Purpose;

/// The narrowest PNG, in pixels.
pub const WIDTH_MIN: u32 = 16;
/// The widest PNG, in pixels; its height is held to the same.
pub const WIDTH_MAX: u32 = 4096;

/// The format of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Vectors, without script and without anything from elsewhere.
    Svg,
    /// Pixels on an opaque background.
    Png,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 2] = [Self::Svg, Self::Png];

    /// The name used in the API, and at the end of a file's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
        }
    }

    /// Its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Svg => "image/svg+xml; charset=utf-8",
            Self::Png => "image/png",
        }
    }
}

/// The colours of a picture. Colours that the source itself names come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Theme {
    /// Mermaid's own: on white.
    #[default]
    Default,
    /// Greys, for paper.
    Neutral,
    /// On dark grey.
    Dark,
    /// Greens.
    Forest,
}

impl Theme {
    /// Every theme.
    pub const ALL: [Self; 4] = [Self::Default, Self::Neutral, Self::Dark, Self::Forest];

    /// The name used in the API; Mermaid's too.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Neutral => "neutral",
            Self::Dark => "dark",
            Self::Forest => "forest",
        }
    }

    /// What the picture stands on, as CSS writes it.
    pub const fn background(self) -> &'static str {
        match self {
            Self::Default | Self::Neutral | Self::Forest => "#ffffff",
            Self::Dark => "#333333",
        }
    }
}

/// The text names no theme.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown theme {0:?}; expected default, neutral, dark or forest")]
pub struct UnknownTheme(pub String);

impl FromStr for Theme {
    type Err = UnknownTheme;

    fn from_str(text: &str) -> Result<Self, UnknownTheme> {
        let named = Self::ALL.into_iter().find(|theme| theme.name() == text);
        named.ok_or_else(|| UnknownTheme(text.to_owned()))
    }
}

impl fmt::Display for Theme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is to be drawn, and how.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The language.
    pub diagram_type: DiagramType,
    /// The text.
    pub source: &'a str,
    /// The format.
    pub format: Format,
    /// The colours.
    pub theme: Theme,
    /// Width of a PNG in pixels; `None`: twice the picture's own size. Nothing to an SVG.
    pub width: Option<u32>,
    /// Who asks: one caller cannot take every place.
    pub caller: i64,
}

/// Why there is no picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undrawn {
    /// Too much waits already.
    #[error("too many pictures wait to be drawn; try again in a few seconds")]
    Busy,
    /// Nothing here draws this; the words say what would.
    #[error("{0}")]
    NotHere(String),
    /// The source cannot be drawn.
    #[error("the diagram cannot be drawn: {}", first(.0))]
    Source(Vec<SourceError>),
    /// The time for one picture was over.
    #[error("drawing the diagram took longer than {} seconds; make it smaller or simpler", .0.as_secs_f32())]
    TooSlow(Duration),
    /// What draws it does not work at the moment; the words are for the operator's log too.
    #[error("{0}")]
    Away(String),
    /// A mistake of ours; the words are for the log.
    #[error("the diagram could not be drawn through a fault of this program: {0}")]
    Fault(String),
}

fn first(errors: &[SourceError]) -> &str {
    errors.first().map_or("nothing is known of why", |error| &error.message)
}

impl Undrawn {
    /// A source that cannot be drawn, when no place in it is known.
    pub fn source(message: impl Into<String>) -> Self {
        Self::Source(vec![SourceError { line: 0, column: 0, message: message.into() }])
    }
}

/// A picture on its way.
pub type Drawing<'a> = Pin<Box<dyn Future<Output = Result<Bytes, Undrawn>> + Send + 'a>>;

/// Draws. Never blocks the thread that awaits it.
pub trait Artist: Send + Sync {
    /// Whether sources of this type are drawn at all.
    ///
    /// # Errors
    /// What the operator can do about it, in words for the caller.
    fn draws(&self, diagram_type: DiagramType) -> Result<(), String>;

    /// The picture's bytes.
    fn draw<'a>(&'a self, order: Order<'a>) -> Drawing<'a>;
}

/// An SVG from elsewhere on its way, not looked at yet.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<String, Undrawn>> + Send + 'a>>;

/// A server that draws, called over the network.
pub trait Remote: Send + Sync {
    /// The SVG that it makes of a source. [`Undrawn::Busy`] only for what is [`Purpose::Asked`].
    fn svg<'a>(&'a self, diagram_type: DiagramType, source: &'a str, purpose: Purpose) -> Fetching<'a>;
}
