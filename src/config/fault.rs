//! What is wrong with a configuration, in words that tell a person what to change.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A line of the configuration file.
    File {
        /// The file as it was named.
        file: Arc<Path>,
        /// 1-based.
        line: usize,
    },
    /// An environment variable.
    Environment(String),
    /// A flag of the command line.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, line } => write!(f, "{}:{line}", file.display()),
            Self::Environment(variable) => write!(f, "from environment {variable}"),
            Self::Flag(flag) => write!(f, "from {flag}"),
        }
    }
}

/// One thing that is wrong. Never holds a secret's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The key (`server.max_body`, `upstreams[0].model`); empty for the file as a whole.
    pub path: String,
    /// The value, the bound it breaks, and what to write instead.
    pub message: String,
    /// Where the value came from; `None` for a value that is missing.
    pub origin: Option<Origin>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        // Lines behind the first show the place itself.
        let (said, shown) = self.message.split_once('\n').unwrap_or((&self.message, ""));
        f.write_str(said)?;
        if let Some(origin) = &self.origin {
            write!(f, " ({origin})")?;
        }
        if shown.is_empty() { Ok(()) } else { write!(f, "\n{shown}") }
    }
}

/// Every fault of a configuration, sorted by path; at least one. The command line ends with
/// status 78 on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Sorts the faults; the caller has at least one.
    pub fn new(mut faults: Vec<Fault>) -> Self {
        let line = |fault: &Fault| match &fault.origin {
            Some(Origin::File { line, .. }) => *line,
            Some(Origin::Environment(_) | Origin::Flag(_)) | None => 0,
        };
        faults.sort_by(|a, b| (&a.path, line(a), &a.message).cmp(&(&b.path, line(b), &b.message)));
        faults.dedup();
        Self(faults)
    }

    /// A single fault of the file as a whole.
    pub(super) fn one(message: String) -> Self {
        Self(vec![Fault { path: String::new(), message, origin: None }])
    }

    /// The faults, sorted by path.
    pub fn all(&self) -> &[Fault] {
        &self.0
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// Something that works but that the operator should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The key it is about.
    pub path: String,
    /// What is the matter and what to do.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}
