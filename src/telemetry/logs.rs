//! Logs: text for people, JSON for machines, on standard error. Never a prompt, key or token.

use std::io::IsTerminal;

use tracing_subscriber::layer::{Layered, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

/// What the lines are written on: the registry behind the filter.
type Filtered = Layered<reload::Layer<EnvFilter, Registry>, Registry>;
/// Lines of one format or another.
type Lines = Box<dyn Layer<Filtered> + Send + Sync>;

/// Changes the logs of a running server.
#[derive(Clone)]
pub struct LogHandle {
    filter: reload::Handle<EnvFilter, Registry>,
    lines: reload::Handle<Lines, Filtered>,
}

/// Line format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Why logs cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The level is not one.
    #[error("log.level: {0}")]
    Level(String),
    /// Something else set up logs before.
    #[error("logs are already set up")]
    Twice,
}

/// Sets up logs for this process.
///
/// # Errors
/// [`LogError`].
pub fn start(format: Format, level: &str) -> Result<LogHandle, LogError> {
    let (filter, filter_handle) = reload::Layer::new(filter(level)?);
    let (lines, lines_handle) = reload::Layer::new(lines(format));
    tracing_subscriber::registry().with(filter).with(lines).try_init().map_err(|_| LogError::Twice)?;
    Ok(LogHandle { filter: filter_handle, lines: lines_handle })
}

impl LogHandle {
    /// Puts another format and level in force.
    ///
    /// # Errors
    /// [`LogError::Level`]; then the old ones stay.
    pub fn set(&self, format: Format, level: &str) -> Result<(), LogError> {
        let gone = |reason: reload::Error| LogError::Level(reason.to_string());
        self.filter.reload(filter(level)?).map_err(gone)?;
        self.lines.reload(lines(format)).map_err(gone)
    }
}

fn lines(format: Format) -> Lines {
    let terminal = std::io::stderr().is_terminal();
    let json = match format {
        Format::Auto => !terminal,
        Format::Text => false,
        Format::Json => true,
    };
    let lines = fmt::layer().with_writer(std::io::stderr).with_target(false);
    if json {
        lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
    } else {
        lines.with_ansi(terminal).boxed()
    }
}

/// The level, but for what the painter of pictures says of every attribute that it passes over:
/// nobody can do anything about it. Who names it in the level hears it.
const QUIET: &str = "usvg=off,resvg=off";

fn filter(level: &str) -> Result<EnvFilter, LogError> {
    EnvFilter::try_new(format!("{QUIET},{level}")).map_err(|reason| LogError::Level(reason.to_string()))
}
