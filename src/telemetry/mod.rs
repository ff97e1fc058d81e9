//! Logs: text for people, JSON for machines, on standard error. Never a prompt, key or token.

use std::io::IsTerminal;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

/// Changes the level of a running server.
#[derive(Clone)]
pub struct LevelHandle(reload::Handle<EnvFilter, Registry>);

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
pub fn start(format: Format, level: &str) -> Result<LevelHandle, LogError> {
    let (filter, handle) = reload::Layer::new(filter(level)?);
    let terminal = std::io::stderr().is_terminal();
    let json = match format {
        Format::Auto => !terminal,
        Format::Text => false,
        Format::Json => true,
    };
    let lines = fmt::layer().with_writer(std::io::stderr).with_target(false);
    let registry = tracing_subscriber::registry().with(filter);
    let started = if json {
        registry
            .with(lines.json().flatten_event(true).with_current_span(false).with_span_list(false))
            .try_init()
    } else {
        registry.with(lines.with_ansi(terminal)).try_init()
    };
    started.map_err(|_| LogError::Twice)?;
    Ok(LevelHandle(handle))
}

impl LevelHandle {
    /// Puts another level in force.
    ///
    /// # Errors
    /// [`LogError::Level`]; then the old one stays.
    pub fn set(&self, level: &str) -> Result<(), LogError> {
        self.0.reload(filter(level)?).map_err(|reason| LogError::Level(reason.to_string()))
    }
}

fn filter(level: &str) -> Result<EnvFilter, LogError> {
    EnvFilter::try_new(level).map_err(|reason| LogError::Level(reason.to_string()))
}
