//! Parses, dispatches, maps to an exit status.

use std::process::ExitCode;

use clap::Parser;
use diagramd::app;
use diagramd::cli::{self, Cli};

/// Many small buffers a request: the system's allocator costs a tenth of the throughput.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // No verb for people, so the parser of the command line does not know it.
    if let Some(checked) = app::check_for_parent() {
        return ExitCode::from(if checked.is_ok() { cli::DONE } else { cli::FAILED });
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A closed pipe must not turn `--help | head` into a panic.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { cli::USAGE } else { cli::DONE });
        }
    };
    match cli::run(cli) {
        Ok(()) => ExitCode::from(cli::DONE),
        Err(error) => {
            let (status, message) = cli::failure(&error);
            if let Some(message) = message {
                eprintln!("{message}");
            }
            ExitCode::from(status)
        }
    }
}
