//! What a call can end in instead of an answer, as plain sentences.

use std::fmt;

use serde::Deserialize;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answers.
    #[error(
        "no server answers at {server}: {reason}; start one with `diagramd serve`, or name another with --server"
    )]
    Unreachable {
        /// The server's URL.
        server: String,
        /// What the connection met.
        reason: String,
    },
    /// The connection broke after the call was sent: whether the server did it is not known.
    #[error("the connection to {server} was lost before the answer came: {reason}; try again")]
    Lost {
        /// The server's URL.
        server: String,
        /// What the connection met.
        reason: String,
    },
    /// The server refused, and said why.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// The answer is not one of ours.
    #[error("{server} answered {what}; is it a diagramd server?")]
    Foreign {
        /// The server's URL.
        server: String,
        /// What came instead.
        what: String,
    },
}

/// An `application/problem+json` body, as far as a person needs it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// Stable, machine-readable.
    pub code: String,
    /// What happened and what to do next.
    #[serde(default)]
    pub detail: String,
    /// Short name, when there is no detail.
    #[serde(default)]
    pub title: String,
    /// Faults of single fields.
    #[serde(default)]
    errors: Vec<FieldError>,
    upgrade: Option<Upgrade>,
    /// Seconds of `Retry-After`.
    #[serde(skip)]
    pub retry_after: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct FieldError {
    #[serde(default)]
    pointer: String,
    #[serde(default)]
    detail: String,
}

#[derive(Debug, Deserialize)]
struct Upgrade {
    #[serde(default)]
    message: String,
    url: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentence = if self.detail.is_empty() { &self.title } else { &self.detail };
        write!(f, "{sentence} ({}, HTTP {})", self.code, self.status)?;
        // The sentence of a single fault is the fault's own.
        for error in self.errors.iter().filter(|_| self.errors.len() > 1) {
            write!(f, "\n  {}: {}", error.pointer, error.detail)?;
        }
        if let Some(seconds) = self.retry_after {
            write!(f, "\n  Try again in {seconds} s.")?;
        }
        if self.code == "unauthorized" {
            f.write_str("\n  Give a key with --key or in DIAGRAMD_KEY; `diagramd key create --user NAME`, run where the server runs, makes one.")?;
        }
        if let Some(upgrade) = &self.upgrade {
            write!(f, "\n  {}", upgrade.message)?;
            if let Some(url) = &upgrade.url {
                write!(f, " {url}")?;
            }
        }
        Ok(())
    }
}
