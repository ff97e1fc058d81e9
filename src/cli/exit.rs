//! How a verb ends: the exit status and what is said on standard error.

use std::io;

use super::interrupt::Interrupted;
use crate::config::Faults;

/// The verb did what was asked.
pub const DONE: u8 = 0;
/// It did not.
pub const FAILED: u8 = 1;
/// The command line makes no sense.
pub const USAGE: u8 = 2;
/// The configuration is faulty (`EX_CONFIG` of sysexits.h).
pub const FAULTY: u8 = 78;

/// The command line makes no sense in a way that the parser cannot see.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct UsageError(pub(super) String);

/// The exit status of an error, and the message for standard error, if there is one.
pub fn failure(error: &anyhow::Error) -> (u8, Option<String>) {
    if let Some(faults) = error.downcast_ref::<Faults>() {
        let count = faults.all().len();
        let plural = if count == 1 { "fault" } else { "faults" };
        return (FAULTY, Some(format!("{faults}\nthe configuration has {count} {plural}; nothing was done")));
    }
    if error.is::<UsageError>() {
        return (USAGE, Some(format!("error: {error}\n\nFor more information, try '--help'.")));
    }
    if let Some(interrupted) = error.downcast_ref::<Interrupted>() {
        return (interrupted.status, Some(interrupted.to_string()));
    }
    let broken_pipe = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    if error.downcast_ref::<io::Error>().is_some_and(broken_pipe) {
        // Whoever read the output has seen enough.
        return (DONE, None);
    }
    (FAILED, Some(format!("error: {error:#}")))
}
