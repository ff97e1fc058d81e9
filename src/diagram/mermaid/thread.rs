//! One thread with its context: takes what waits, answers, rests, goes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::diagram::check::{Drawing, Report};
use crate::domain::SourceError;

use super::engine::{Broken, Engine};
use super::pool::{FAULT, Shared};
use super::queue::Task;
use super::raw::Sort;
use super::{kind, words};

/// Well above what the engine may use of it.
const STACK_BYTES: usize = 8 << 20;
/// Checks after which the memory is looked at.
const CHECKS_UNTIDY_MAX: u32 = 64;
/// A check that is over sooner leaves little behind.
const QUICK: Duration = Duration::from_millis(300);

/// Of contexts that were left unfreed ([`Engine::leave`]). With this much left nothing is checked
/// any more until the next start.
const LEFT_BYTES_MAX: u64 = 3 << 29;
/// What one counts for: its heap is not looked at any more. One that grew to its bound, and others.
const GROWN_BYTES: u64 = 256 << 20;
const BROKEN_BYTES: u64 = 48 << 20;

/// Starts one; the caller counts it among the pool's threads.
///
/// # Errors
/// When the system gives no thread.
pub(super) fn start(shared: Arc<Shared>) -> std::io::Result<()> {
    let builder = std::thread::Builder::new().name("mermaid".into()).stack_size(STACK_BYTES);
    builder.spawn(move || Thread { shared, engine: None, untidy: 0 }.run()).map(drop)
}

/// What a thread does next.
enum Next {
    /// A source has come.
    Task(Task),
    /// One will come soon.
    Load,
}

struct Thread {
    shared: Arc<Shared>,
    engine: Option<Engine>,
    /// Checks since the memory was looked at.
    untidy: u32,
}

impl Thread {
    fn run(mut self) {
        while let Some(next) = self.next() {
            let Next::Task(task) = next else {
                self.load();
                continue;
            };
            let Task { source, purpose, reply, place } = task;
            let begin = Instant::now();
            if !reply.is_closed() {
                let report = self.answer(&source);
                // Whoever asked may have gone meanwhile.
                let _ = reply.send(report);
            }
            self.shared.state.lock().queue.done(purpose);
            drop(place);
            self.tidy(begin.elapsed());
        }
        self.discard();
    }

    /// What to do next; `None` after a rest, when the thread is already counted out.
    fn next(&self) -> Option<Next> {
        let mut state = self.shared.state.lock();
        let until = Instant::now() + self.shared.settings.rest;
        loop {
            if let Some(task) = state.queue.pop() {
                return Some(Next::Task(task));
            }
            if std::mem::take(&mut state.expected) && self.engine.is_none() {
                return Some(Next::Load);
            }
            state.idle += 1;
            let timed_out = !state.closed && self.shared.wake.wait_until(&mut state, until).timed_out();
            state.idle -= 1;
            if state.queue.len() == 0 && (timed_out || state.closed) {
                state.threads -= 1;
                return None;
            }
        }
    }

    fn answer(&mut self, source: &str) -> Report {
        let answered = catch_unwind(AssertUnwindSafe(|| self.check(source)));
        let broken = match answered {
            Ok(Ok(report)) => return report,
            Ok(Err(broken)) => broken,
            Err(_) => Broken::Fault("it panicked".to_owned()),
        };
        self.leave(if matches!(broken, Broken::TooLarge) { GROWN_BYTES } else { BROKEN_BYTES });
        match broken {
            Broken::TooSlow => Report::undecided(
                format!(
                    "Checking this diagram took longer than {} seconds. Make it smaller or simpler.",
                    self.shared.settings.deadline.as_secs_f32()
                ),
                false,
            ),
            Broken::TooLarge => Report::undecided(
                "This diagram is nested too deeply, or too large, to be checked. Make it smaller or simpler.",
                false,
            ),
            Broken::Fault(reason) => {
                tracing::error!(reason, "a diagram could not be checked");
                Report::undecided(FAULT, true)
            }
        }
    }

