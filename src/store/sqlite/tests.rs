//! The writer and its commands on a real database: units, keys, purges, first starts, faults.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::oneshot;

use super::*;
use crate::domain::failure::FailureCode;
use crate::domain::job::{Bill, Outcome};
use crate::domain::limits::UserCounts;
use crate::domain::webhook::WriteMessage;
use crate::domain::{
    Brief, Change, DiagramType, Failure, JobId, JobSeq, LaneName, Money, NewJob, Origin, Repair, SourceError,
    Tier, Timestamp, TokenUsage, UserId,
};
use crate::store::commands::{
    CallRecord, Cancellation, Claim, JobEnd, Owner, Settlement, Submission, SubmitLimits, Submitted,
};
use crate::store::retention::{Ages, Keep, Stale, StaleKind};
use crate::store::writer::Backend;
use crate::store::{Commands, Priority};

mod alerts;
mod books;
mod cache;
mod checkpoints;
mod followers;
mod retention;
mod sessions;
mod webhooks;

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const DAY_MS: i64 = 24 * 3_600_000;

/// Tells a job's id and state.
fn message() -> WriteMessage {
    Arc::new(|job| format!("{} {}", job.id, job.state.name()))
}

struct Store {
    writer: Writer,
    reader: Reader,
    _dir: TempDir,
}

impl Store {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let Sqlite { writer, reader } = open(&path_in(dir.path()), message(), &Watch::default()).unwrap();
        Self { writer, reader, _dir: dir }
    }

    fn run<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut dyn Commands) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        self.writer.write_blocking(work).unwrap()
    }

    fn user(&self, name: &'static str) -> UserId {
        self.run(move |commands| commands.ensure_user(name, Some(Tier::Free), NOW)).id
    }

    fn submit(&self, user: UserId, number: u8, key: Option<&str>, at: Timestamp) -> Submitted {
        let submission = submission(user, number, key, at);
        self.run(move |commands| commands.submit(&submission))
    }

    fn accept(&self, user: UserId, number: u8, at: Timestamp) -> JobSeq {
        match self.submit(user, number, None, at) {
            Submitted::Accepted { seq, .. } => seq,
            other => panic!("{other:?}"),
        }
    }

    fn claim(&self, seq: JobSeq, run: u32) {
        let claim = Claim {
            seq,
            run,
            lane: LaneName::from("main"),
            provider: "anthropic",
            model: "m".to_owned(),
            estimated_input: 100,
            estimated_output: 100,
            budgets: [None; 4],
            at: NOW,
        };
        self.run(move |commands| commands.claim(&claim).map(drop));
    }

    fn settle(&self, seq: JobSeq, run: u32, sent: bool, output: u64, end: JobEnd) {
        let tokens = TokenUsage { output, ..TokenUsage::default() };
        let bill = Bill { tokens, cost: Money::ZERO, estimated: true };
        let call = CallRecord { sent_at: sent.then_some(NOW), ended_at: NOW, bill, counts: false };
        let settlement = Settlement { seq, run, call, end, cache_bytes_max: None };
        self.run(move |commands| commands.settle(&settlement).map(drop));
    }

    /// Deletes all that is too old at `now` when what the operator decides of is kept for `keep`.
    /// Returns how many rows.
    fn purge(&self, now: Timestamp, keep: Duration) -> u32 {
        let ages = Ages::at(now, Keep { requests: keep, messages: keep });
        let stale = self.stale(&ages, 1000);
        self.run(move |commands| commands.purge(&stale, &ages))
    }

    /// What is too old, at most `limit` of each kind.
    fn stale(&self, ages: &Ages, limit: u32) -> Vec<Stale> {
        let of = |kind| self.reader.blocking().stale(kind, ages, limit).unwrap();
        StaleKind::ALL.into_iter().flat_map(of).collect()
    }

    /// What the user's next submission finds; it is refused and changes nothing.
    fn counts(&self, user: UserId) -> UserCounts {
        let mut submission = submission(user, 255, None, NOW);
        submission.limits.per_day = 0;
        match self.run(move |commands| commands.submit(&submission)) {
            Submitted::Refused { counts, .. } => counts,
            other => panic!("{other:?}"),
        }
    }
}

fn submission(user: UserId, number: u8, key: Option<&str>, at: Timestamp) -> Submission {
    Submission {
        job: NewJob {
            id: JobId([number; 16]),
            user,
            tier: Tier::Free,
            diagram_type: DiagramType::Mermaid,
            max_tokens: 100,
            model: None,
            estimated_input: 100,
            reserved: Money::ZERO,
            deadline_at: None,
            webhook_url: None,
            brief: Brief { prompt: "A -> B".to_owned(), ..Brief::default() },
            cache_key: None,
            created_at: at,
            origin: Origin::default(),
        },
        limits: SubmitLimits {
            per_hour: 100_000,
            per_day: 100_000,
            max_queued_user: 100_000,
            max_queued_server: 100_000,
            monthly_budget: None,
        },
        kept_since: None,
        followers_max: 0,
        idempotency: key.map(|key| (key.to_owned(), [7; 32])),
    }
}

