//! What the scheduler costs with a million jobs queued, beside the limits of the project.
//!
//! `cargo bench --bench scheduler` prints a markdown table and fails when a limit is exceeded.
//! `DIAGRAMD_BENCH_JOBS` changes the number of jobs.

use std::time::{Duration, Instant};

use diagramd::domain::change::{EndKind, Ended};
use diagramd::domain::lane::{CallEnd, CallReport, LaneName, LaneSpec, RetryPolicy};
use diagramd::domain::tier::Tiers;
use diagramd::domain::{Change, JobId, JobSeq, QueuedJob, Tier, Timestamp, TokenUsage, UserId};
use diagramd::scheduler::core::{Action, Core};

const JOBS: i64 = 1_000_000;
/// 20 jobs a user on average.
const USERS: u64 = 50_000;
const SAMPLES: usize = 20_000;
const DECISION_LIMIT: Duration = Duration::from_micros(10);
const POSITION_LIMIT: Duration = Duration::from_micros(5);
const BYTES_PER_JOB_LIMIT: f64 = 150.0;

fn main() {
    let jobs = std::env::var("DIAGRAMD_BENCH_JOBS").ok().and_then(|text| text.parse().ok()).unwrap_or(JOBS);
    let mut random = SplitMix(1);
    let before = resident_bytes();
    let begin = Instant::now();
    let mut bench = Bench::new();
    (0..jobs).for_each(|seq| bench.queue(seq, &mut random));
    let loaded = begin.elapsed();
    let bytes = resident_bytes().saturating_sub(before) as f64 / jobs as f64;

    let mut positions: Vec<Duration> = (0..SAMPLES).map(|_| bench.position(&mut random, jobs)).collect();
    let mut decisions: Vec<Duration> = (0..SAMPLES).map(|_| bench.decision()).collect();
    let mut arrivals: Vec<Duration> = (0..SAMPLES as i64)
        .map(|extra| {
            let begin = Instant::now();
            bench.queue(jobs + extra, &mut random);
            begin.elapsed()
        })
        .collect();

    println!("| {jobs} jobs queued, {USERS} users | p50 | p99 | limit (p99) |");
    println!("|---|---|---|---|");
    let (_, decision) = row("one decision (step)", &mut decisions, Some(DECISION_LIMIT));
    let (_, position) = row("one position (place)", &mut positions, Some(POSITION_LIMIT));
    row("one arrival (committed)", &mut arrivals, None);
    println!("| loading all of them | {:.2} s | | |", loaded.as_secs_f64());
    println!("| memory a job | {bytes:.0} bytes | | {BYTES_PER_JOB_LIMIT:.0} bytes |");
    assert!(decision <= DECISION_LIMIT, "a decision takes too long");
    assert!(position <= POSITION_LIMIT, "a position takes too long");
    assert!(bytes <= BYTES_PER_JOB_LIMIT, "a job takes too much memory");
}

fn row(what: &str, samples: &mut [Duration], limit: Option<Duration>) -> (Duration, Duration) {
    samples.sort_unstable();
    let (p50, p99) = (samples[samples.len() / 2], samples[samples.len() * 99 / 100]);
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let limit = limit.map_or_else(String::new, |limit| format!("{:.0} us", micros(limit)));
    println!("| {what} | {:.2} us | {:.2} us | {limit} |", micros(p50), micros(p99));
    (p50, p99)
}

struct Bench {
    core: Core,
    now: Timestamp,
}

impl Bench {
    fn new() -> Self {
        let lane = LaneSpec {
            name: LaneName::from("lane"),
            model: "model".into(),
            max_concurrent: 1,
            requests_per_minute: 1_000_000,
            tokens_per_minute: 1_000_000_000,
            input_tokens_per_minute: 0,
            output_tokens_per_minute: 0,
            network_margin: Duration::from_secs(1),
        };
        let retry =
            RetryPolicy { max_attempts: 6, base: Duration::from_secs(1), cap: Duration::from_secs(300) };
        Self {
            core: Core::new(vec![lane], Tiers::default(), retry, || 0.5),
            now: Timestamp(1_800_000_000_000),
        }
    }

    fn queue(&mut self, seq: i64, random: &mut SplitMix) {
        let user = random.below(USERS);
        self.core
            .committed(&Change::Queued(job(seq, user, random.below(4000) as u32 + 100, self.now)), self.now);
    }

    fn position(&self, random: &mut SplitMix, jobs: i64) -> Duration {
        let seq = JobSeq(random.below(jobs.unsigned_abs()) as i64);
        let begin = Instant::now();
        let place = self.core.place(seq, self.now);
        let took = begin.elapsed();
        assert!(place.is_some());
        took
    }

    /// Decides once, and ends the call at once, unmeasured.
    fn decision(&mut self) -> Duration {
        self.now = Timestamp(self.now.0 + 1);
        let mut actions = Vec::with_capacity(1);
        let begin = Instant::now();
        self.core.step(self.now, &mut actions);
        let took = begin.elapsed();
        let [Action::Claim { seq, run, .. }] = actions.as_slice() else { panic!("{actions:?}") };
        let (seq, run) = (*seq, run + 1);
        self.core.call_sent(seq, run, self.now);
        let usage = TokenUsage { input: 500, output: 700, ..TokenUsage::default() };
        self.core.call_ended(&CallReport { seq, run, end: CallEnd::Answered, usage, sent: true }, self.now);
        let ended = Ended {
            seq,
            id: JobId([0; 16]),
            user: UserId(0),
            created_at: self.now,
            ended_at: self.now,
            was_running: true,
            how: EndKind::Cancelled,
        };
        self.core.committed(&Change::Ended(ended), self.now);
        took
    }
}

fn job(seq: i64, user: u64, max_tokens: u32, now: Timestamp) -> QueuedJob {
    QueuedJob {
        seq: JobSeq(seq),
        id: JobId([0; 16]),
        user: UserId(user as i64),
        tier: Tier::ALL[(user % 4) as usize],
        estimated_input: 500,
        max_tokens,
        model: None,
        run: 0,
        strikes: 0,
        created_at: now,
        retry_at: None,
        deadline_at: None,
    }
}

/// Resident memory of this process (Linux; 0 elsewhere).
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

struct SplitMix(u64);

impl SplitMix {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}
