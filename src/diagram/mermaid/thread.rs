//! One thread with its checking process: takes what waits, answers, rests, goes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use crate::diagram::check::{Drawing, Report};
use crate::domain::SourceError;

use super::child::{Checked, Child};
use super::engine::Broken;
use super::pool::{FAULT, Shared};
use super::queue::Task;
use super::raw::Sort;
use super::{kind, words};

/// The second opinion draws on it.
const STACK_BYTES: usize = 8 << 20;

/// Starts one; the caller counts it among the pool's threads.
///
/// # Errors
/// When the system gives no thread, or not what it waits with.
pub(super) fn start(shared: Arc<Shared>) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let builder = std::thread::Builder::new().name("mermaid".into()).stack_size(STACK_BYTES);
    builder.spawn(move || Thread { shared, child: None, runtime }.run()).map(drop)
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
    child: Option<Child>,
    /// Waits for the process, and for nothing else.
    runtime: Runtime,
}

impl Thread {
    fn run(mut self) {
        while let Some(next) = self.next() {
            let Next::Task(task) = next else {
                self.load();
                continue;
            };
            let Task { source, purpose, reply, place } = task;
            if !reply.is_closed() {
                let report = self.answer(&source);
                // Whoever asked may have gone meanwhile.
                let _ = reply.send(report);
            }
            self.shared.state.lock().queue.done(purpose);
            drop(place);
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
            if std::mem::take(&mut state.expected) && self.child.is_none() {
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
        self.discard();
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
        let Checked { raw, spent } = self.ask(source)?;
        // Whatever failed half-way inside may fail for the next source too.
        let crashed = raw.faults.iter().any(|fault| fault.sort == Sort::Crash);
        if spent || raw.spoilt || crashed {
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

    /// The parser's verdict, within the deadline and what a fresh process needs to start.
    fn ask(&mut self, source: &str) -> Result<Checked, Broken> {
        let begin = Instant::now();
        let deadline = self.shared.settings.deadline;
        let has_rested = self.child.is_some();
        match self.ask_once(source, deadline) {
            // It may have been ended by somebody else since its last source: the system tells a
            // moment later than the pipe. Whether this source was to blame shows by asking again.
            Err(Broken::Fault(reason)) if has_rested && !self.shared.stop.is_cancelled() => {
                tracing::warn!(
                    reason,
                    "a checking process that had rested is gone; its source is checked by another"
                );
                self.discard();
                match self.ask_once(source, deadline.saturating_sub(begin.elapsed())) {
                    // It had less than its time, so that nothing is known of it.
                    Err(Broken::TooSlow) => Err(Broken::Fault(reason)),
                    outcome => outcome,
                }
            }
            outcome => outcome,
        }
    }

    fn ask_once(&mut self, source: &str, deadline: Duration) -> Result<Checked, Broken> {
        self.prepare()?;
        let Self { shared, child: Some(child), runtime } = self else {
            return Err(Broken::Fault("the process is gone".to_owned()));
        };
        let checked = child.check(source, deadline);
        runtime.block_on(shared.stop.run_until_cancelled(checked)).unwrap_or_else(stopped)
    }

    /// Starts a process when there is none, or none any more.
    fn prepare(&mut self) -> Result<(), Broken> {
        // Looking whether it lives needs the runtime's clockwork.
        let guard = self.runtime.enter();
        let lives = self.child.as_mut().is_some_and(Child::lives);
        drop(guard);
        if lives {
            return Ok(());
        }
        self.discard();
        let begin = Instant::now();
        let started = self.shared.stop.run_until_cancelled(Child::start(&self.shared.program));
        let child = self.runtime.block_on(started).unwrap_or_else(stopped)?;
        let (id, bytes) = (child.id(), child.context_bytes());
        tracing::debug!(id, bytes, milliseconds = begin.elapsed().as_millis(), "Mermaid's parser is loaded");
        self.child = Some(child);
        self.shared.children.send_modify(|children| children.push(id));
        Ok(())
    }

    /// Starts the process ahead of the source that needs it; a fault shows when that comes.
    fn load(&mut self) {
        if let Err(reason) = self.prepare() {
            tracing::warn!(
                ?reason,
                "Mermaid's parser was not loaded ahead of time; it is tried again when it is needed"
            );
        }
    }

    fn discard(&mut self) {
        if let Some(child) = self.child.take() {
            let id = child.id();
            self.runtime.block_on(child.end());
            self.shared.children.send_modify(|children| children.retain(|living| *living != id));
        }
    }
}

/// Nobody waits for this verdict.
fn stopped<T>() -> Result<T, Broken> {
    Err(Broken::Fault("checking was stopped".to_owned()))
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
