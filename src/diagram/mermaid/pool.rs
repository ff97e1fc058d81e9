//! The checking processes and their threads: how many there are, and how a source gets to one.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::diagram::check::{Busy, Checker, Checking, Drawing, Purpose, Report};
use crate::diagram::size;
use crate::domain::DiagramType;

use super::queue::{Queue, Task};
use super::thread;

/// Generated sources that wait; more wait outside the queue.
const GENERATED_MAX: usize = 256;
/// Callers' sources that wait or run; more are refused.
const ASKED_MAX: usize = 64;
/// Those of one caller.
const ASKED_BY_ONE_MAX: usize = 16;
/// How long a caller's source waits for its turn before it is refused.
const ASKED_WAIT_MAX: Duration = Duration::from_secs(10);
/// Processes at the least and at the most: with two, one bad source delays no other.
const THREADS: std::ops::RangeInclusive<usize> = 2..=4;

/// How processes are kept.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Processes at the most.
    pub threads: usize,
    /// What one source may take.
    pub deadline: Duration,
    /// After which a process without work goes.
    pub rest: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            threads: cores.clamp(*THREADS.start(), *THREADS.end()),
            deadline: Duration::from_secs(3),
            rest: Duration::from_secs(60),
        }
    }
}

/// Mermaid's parser, as many times as there is work for.
pub struct Parsers {
    shared: Arc<Shared>,
    generated: Arc<Semaphore>,
    asked: Arc<Semaphore>,
}

/// What the threads see.
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) program: PathBuf,
    pub(super) drawing: Option<Arc<dyn Drawing>>,
    pub(super) state: Mutex<State>,
    pub(super) wake: Condvar,
    /// The numbers of the processes that live.
    pub(super) children: watch::Sender<Vec<u32>>,
    /// Ends those that are at work when nobody waits for them any more.
    pub(super) stop: CancellationToken,
}

/// What is behind the lock.
#[derive(Default)]
pub(super) struct State {
    pub(super) queue: Queue,
    pub(super) threads: usize,
    pub(super) idle: usize,
    pub(super) closed: bool,
    /// A source will come soon: a thread without a process makes one.
    pub(super) expected: bool,
}

impl Parsers {
    /// No process yet; the first source makes one. `program` is this program: what it is started
    /// with ([`super::VERB`]) makes it check ([`super::run_process`]).
    pub fn new(settings: Settings, program: &Path, drawing: Option<Arc<dyn Drawing>>) -> Self {
        let shared = Shared {
            settings,
            program: program.to_owned(),
            drawing,
            state: Mutex::default(),
            wake: Condvar::new(),
            children: watch::Sender::default(),
            stop: CancellationToken::new(),
        };
        Self {
            shared: Arc::new(shared),
            generated: Arc::new(Semaphore::new(GENERATED_MAX)),
            asked: Arc::new(Semaphore::new(ASKED_MAX)),
        }
    }

    /// The numbers of the processes that live, now and from now on.
    pub fn children(&self) -> watch::Receiver<Vec<u32>> {
        self.shared.children.subscribe()
    }

    async fn report(&self, source: &str, purpose: Purpose) -> Result<Report, Busy> {
        if let Some(error) = size::too_large(source) {
            return Ok(Report::verdict(None, vec![error]));
        }
        let place = match purpose {
            Purpose::Generated => Arc::clone(&self.generated).acquire_owned().await.map_err(|_| Busy)?,
            Purpose::Asked(_) => Arc::clone(&self.asked).try_acquire_owned().map_err(|_| Busy)?,
        };
        let (reply, answer) = oneshot::channel();
        self.submit(Task { source: source.to_owned(), purpose, reply, place })?;
        let answer = async { answer.await.unwrap_or_else(|_| Report::undecided(FAULT, true)) };
        match purpose {
            Purpose::Generated => Ok(answer.await),
            Purpose::Asked(_) => tokio::time::timeout(ASKED_WAIT_MAX, answer).await.map_err(|_| Busy),
        }
    }

    /// Puts a task where the threads find it, and starts a thread when all are at work.
    fn submit(&self, task: Task) -> Result<(), Busy> {
        let mut state = self.shared.state.lock();
        if let Purpose::Asked(caller) = task.purpose
            && state.queue.of(caller) >= ASKED_BY_ONE_MAX
        {
            return Err(Busy);
        }
        state.queue.push(task);
        if state.idle < state.queue.len() && state.threads < self.shared.settings.threads {
            self.start_thread(&mut state);
            if state.threads == 0 {
                // Whoever waits hears of it by the dropped sender.
                state.queue = Queue::default();
            }
        }
        drop(state);
        self.shared.wake.notify_one();
        Ok(())
    }

    fn start_thread(&self, state: &mut State) {
        match thread::start(Arc::clone(&self.shared)) {
            Ok(()) => state.threads += 1,
            Err(reason) if state.threads > 0 => {
                tracing::warn!(%reason, "no further thread for checking diagrams; those there are go on");
            }
            Err(reason) => tracing::error!(%reason, "no thread for checking diagrams can be started"),
        }
    }
}

impl Checker for Parsers {
    fn knows(&self, diagram_type: DiagramType) -> bool {
        diagram_type == DiagramType::Mermaid
    }

    fn expect(&self, diagram_type: DiagramType) {
        if !self.knows(diagram_type) || !self.shared.children.borrow().is_empty() {
            return;
        }
        let mut state = self.shared.state.lock();
        state.expected = true;
        if state.threads == 0 {
            self.start_thread(&mut state);
        }
        drop(state);
        self.shared.wake.notify_one();
    }

    fn check<'a>(&'a self, diagram_type: DiagramType, source: &'a str, purpose: Purpose) -> Checking<'a> {
        if !self.knows(diagram_type) {
            return Box::pin(std::future::ready(Ok(Report::unchecked())));
        }
        Box::pin(self.report(source, purpose))
    }
}

impl Drop for Parsers {
    /// The processes end at once, and the threads with them: nobody waits for a verdict.
    fn drop(&mut self) {
        self.shared.state.lock().closed = true;
        self.shared.stop.cancel();
        self.shared.wake.notify_all();
    }
}

/// What is said when the fault is the server's.
pub(super) const FAULT: &str = "The server could not check this diagram.";
