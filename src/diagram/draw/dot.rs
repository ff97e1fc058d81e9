//! Graphviz drawn by its own program: a process that gets the source and gives the SVG.
//!
//! No shell, no environment but the search path, an empty way to files, little time, bounded
//! memory and output. The source is read by our own grammar first, so that its faults are told with their
//! places, and so that it names no file.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use crate::diagram::dot;
use crate::diagram::picture::{Theme, Undrawn};
use crate::domain::SourceError;

/// Of a drawing; what is more is no diagram that anybody reads.
const SVG_BYTES_MAX: u64 = 8 << 20;
/// Of what the program has to say.
const WORDS_BYTES_MAX: u64 = 16 << 10;
/// Of the program's address space: a few attributes of a small source can ask for gigabytes.
const MEMORY_BYTES_MAX: u64 = 512 << 20;
/// Of a message.
const MESSAGE_CHARS_MAX: usize = 300;

/// Whether whoever draws may be given a source: one that parses and names no file.
///
/// # Errors
/// [`Undrawn::Source`] with what is wrong.
pub fn acceptable(source: &str) -> Result<(), Undrawn> {
    let report = dot::check(source);
    let errors = if report.is_valid() { dot::files(source) } else { report.errors };
    if errors.is_empty() {
        return Ok(());
    }
    Err(Undrawn::Source(errors.into_iter().map(SourceError::from).collect()))
}

/// The program.
pub struct Dot {
    program: PathBuf,
    deadline: Duration,
}

impl Dot {
    /// The program by its path, or by its name on the search path; `None` when it is not there.
    pub fn find(program: &Path, deadline: Duration) -> Option<Self> {
        let program = if program.components().count() > 1 {
            is_program(program).then(|| program.to_owned())?
        } else {
            let folders = std::env::var_os("PATH")?;
            std::env::split_paths(&folders)
                .map(|folder| folder.join(program))
                .find(|path| is_program(path))?
        };
        Some(Self { program, deadline })
    }

    /// The drawing, as the program makes it.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn svg(&self, source: &str, theme: Theme) -> Result<String, Undrawn> {
        let drawn = tokio::time::timeout(self.deadline, self.run(source, theme)).await;
        drawn.unwrap_or(Err(Undrawn::TooSlow(self.deadline)))
    }

    /// Dropping this ends the program.
    async fn run(&self, source: &str, theme: Theme) -> Result<String, Undrawn> {
        let mut command = Command::new(&self.program);
        command
            .args(["-Tsvg", "-q1", "-Gimagepath="])
            .args(defaults(theme))
            .env_clear()
            // Makes Graphviz refuse files (before 7.0; later ones are kept from it by the check).
            .env("SERVER_NAME", "diagramd")
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("LC_ALL", "C.UTF-8")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(|reason| away(&self.program, &reason))?;
        bound_memory(&child).map_err(|reason| away(&self.program, &reason))?;
        let (Some(mut stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Undrawn::Fault("Graphviz was started without its pipes".to_owned()));
        };
        let write = async move {
            // A program that does not read to the end has said why.
            let _ = stdin.write_all(source.as_bytes()).await;
            let _ = stdin.shutdown().await;
        };
        let ((), svg, words) =
            tokio::join!(write, read(stdout, SVG_BYTES_MAX), read(stderr, WORDS_BYTES_MAX));
        let svg = svg.map_err(|reason| away(&self.program, &reason))?;
        if svg.is_none() {
            return Err(Undrawn::source("The drawing would have more than 8 MiB. Split the diagram."));
        }
        let words = words.map_err(|reason| away(&self.program, &reason))?.unwrap_or_default();
        let status = child.wait().await.map_err(|reason| away(&self.program, &reason))?;
        let svg = svg.unwrap_or_default();
        if !status.success() || svg.is_empty() {
            return Err(self.refused(&words, status));
        }
        Ok(svg)
    }

    fn refused(&self, words: &str, status: std::process::ExitStatus) -> Undrawn {
        let message: String = words
            .lines()
            .filter_map(|line| line.strip_prefix("Error: "))
            .map(|line| line.replace("<stdin>: ", ""))
            .next()
            .unwrap_or_default()
            .chars()
            .take(MESSAGE_CHARS_MAX)
            .collect();
        // It ran out of memory, or over its stack: a source has done that, and will again.
        if status.signal().is_some() || words.contains("out of memory") {
            return Undrawn::source(
                "Graphviz cannot draw this within its bounds. Make it smaller or simpler.",
            );
        }
        if message.is_empty() {
            let program = self.program.display();
            return Undrawn::Away(format!("{program} ended with {status} and said nothing of the diagram"));
        }
        Undrawn::source(message)
    }
}

fn is_program(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// Before it has been given anything to work on.
#[cfg(target_os = "linux")]
fn bound_memory(child: &tokio::process::Child) -> std::io::Result<()> {
    let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) else { return Ok(()) };
    let bound = Some((MEMORY_BYTES_MAX, MEMORY_BYTES_MAX));
    rlimit::prlimit(pid, rlimit::Resource::AS, bound, None)
}

/// Other systems have no way to do it from outside.
#[cfg(not(target_os = "linux"))]
fn bound_memory(_: &tokio::process::Child) -> std::io::Result<()> {
    Ok(())
}

/// What is read until the end; `None` when it is more than `max` bytes.
async fn read(pipe: impl AsyncRead + Unpin, max: u64) -> std::io::Result<Option<String>> {
    let mut bytes = Vec::new();
    pipe.take(max + 1).read_to_end(&mut bytes).await?;
    let fits = u64::try_from(bytes.len()).is_ok_and(|size| size <= max);
    Ok(fits.then(|| String::from_utf8_lossy(&bytes).into_owned()))
}

fn away(program: &Path, reason: &std::io::Error) -> Undrawn {
    Undrawn::Away(format!("{} cannot be run: {reason}", program.display()))
}

/// What the source does not say itself: a font without serifs, and the theme's colours.
fn defaults(theme: Theme) -> Vec<String> {
    let (background, line, text) = match theme {
        Theme::Default => (theme.background(), "#333333", "#000000"),
        Theme::Neutral => (theme.background(), "#666666", "#333333"),
        Theme::Dark => (theme.background(), "#d3d3d3", "#cccccc"),
        Theme::Forest => (theme.background(), "#13540c", "#000000"),
    };
    let mut arguments = vec![format!("-Gbgcolor={background}")];
    for part in ["G", "N", "E"] {
        arguments.push(format!("-{part}fontname=Arial"));
        arguments.push(format!("-{part}color={line}"));
        arguments.push(format!("-{part}fontcolor={text}"));
    }
    arguments
}