    fn check(&mut self, source: &str) -> Result<Report, Broken> {
        let deadline = self.shared.settings.deadline;
        let raw = self.engine()?.check(source, deadline)?;
        if raw.is_exhausted() {
            // Broken off in the middle: `answer` leaves the context.
            return Err(Broken::TooLarge);
        }
        // Whatever failed half-way inside may fail for the next source too.
        let crashed = raw.faults.iter().any(|fault| fault.sort == Sort::Crash);
        if raw.spoilt || crashed {
            self.discard();
        }
        let kind = raw.diagram.as_deref().and_then(kind::of).map(str::to_owned);
        let mut errors = words::errors(source, kind.as_deref(), &raw.faults);
        if errors.is_empty() && kind.is_none() {
            // Mermaid's own picture of an error: a text that says "error".
            errors.push(SourceError { line: 1, column: 1, message: "This is no diagram.".to_owned() });
        }
        if errors.is_empty() {
            errors = undrawable(self.shared.drawing.as_deref(), kind.as_deref(), source);
        }
        Ok(Report::verdict(kind, errors))
    }

    fn engine(&mut self) -> Result<&Engine, Broken> {
        if self.engine.is_none() {
            if self.shared.state.lock().left_bytes > LEFT_BYTES_MAX {
                let reason = "too many checks were broken off since the start; restart to check again";
                return Err(Broken::Fault(reason.to_owned()));
            }
            let begin = Instant::now();
            let engine = Engine::start()?;
            tracing::debug!(
                milliseconds = begin.elapsed().as_millis(),
                bytes = engine.memory_bytes(),
                "Mermaid's parser is loaded"
            );
            self.engine = Some(engine);
            self.shared.contexts.send_modify(|contexts| *contexts += 1);
        }
        self.engine.as_ref().ok_or_else(|| Broken::Fault("it is gone".to_owned()))
    }

    /// Makes the context ahead of the source that needs it; a fault shows when that comes.
    fn load(&mut self) {
        let loaded = catch_unwind(AssertUnwindSafe(|| self.engine().map(drop)));
        if !matches!(loaded, Ok(Ok(()))) {
            tracing::warn!(
                "Mermaid's parser was not loaded ahead of time; it is tried again when it is needed"
            );
        }
    }

    /// Looking at the memory takes milliseconds: it is done after a while, or after much work.
    fn tidy(&mut self, took: Duration) {
        self.untidy += 1;
        if self.untidy < CHECKS_UNTIDY_MAX && took < QUICK {
            return;
        }
        self.untidy = 0;
        if self.engine.as_ref().is_some_and(|engine| !engine.tidy()) {
            self.discard();
        }
    }

    /// Lets go of a context that was broken off in the middle, and counts `bytes` for it.
    fn leave(&mut self, bytes: u64) {
        if let Some(engine) = self.engine.take() {
            engine.leave();
            let mut state = self.shared.state.lock();
            state.left_bytes += bytes;
            let left_bytes = state.left_bytes;
            drop(state);
            tracing::warn!(left_bytes, "a check was broken off; its context is left unfreed");
            self.shared.contexts.send_modify(|contexts| *contexts -= 1);
        }
    }

    fn discard(&mut self) {
        if self.engine.take().is_some() {
            self.shared.contexts.send_modify(|contexts| *contexts -= 1);
        }
    }
}

/// What the second opinion has against a source that the parser accepts.
fn undrawable(drawing: Option<&dyn Drawing>, kind: Option<&str>, source: &str) -> Vec<SourceError> {
    match (drawing, kind) {
        (Some(drawing), Some(kind)) if drawing.decides(kind) => {
            drawing.draws(source).err().unwrap_or_default()
        }
        _ => Vec::new(),
    }
}