fn requeued() -> JobEnd {
    JobEnd::Requeued { retry_at: None, strike: true, failed: true, reason: "the upstream failed" }
}

#[test]
fn a_deadline_that_passes_during_a_call_gives_no_unit_back() {
    let store = Store::new();
    let user = store.user("ann");
    let run = |number: u8, sent: bool| {
        let seq = store.accept(user, number, NOW);
        store.claim(seq, 0);
        store.settle(seq, 1, sent, 0, JobEnd::Expired);
        store.counts(user).hour
    };
    assert_eq!(run(1, false), 0, "nothing was sent");
    assert_eq!(run(2, true), 1, "nearly all of a diagram may have been read");
    let seq = store.accept(user, 3, NOW);
    store.claim(seq, 0);
    store.settle(seq, 1, true, 50, requeued());
    store.claim(seq, 1);
    store.settle(seq, 2, false, 0, JobEnd::Expired);
    assert_eq!(store.counts(user).hour, 2, "an earlier call wrote something");
    let seq = store.accept(user, 4, NOW);
    store.claim(seq, 0);
    store.settle(seq, 1, true, 0, requeued());
    store.claim(seq, 1);
    store.settle(seq, 2, false, 0, JobEnd::Expired);
    assert_eq!(store.counts(user).hour, 2, "an earlier call brought nothing");
}

fn repair(estimated_input: u32, reserved: i64) -> JobEnd {
    let error = SourceError { line: 2, column: 1, message: "No.".to_owned() };
    let repair = Repair::after(None, "digraph {".to_owned(), None, vec![error]);
    JobEnd::Repair { repair: Box::new(repair), estimated_input, reserved: Money(reserved) }
}

#[test]
fn a_repair_holds_what_its_own_call_may_take_and_goes_with_its_job() {
    let store = Store::new();
    let user = store.user("ann");
    let seq = store.accept(user, 1, NOW);
    store.claim(seq, 0);
    store.settle(seq, 1, true, 50, repair(700, 900));
    let counts = store.counts(user);
    assert_eq!((counts.queued, counts.running, counts.month_reserved), (1, 0, Money(900)));
    store.claim(seq, 1);
    store.settle(seq, 2, true, 50, repair(800, 400));
    assert_eq!(store.counts(user).month_reserved, Money(400));
    store.run(|commands| commands.cancel(JobId([1; 16]), Owner::Anyone, NOW));
    assert_eq!((store.counts(user).month_reserved, store.counts(user).queued), (Money::ZERO, 0));
    let seq = store.accept(user, 2, NOW);
    store.claim(seq, 0);
    store.settle(seq, 1, true, 50, requeued());
    assert!(store.run(move |commands| commands.expire(seq, NOW)), "its own end, not that of a repair before");
}

#[test]
fn a_request_that_has_a_source_neither_fails_nor_expires() {
    let ends: [fn(&Store, JobSeq); 4] = [
        |store, seq| assert!(store.run(move |commands| commands.expire(seq, NOW))),
        |store, seq| {
            let failure =
                Failure { code: FailureCode::ModelUnavailable, message: String::new(), retryable: false };
            assert!(store.run(move |commands| commands.fail_queued(seq, &failure, NOW)));
        },
        |store, seq| {
            store.claim(seq, 1);
            store.settle(seq, 2, true, 0, JobEnd::Expired);
        },
        |store, seq| {
            store.claim(seq, 1);
            store.run(|commands| commands.recover(NOW));
            store.claim(seq, 2);
            let outcome = Outcome::default();
            store.settle(seq, 3, true, 0, JobEnd::Failed { outcome, return_unit: false });
        },
    ];
    let store = Store::new();
    let user = store.user("ann");
    for (number, end) in (1..).zip(ends) {
        let seq = store.accept(user, number, NOW);
        store.claim(seq, 0);
        store.settle(seq, 1, true, 50, repair(700, 0));
        end(&store, seq);
        let retried = store.run(move |commands| commands.retry_failed(JobId([number; 16]), NOW));
        assert!(retried.is_none(), "{number}: it did not fail");
        let cancelled = store.run(move |commands| commands.cancel(JobId([number; 16]), Owner::Anyone, NOW));
        assert_eq!(cancelled, Cancellation::NotCancellable);
        let counts = store.counts(user);
        assert_eq!((counts.hour, counts.queued, counts.running), (0, 0, 0), "{number}: its unit went back");
    }
}

