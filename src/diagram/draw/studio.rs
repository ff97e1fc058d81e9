//! Who draws what, in what order: the cache, the places, the renderer of the language.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::diagram::check::Purpose;
use crate::diagram::picture::{Artist, Drawing, Format, Order, Remote, Theme, Undrawn};
use crate::domain::DiagramType;

use super::cache::{Cache, Key};
use super::clean::clean;
use super::dot::{self, Dot};
use super::threads::Threads;
use super::turns::Place;

/// Pictures drawn at once: at least, so that one bad source delays no other, and at most.
const AT_ONCE: std::ops::RangeInclusive<usize> = 2..=4;
/// Of a source; a program or a server gets no more.
const SOURCE_BYTES_MAX: usize = 256 << 10;

/// How pictures are drawn.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Fonts besides the built-in one.
    pub fonts_dir: Option<PathBuf>,
    /// What one picture may take in this process or in Graphviz.
    pub deadline: Duration,
    /// Graphviz's program.
    pub dot: PathBuf,
    /// Bytes of pictures that are kept.
    pub cache_bytes_max: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            fonts_dir: None,
            deadline: Duration::from_secs(2),
            dot: PathBuf::from("dot"),
            cache_bytes_max: 64 << 20,
        }
    }
}

/// Draws what this build and this machine can, and leaves the rest to a server when there is one.
pub struct Studio {
    cache: Mutex<Cache>,
    threads: Threads,
    dot: Option<Dot>,
    remote: Option<Arc<dyn Remote>>,
    #[cfg(feature = "render")]
    mermaid: Arc<super::Mermaid>,
    deadline: Duration,
}

