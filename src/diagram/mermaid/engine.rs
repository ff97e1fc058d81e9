//! One JavaScript context that holds Mermaid's parser, and its limits.
//!
//! It stays on the thread that made it, in a process that has nothing else to do: after a
//! [`Broken`] nothing is known of its state, and even freeing it can abort the process.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rquickjs::{CatchResultExt, Context, Ctx, Function, Promise, Runtime};

use super::raw::Raw;

/// Mermaid's parser for this engine, made by `build.rs`, brotli.
const SCRIPT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/mermaid.js.br"));
/// More than the script has, unpacked.
const SCRIPT_BYTES_MAX: usize = 8 << 20;
/// What one context may hold; Mermaid itself takes about 35 MB.
pub const MEMORY_BYTES_MAX: usize = 256 << 20;
/// A context that holds more than this between two checks is thrown away.
const RESTING_BYTES_MAX: u64 = 128 << 20;
/// Of the thread's stack; the rest is for what the engine does not count.
pub const STACK_BYTES_MAX: usize = 3 << 20;
/// To load the script; it takes a fifth of a second on a fast machine.
pub const START_DEADLINE: Duration = Duration::from_secs(30);

/// Why a context gave no verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The deadline passed.
    TooSlow,
    /// It needed more memory or stack than it may have.
    TooLarge,
    /// The process, the engine or the script made a mistake; nothing in the words is of the source.
    Fault(String),
}

/// A context.
pub struct Engine {
    context: Context,
    runtime: Runtime,
    deadline: Rc<Cell<Option<Instant>>>,
}

impl Engine {
    /// What the parser takes in the binary.
    pub const SCRIPT_BYTES: usize = SCRIPT.len();

    /// Loads the parser, in about a quarter of a second.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn start() -> Result<Self, Broken> {
        let runtime = Runtime::new().map_err(fault)?;
        runtime.set_memory_limit(MEMORY_BYTES_MAX);
        runtime.set_max_stack_size(STACK_BYTES_MAX);
        let deadline = Rc::new(Cell::new(None));
        let watched: Rc<Cell<Option<Instant>>> = Rc::clone(&deadline);
        runtime.set_interrupt_handler(Some(Box::new(move || {
            watched.get().is_some_and(|deadline| Instant::now() >= deadline)
        })));
        let context = Context::full(&runtime).map_err(fault)?;
        let engine = Self { context, runtime, deadline };
        let script = unpack()?;
        let loaded = engine.until(START_DEADLINE, |ctx| {
            ctx.eval::<(), _>(script).catch(&ctx).map_err(|reason| Broken::Fault(reason.to_string()))
        });
        loaded.map(|()| engine)
    }

    /// Mermaid's verdict on a source.
    ///
    /// # Errors
    /// [`Broken`]; this context must not be used again, nor freed.
    pub fn check(&self, source: &str, deadline: Duration) -> Result<Raw, Broken> {
        let json = self.until(deadline, |ctx| self.drive(&ctx, source))?;
        serde_json::from_str(&json).map_err(|_| Broken::Fault("the script's verdict is no JSON".to_owned()))
    }

    /// Bytes that the context holds.
    pub fn memory_bytes(&self) -> u64 {
        u64::try_from(self.runtime.memory_usage().memory_used_size).unwrap_or(0)
    }

    /// Lets go of what the last check left. Whether the context may be used again.
    pub fn tidy(&self) -> bool {
        self.runtime.run_gc();
        self.memory_bytes() <= RESTING_BYTES_MAX
    }

    /// Runs `work`, which is interrupted when `allowed` has passed.
    fn until<T>(
        &self,
        allowed: Duration,
        work: impl FnOnce(Ctx<'_>) -> Result<T, Broken>,
    ) -> Result<T, Broken> {
        let end = Instant::now() + allowed;
        self.deadline.set(Some(end));
        let outcome = self.context.with(work);
        self.deadline.set(None);
        // However an interrupt shows itself, as an exception or as a promise that never ends.
        outcome.map_err(|reason| if Instant::now() >= end { Broken::TooSlow } else { reason })
    }

    /// Calls the script and runs what it puts off until its promise is kept.
    fn drive(&self, ctx: &Ctx<'_>, source: &str) -> Result<String, Broken> {
        let check: Function<'_> = ctx.globals().get("check").map_err(|reason| broken(ctx, reason))?;
        let promise: Promise<'_> = check.call((source,)).map_err(|reason| broken(ctx, reason))?;
        loop {
            if let Some(kept) = promise.result::<String>() {
                return kept.map_err(|reason| broken(ctx, reason));
            }
            let late = self.deadline.get().is_some_and(|deadline| Instant::now() >= deadline);
            if late {
                return Err(Broken::TooSlow);
            }
            if !ctx.execute_pending_job() {
                return Err(Broken::Fault("its promise is dead".to_owned()));
            }
        }
    }
}

fn unpack() -> Result<Vec<u8>, Broken> {
    let mut script = Vec::new();
    let mut reader = brotli_decompressor::Decompressor::new(SCRIPT, 64 << 10);
    let reading = std::io::copy(&mut std::io::Read::take(&mut reader, SCRIPT_BYTES_MAX as u64), &mut script);
    reading.map_err(|reason| Broken::Fault(format!("the script does not unpack: {reason}")))?;
    Ok(script)
}

fn fault(reason: rquickjs::Error) -> Broken {
    match reason {
        rquickjs::Error::Allocation => Broken::TooLarge,
        other => Broken::Fault(other.to_string()),
    }
}

/// What an error of the engine means; the exception itself holds the reason, which is not told: it
/// may be of the source.
fn broken(ctx: &Ctx<'_>, reason: rquickjs::Error) -> Broken {
    if !reason.is_exception() {
        return fault(reason);
    }
    let thrown = ctx.catch();
    let message = match thrown.as_exception() {
        Some(exception) => exception.message().unwrap_or_default(),
        None => String::new(),
    };
    if super::raw::is_exhaustion(&message) {
        return Broken::TooLarge;
    }
    Broken::Fault("the script threw an error".to_owned())
}