#[test]
fn a_key_whose_request_was_purged_stands_for_nothing() {
    let store = Store::new();
    let user = store.user("ann");
    assert!(matches!(store.submit(user, 1, Some("k"), NOW), Submitted::Accepted { .. }));
    assert!(matches!(store.submit(user, 2, Some("k"), NOW), Submitted::Replayed(JobId([1, ..]))));
    store.run(|commands| commands.cancel(JobId([1; 16]), Owner::Anyone, NOW));
    assert_eq!(store.purge(Timestamp(NOW.0 + 1), Duration::ZERO), 1, "the request, and not yet the key");
    assert!(matches!(store.submit(user, 3, Some("k"), NOW), Submitted::Accepted { .. }));
    assert!(matches!(store.submit(user, 4, Some("k"), NOW), Submitted::Replayed(JobId([3, ..]))));
}

#[test]
fn first_starts_at_the_same_time_make_one_database() {
    for _ in 0..20 {
        let dir = TempDir::new().unwrap();
        let path = path_in(dir.path());
        let begin = std::sync::Barrier::new(6);
        let start = || {
            begin.wait();
            open(&path, message(), &Watch::default()).map(|store| store.writer.close())
        };
        std::thread::scope(|scope| {
            let starts: Vec<_> = (0..6).map(|_| scope.spawn(start)).collect();
            starts.into_iter().for_each(|started| started.join().unwrap().unwrap());
        });
    }
}

/// Counts transactions, and breaks instead of making them when told to.
struct Watched {
    inner: write::SqliteWriter,
    transactions: Arc<AtomicUsize>,
    breaks: bool,
}

impl Backend for Watched {
    fn transaction(
        &mut self,
        work: &mut dyn FnMut(&mut dyn Commands) -> Result<(), StoreError>,
    ) -> Result<Vec<Change>, StoreError> {
        assert!(!self.breaks, "a mistake that a test made");
        self.transactions.fetch_add(1, Ordering::SeqCst);
        self.inner.transaction(work)
    }
}

fn watched(dir: &TempDir, breaks: bool) -> (Writer, Arc<AtomicUsize>) {
    let path = path_in(dir.path());
    let mut connection = connection::open_writer(&path).unwrap();
    migrate::migrate(&mut connection, &path, &Watch::default()).unwrap();
    let transactions = Arc::<AtomicUsize>::default();
    let inner =
        write::SqliteWriter::new(connection, connection::open_writer(&path).unwrap(), message()).unwrap();
    let backend = Watched { inner, transactions: Arc::clone(&transactions), breaks };
    (Writer::start(backend).unwrap(), transactions)
}

#[test]
fn a_writer_that_broke_takes_no_more_writes_and_leaves_nobody_waiting() {
    let dir = TempDir::new().unwrap();
    let (writer, _) = watched(&dir, true);
    let asks: Vec<oneshot::Receiver<()>> = (0..3)
        .map(|_| {
            let (answer, asked) = oneshot::channel();
            let beat = |commands: &mut dyn Commands| commands.heartbeat(NOW);
            writer.write_then(Priority::Submit, 0, beat, move |written| {
                assert!(matches!(written, Err(StoreError::Closed)), "{written:?}");
                drop(answer);
            });
            asked
        })
        .collect();
    asks.into_iter().for_each(|asked| assert!(asked.blocking_recv().is_err()));
    writer.close();
    let late = writer.write_blocking(|commands| commands.heartbeat(NOW));
    assert!(matches!(late, Err(StoreError::Closed)), "{late:?}");
}

#[test]
fn a_full_disk_fails_a_batch_at_once() {
    let dir = TempDir::new().unwrap();
    let (writer, transactions) = watched(&dir, false);
    let (hold, held) = mpsc::channel::<()>();
    let (begin, begun) = mpsc::channel::<()>();
    let first = move |_: &mut dyn Commands| {
        begin
            .send(())
            .and_then(|()| held.recv().map_err(|_| mpsc::SendError(())))
            .map_err(|_| StoreError::Closed)
    };
    writer.write_then(Priority::Control, 0, first, drop);
    begun.recv().unwrap();
    let (answer, answers) = mpsc::channel();
    for number in 0..10 {
        let answer = answer.clone();
        let work = move |commands: &mut dyn Commands| match number {
            5 => Err(StoreError::Full("a test's disk".to_owned())),
            _ => commands.heartbeat(NOW),
        };
        writer.write_then(Priority::Control, 0, work, move |written| answer.send(written).unwrap());
    }
    hold.send(()).unwrap();
    let full = answers.iter().take(10).filter(|written| matches!(written, Err(StoreError::Full(_))));
    assert_eq!(full.count(), 10);
    assert_eq!(transactions.load(Ordering::SeqCst), 2, "one for who came first, one for all others");
    writer.close();
}