impl Studio {
    /// Looks for Graphviz; reads no font yet.
    pub fn new(settings: Settings, remote: Option<Arc<dyn Remote>>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            cache: Mutex::new(Cache::new(settings.cache_bytes_max)),
            threads: Threads::new(cores.clamp(*AT_ONCE.start(), *AT_ONCE.end())),
            dot: Dot::find(&settings.dot, settings.deadline),
            remote,
            #[cfg(feature = "render")]
            mermaid: Arc::new(super::Mermaid::new(settings.fonts_dir, settings.deadline)),
            deadline: settings.deadline,
        }
    }

    /// The second opinion on what Mermaid's parser accepts; `None` in a build that does not draw.
    pub fn second_opinion(&self) -> Option<Arc<dyn crate::diagram::check::Drawing>> {
        #[cfg(feature = "render")]
        return Some(Arc::clone(&self.mermaid) as Arc<dyn crate::diagram::check::Drawing>);
        #[cfg(not(feature = "render"))]
        None
    }

    async fn picture(&self, mut order: Order<'_>) -> Result<Bytes, Undrawn> {
        if !self.draws_here(order.diagram_type) {
            // A server draws in its own colours, which are for white.
            order.theme = Theme::Default;
        }
        let key = Key::of(&order, order.format);
        if let Some(picture) = self.kept(&key) {
            return Ok(picture);
        }
        self.draws(order.diagram_type).map_err(Undrawn::NotHere)?;
        if order.source.len() > SOURCE_BYTES_MAX {
            let message = format!("This diagram has more than {} KiB. Split it.", SOURCE_BYTES_MAX >> 10);
            return Err(Undrawn::source(message));
        }
        let place = self.threads.place(order.caller)?;
        let svg = self.svg(&order, &place).await?;
        if order.format == Format::Svg {
            return Ok(svg);
        }
        let png = self.png(&order, svg, &place).await?;
        self.keep(key, &png);
        Ok(png)
    }

    /// The SVG, kept for whatever is made of it.
    async fn svg(&self, order: &Order<'_>, place: &Place) -> Result<Bytes, Undrawn> {
        let key = Key::of(order, Format::Svg);
        if let Some(svg) = self.kept(&key) {
            return Ok(svg);
        }
        let svg = Bytes::from(self.drawn(order, place).await?);
        self.keep(key, &svg);
        Ok(svg)
    }

    async fn drawn(&self, order: &Order<'_>, place: &Place) -> Result<String, Undrawn> {
        #[cfg(feature = "render")]
        if order.diagram_type == DiagramType::Mermaid {
            let (mermaid, source, theme) = (Arc::clone(&self.mermaid), order.source.to_owned(), order.theme);
            return self.threads.run(place, self.deadline, move || mermaid.svg(&source, theme)).await;
        }
        if order.diagram_type == DiagramType::Graphviz {
            dot::acceptable(order.source)?;
        }
        let drawn = match (&self.dot, &self.remote) {
            (Some(dot), _) if order.diagram_type == DiagramType::Graphviz => {
                let _turn = self.threads.turn(place).await?;
                dot.svg(order.source, order.theme).await?
            }
            (_, Some(remote)) => {
                let asked = Purpose::Asked(order.caller);
                remote.svg(order.diagram_type, order.source, asked).await?
            }
            (_, None) => return Err(Undrawn::NotHere(self.missing(order.diagram_type))),
        };
        // Megabytes of it take a while.
        let cleaned = move || {
            clean(&drawn).map_err(|reason| Undrawn::Away(format!("what was drawn cannot be used: {reason}")))
        };
        self.threads.run(place, self.deadline, cleaned).await
    }

    #[cfg(feature = "render")]
    async fn png(&self, order: &Order<'_>, svg: Bytes, place: &Place) -> Result<Bytes, Undrawn> {
        let (mermaid, theme, width) = (Arc::clone(&self.mermaid), order.theme, order.width);
        let paint = move || {
            let svg = std::str::from_utf8(&svg).map_err(|reason| Undrawn::Fault(reason.to_string()))?;
            mermaid.png(svg, theme, width)
        };
        self.threads.run(place, self.deadline, paint).await.map(Bytes::from)
    }

    #[cfg(not(feature = "render"))]
    #[expect(clippy::unused_async, reason = "the other build waits for a thread")]
    async fn png(&self, _: &Order<'_>, _: Bytes, _: &Place) -> Result<Bytes, Undrawn> {
        Err(Undrawn::NotHere(
            "This build of diagramd makes no PNG; ask for an SVG, or build it with the feature `render`."
                .to_owned(),
        ))
    }

    /// Whether no server is needed.
    fn draws_here(&self, diagram_type: DiagramType) -> bool {
        match diagram_type {
            DiagramType::Mermaid => cfg!(feature = "render"),
            DiagramType::Graphviz => self.dot.is_some(),
            DiagramType::Plantuml | DiagramType::D2 => false,
        }
    }

    fn missing(&self, diagram_type: DiagramType) -> String {
        match diagram_type {
            DiagramType::Mermaid => {
                "This build of diagramd does not draw Mermaid; build it with the feature `render`, or set \
                 `kroki_url` in [render]."
                    .to_owned()
            }
            DiagramType::Graphviz => {
                "This server cannot draw graphviz: its program `dot` is not installed. Install Graphviz on the \
                 server, or set `kroki_url` in [render]."
                    .to_owned()
            }
            DiagramType::Plantuml | DiagramType::D2 => {
                format!("This server cannot draw {diagram_type}: no `kroki_url` is set in [render].")
            }
        }
    }

    fn kept(&self, key: &Key) -> Option<Bytes> {
        self.cache.lock().get(key)
    }

    fn keep(&self, key: Key, picture: &Bytes) {
        self.cache.lock().put(key, picture.clone());
    }
}

impl Artist for Studio {
    fn draws(&self, diagram_type: DiagramType) -> Result<(), String> {
        let here = self.draws_here(diagram_type);
        if here || self.remote.is_some() { Ok(()) } else { Err(self.missing(diagram_type)) }
    }

    fn draw<'a>(&'a self, order: Order<'a>) -> Drawing<'a> {
        Box::pin(self.picture(order))
    }
}
