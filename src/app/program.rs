//! The program itself: where it is, and what it is when it was started to check diagrams.

use std::path::PathBuf;

/// Where this program can be started again. On Linux the very file that runs, also when an update
/// has put another in its place meanwhile.
pub(super) fn own_program() -> PathBuf {
    if cfg!(target_os = "linux") {
        return PathBuf::from("/proc/self/exe");
    }
    // Without a name it cannot be started; whoever tries says so.
    std::env::current_exe().unwrap_or_else(|_| PathBuf::from("diagramd"))
}

/// What this process comes to when it was started by another one of this program, to check diagrams
/// for it; `None` when it was not.
#[cfg(feature = "validate")]
pub fn check_for_parent() -> Option<std::io::Result<()>> {
    use crate::diagram::mermaid;

    let mut arguments = std::env::args_os().skip(1);
    let is_it = arguments.next().is_some_and(|verb| verb == mermaid::VERB) && arguments.next().is_none();
    is_it.then(mermaid::run_process)
}

/// This build starts no such processes.
#[cfg(not(feature = "validate"))]
pub fn check_for_parent() -> Option<std::io::Result<()>> {
    None
}
