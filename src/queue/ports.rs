//! What the queue needs of others: of a scheduler, which implements it, of whoever knows the
//! templates, of whoever tells applications of ends, and of whoever counts. `app` joins them.

use std::fmt;

use crate::domain::id::JobSeq;
use crate::domain::job::FilledTemplate;
use crate::domain::lane::{CallEnd, CallReport, LaneName, LimitsSeen, Verdict};
use crate::domain::limits::{Overview, Place};
use crate::domain::webhook::PendingDelivery;
use crate::domain::{Change, Claimed, DiagramType, JobId, Money, Tier, Timestamp, ValidationStatus};
use crate::store::commands::CallRecord;

use super::Fault;

/// The templates as the queue sees them: a name and variables in, an instruction or faults out.
pub trait FillTemplate: fmt::Debug + Send + Sync {
    /// The template of this name with these variables in it.
    ///
    /// # Errors
    /// Every fault at once, each with its pointer into the request's body.
    fn fill(
        &self,
        name: &str,
        diagram_type: DiagramType,
        variables: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<FilledTemplate, Vec<Fault>>;
}

/// A request that was just accepted, for whoever counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its tier.
    pub tier: Tier,
    /// What it asks for.
    pub diagram_type: DiagramType,
    /// What the cache had to do with it.
    pub cache: CacheUse,
}

/// What the cache had to do with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheUse {
    /// It was not asked.
    Bypassed,
    /// It had no answer.
    Missed,
    /// It had the answer, whose calls would have cost so much.
    Hit(Money),
}

/// A call whose end was recorded just now.
#[derive(Clone, Copy, Debug)]
pub struct CallEnded<'a> {
    /// Whose it was.
    pub job: &'a Claimed,
    /// What was recorded.
    pub call: &'a CallRecord,
    /// How it ended.
    pub end: &'a CallEnd,
    /// When the answer was whole, or it was clear that there is none.
    pub answered_at: Timestamp,
    /// The verdict on the source, when the call brought one.
    pub verdict: Option<ValidationStatus>,
    /// What became of the job, in a word.
    pub then: &'static str,
    /// When that was on disk.
    pub settled_at: Timestamp,
}

/// Whoever counts what happens. Everything is told once, after it is on disk; no call may block.
pub trait Observe: Send + Sync {
    /// A request was accepted; a replay of one is none.
    fn accepted(&self, accepted: &Accepted);

    /// Changes were committed. Called on the store's writer thread.
    fn committed(&self, changes: &[Change]);

    /// The end of a call was recorded.
    fn call_ended(&self, ended: &CallEnded<'_>);
}

/// Where the ends of a request are told, as the queue sees it.
pub trait Telling: fmt::Debug + Send + Sync {
    /// What is wrong with an address, as a sentence; `None`: nothing is.
    fn fault(&self, url: &str) -> Option<String>;
}

/// Whoever delivers messages, as the queue sees it.
pub trait Outbox: Send + Sync {
    /// A message waits on disk. Called on the store's writer thread; must not block.
    fn stored(&self, message: &PendingDelivery);
}

/// A scheduler as the queue sees it. No call blocks on anything but a short mutex.
pub trait Scheduling: Send + Sync {
    /// Learns of committed changes, in commit order. Called on the store's writer thread.
    fn committed(&self, changes: &[Change]);

    /// A claim that the scheduler asked for could not be committed: the job was cancelled in the
    /// meantime (`gone`), or the store failed (the job is still waiting).
    fn claim_failed(&self, seq: JobSeq, gone: bool);

    /// The call's first byte is about to leave: its charges' minute starts now.
    fn call_sent(&self, seq: JobSeq, run: u32);

    /// The upstream told its limits in an answer's headers.
    fn limits_seen(&self, lane: &LaneName, seen: &LimitsSeen);

    /// A call ended: settles its charges, moves the lane's state, decides about the job.
    fn call_ended(&self, report: &CallReport) -> Verdict;

    /// A waiting job's place; `None` when it is not waiting.
    fn place(&self, seq: JobSeq) -> Option<Place>;

    /// The first `count` waiting jobs in order, with their places.
    fn front(&self, count: usize) -> Vec<(JobId, Place)>;

    /// The whole queue's figures.
    fn overview(&self) -> Overview;

    /// The operator resumes: paused lanes are open again.
    fn resume_lanes(&self);

    /// A number that moves with every change of order; the position ticker compares it.
    fn revision(&self) -> u64;
}
