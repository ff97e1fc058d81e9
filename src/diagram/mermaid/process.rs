//! A checking process from inside: one context, asked on standard input, answering on standard
//! output. It ends with its standard input, whatever it is at then.
//!
//! The process is thrown away whenever its context is: freeing one that was broken off can abort
//! it, for the interpreter asserts counts that an interrupt leaves wrong.

use std::io::{Result, stdin, stdout};
use std::process::exit;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};

use super::engine::{Broken, Engine};
use super::frame::{self, ANSWER_BYTES_MAX, Answer, REQUEST_BYTES_MAX, Request};

/// Well above what the engine may use of it.
const STACK_BYTES: usize = 8 << 20;
/// Of the address space: an allocator keeps half of it in reserve without using it, and a context
/// counts most of what it takes itself. This is for what it does not count.
const MEMORY_BYTES_MAX: u64 = 2 << 30;
/// Checks after which the memory is looked at: that takes milliseconds.
const CHECKS_UNTIDY_MAX: u32 = 64;
/// A check that is over sooner leaves little behind.
const QUICK: Duration = Duration::from_millis(300);

/// Checks what standard input brings until it ends.
///
/// # Errors
/// When the system refuses a thread or the bounds, or standard input brings what is no request.
pub fn run() -> Result<()> {
    bound()?;
    // Whoever stops a service may signal all its processes; this one ends when it is told to by
    // its standard input, for diagrams are checked until the server is done.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let _guard = runtime.enter();
    let _heeded = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()].map(signal);
    let (requests, waiting) = sync_channel(1);
    std::thread::Builder::new()
        .name("mermaid".into())
        .stack_size(STACK_BYTES)
        .spawn(move || work(&waiting))?;
    let mut input = stdin().lock();
    while let Some(request) = frame::read(&mut input, REQUEST_BYTES_MAX)? {
        if requests.send(request).is_err() {
            break;
        }
    }
    Ok(())
}

/// The engine's thread: ends the process when it cannot go on.
fn work(requests: &Receiver<Request>) {
    let mut untidy = 0;
    let engine = match Engine::start() {
        Ok(engine) => engine,
        Err(broken) => last_word(broken),
    };
    say(&Answer::Ready(engine.memory_bytes()));
    while let Ok(Request { milliseconds, source }) = requests.recv() {
        let begin = Instant::now();
        let mut raw = match engine.check(&source, Duration::from_millis(milliseconds)) {
            Ok(raw) if raw.is_exhausted() => last_word(Broken::TooLarge),
            Ok(raw) => raw,
            Err(broken) => last_word(broken),
        };
        untidy += 1;
        let mut spent = false;
        if untidy >= CHECKS_UNTIDY_MAX || begin.elapsed() >= QUICK {
            untidy = 0;
            spent = !engine.tidy();
        }
        raw.clip();
        say(&Answer::Verdict { raw, spent });
    }
}

/// Says why, and ends without freeing anything.
fn last_word(broken: Broken) -> ! {
    say(&broken.into());
    exit(1)
}

fn say(answer: &Answer) {
    // Whoever asked is gone, or the answer is too long to be one.
    if frame::write(&mut stdout().lock(), answer, ANSWER_BYTES_MAX).is_err() {
        exit(1);
    }
}

/// No picture of the memory is written when this crashes: it has sources in it.
fn bound() -> Result<()> {
    rlimit::setrlimit(rlimit::Resource::CORE, 0, 0)?;
    // Elsewhere the bound is of another kind, or below what a process begins with.
    if cfg!(target_os = "linux") {
        rlimit::setrlimit(rlimit::Resource::AS, MEMORY_BYTES_MAX, MEMORY_BYTES_MAX)?;
    }
    Ok(())
}
