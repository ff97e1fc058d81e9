//! A checking process from outside: started, asked, waited for in bounded time, ended.
//!
//! Nothing that a source does to its parser reaches further than this process: whoever gets a
//! [`Broken`] ends it and starts another.

use std::io::ErrorKind;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::process::{ChildStdin, ChildStdout, Command};

use super::engine::{Broken, START_DEADLINE};
use super::frame::{self, ANSWER_BYTES_MAX, Answer, REQUEST_BYTES_MAX, Request};
use super::raw::Raw;

/// What [`super::process`] runs under: the one argument that the program is started with.
pub const VERB: &str = "check-mermaid";
/// After its deadline a process that has not said so itself is ended: not all of the interpreter
/// looks at the clock.
const GRACE: Duration = Duration::from_secs(1);
/// For a process that was killed to be gone.
const END_DEADLINE: Duration = Duration::from_secs(1);

/// A checking process. Ended when dropped.
pub struct Child {
    process: tokio::process::Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    id: u32,
    context_bytes: u64,
}

/// What a process says of a source.
#[derive(Debug)]
pub struct Checked {
    /// What the parser says.
    pub raw: Raw,
    /// The process holds too much and must not be asked again.
    pub spent: bool,
}

impl Child {
    /// Starts `program` and waits until it has loaded the parser, in about a quarter of a second.
    ///
    /// # Errors
    /// [`Broken`].
    pub async fn start(program: &Path) -> Result<Self, Broken> {
        let mut command = Command::new(program);
        command
            .arg0("diagramd")
            .arg(VERB)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // What a crash prints may be of the source.
            .stderr(Stdio::null())
            // Ctrl-C is for the server, whose last diagrams are checked yet.
            .process_group(0)
            .kill_on_drop(true);
        let cannot =
            |reason: std::io::Error| Broken::Fault(format!("{} cannot be run: {reason}", program.display()));
        let mut process = command.spawn().map_err(cannot)?;
        let (Some(stdin), Some(stdout), Some(id)) =
            (process.stdin.take(), process.stdout.take(), process.id())
        else {
            return Err(Broken::Fault("the process was started without its pipes".to_owned()));
        };
        let mut child = Self { process, stdin, stdout, id, context_bytes: 0 };
        match child.answer(START_DEADLINE).await {
            Ok(Answer::Ready(bytes)) => {
                child.context_bytes = bytes;
                Ok(child)
            }
            outcome => {
                let reason = broken(outcome);
                child.end().await;
                Err(reason)
            }
        }
    }

    /// The verdict on a source, within its deadline and a moment.
    ///
    /// # Errors
    /// [`Broken`]; this process must not be asked again.
    pub async fn check(&mut self, source: &str, deadline: Duration) -> Result<Checked, Broken> {
        let request = frame::encode(&Request::new(source, deadline), REQUEST_BYTES_MAX)
            .map_err(|reason| Broken::Fault(reason.to_string()))?;
        let begin = Instant::now();
        // A process that does not read, or is gone, is found out by the answer that does not come.
        let asked = tokio::time::timeout(deadline + GRACE, self.stdin.write_all(&request)).await;
        let outcome = match asked {
            Ok(_) => self.answer((deadline + GRACE).saturating_sub(begin.elapsed())).await,
            Err(_) => Err(Broken::TooSlow),
        };
        match outcome {
            Ok(Answer::Verdict { raw, spent }) => Ok(Checked { raw, spent }),
            // However a process that was interrupted comes to its end.
            outcome if begin.elapsed() >= deadline => Err(match broken(outcome) {
                Broken::Fault(_) => Broken::TooSlow,
                reason => reason,
            }),
            outcome => Err(broken(outcome)),
        }
    }

    /// The process' number.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Bytes that the context held when the parser was loaded.
    pub fn context_bytes(&self) -> u64 {
        self.context_bytes
    }

    /// Whether it can be asked: somebody else may have ended it.
    pub fn lives(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    /// Ends it, whatever it is at.
    pub async fn end(mut self) {
        // One that does not even die is the system's to clear away.
        let _ = tokio::time::timeout(END_DEADLINE, self.process.kill()).await;
    }

    async fn answer(&mut self, allowed: Duration) -> Result<Answer, Broken> {
        let answer = frame::receive(&mut self.stdout, ANSWER_BYTES_MAX);
        let Ok(answer) = tokio::time::timeout(allowed, answer).await else { return Err(Broken::TooSlow) };
        match answer {
            Ok(answer) => Ok(answer),
            Err(reason) if reason.kind() == ErrorKind::UnexpectedEof => {
                let ended = tokio::time::timeout(END_DEADLINE, self.process.wait()).await;
                Err(Broken::Fault(match ended {
                    Ok(Ok(status)) => format!("the process ended with {status}"),
                    Ok(Err(_)) | Err(_) => "the process closed its standard output".to_owned(),
                }))
            }
            // Not what it says instead: it may be of the source.
            Err(_) => Err(Broken::Fault("the process gave an answer that is none".to_owned())),
        }
    }
}

/// What an outcome that is no verdict means.
fn broken(outcome: Result<Answer, Broken>) -> Broken {
    match outcome {
        Ok(Answer::TooSlow) => Broken::TooSlow,
        Ok(Answer::TooLarge) => Broken::TooLarge,
        Ok(Answer::Fault(reason)) => Broken::Fault(reason),
        Ok(Answer::Ready(_) | Answer::Verdict { .. }) => {
            Broken::Fault("the process answered what nobody asked".to_owned())
        }
        Err(broken) => broken,
    }
}
