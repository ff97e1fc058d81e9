//! What the scheduler costs with a million jobs queued, and how much of an upstream's quota it
//! uses, each figure beside its target.
//!
//! `cargo bench --bench scheduler` prints two markdown tables, and last which targets were missed.
//! `DIAGRAMD_BENCH_JOBS` changes the number of jobs. Without optimization times and memory are
//! printed and not judged, and outside of `cargo bench` fewer jobs are queued.

use std::time::{Duration, Instant};

use diagramd::domain::change::{EndKind, Ended};
use diagramd::domain::lane::{CallEnd, CallReport, LaneName, LaneSpec, RetryPolicy};
use diagramd::domain::tier::Tiers;
use diagramd::domain::{Change, JobId, JobSeq, Origin, QueuedJob, Tier, Timestamp, TokenUsage, UserId};
use diagramd::scheduler::core::{Action, Core};

// The tests' simulated lane and upstreams; what only the tests look at is unused here.
#[allow(dead_code)]
#[path = "../tests/simulation/saturated.rs"]
mod saturated;
#[allow(dead_code)]
#[path = "../tests/simulation/trial.rs"]
mod trial;
#[allow(dead_code)]
#[path = "../tests/simulation/upstream.rs"]
mod upstream;

use trial::Trial;
use upstream::Window;

const JOBS: i64 = 1_000_000;
/// Queued by a run that only looks whether the bench still works.
const JOBS_OF_A_TRIAL: i64 = 20_000;
/// 20 jobs a user on average.
const USERS: u64 = 50_000;
const SAMPLES: i64 = 20_000;
const DECISION_LIMIT: Duration = Duration::from_micros(10);
const POSITION_LIMIT: Duration = Duration::from_micros(5);
const BYTES_PER_JOB_LIMIT: f64 = 150.0;
const REQUESTS_USED: f64 = 0.97;
const TOKENS_USED: f64 = 0.95;
const REST_USED: f64 = 0.9;
const REFUSED_A_MINUTE: f64 = 5.0;

fn main() {
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let wanted = std::env::var("DIAGRAMD_BENCH_JOBS").ok().map(|text| {
        text.parse::<i64>().ok().filter(|jobs| *jobs > 0).expect("DIAGRAMD_BENCH_JOBS is a number above 0")
    });
    let jobs = wanted.unwrap_or(if is_bench { JOBS } else { JOBS_OF_A_TRIAL });
    let mut missed = costs(jobs);
    missed.extend(quota());
    if !missed.is_empty() {
        println!("\nTargets missed: {}.", missed.join(", "));
    }
}

/// Time and memory with `jobs` queued. Returns the targets that were missed.
fn costs(jobs: i64) -> Vec<String> {
    let mut random = SplitMix(1);
    let samples = SAMPLES.min(jobs / 2).max(1);
    let before = resident_bytes();
    let begin = Instant::now();
    let mut bench = Bench::new();
    (0..jobs).for_each(|seq| bench.queue(seq, &mut random));
    let loaded = begin.elapsed();
    let bytes = resident_bytes().saturating_sub(before);
    let bytes_per_job = bytes as f64 / jobs as f64;

    let mut decisions: Vec<Duration> = (0..samples).map(|_| bench.decision()).collect();
    // Now the lane's budgets are full of charges that places have to look at.
    let mut positions: Vec<Duration> = (0..samples).map(|_| bench.position(&mut random, jobs)).collect();
    let mut arrivals: Vec<Duration> = (0..samples)
        .map(|extra| {
            let begin = Instant::now();
            bench.queue(jobs + extra, &mut random);
            begin.elapsed()
        })
        .collect();

    println!("| {jobs} jobs queued, {USERS} users | p50 | p99 | target |");
    println!("|---|---|---|---|");
    let decision = row("one decision (step)", &mut decisions, Some(DECISION_LIMIT));
    let position = row("one position (place)", &mut positions, Some(POSITION_LIMIT));
    row("one arrival (committed)", &mut arrivals, None);
    println!("| loading all of them | {:.2} s | | |", loaded.as_secs_f64());
    let (mb, limit_mb) = (bytes as f64 / 1e6, BYTES_PER_JOB_LIMIT * jobs as f64 / 1e6);
    println!("| memory (resident) | {mb:.1} MB, {bytes_per_job:.0} bytes a job | | <= {limit_mb:.0} MB |");

    let mut missed = Vec::new();
    // Unoptimized code is not what the targets are about, nor do few jobs fill a page.
    if !cfg!(debug_assertions) && jobs >= JOBS {
        missed.extend((decision > DECISION_LIMIT).then(|| "time of a decision".to_owned()));
        missed.extend((position > POSITION_LIMIT).then(|| "time of a position".to_owned()));
        missed.extend((bytes_per_job > BYTES_PER_JOB_LIMIT).then(|| "memory of a job".to_owned()));
    }
    missed
}

/// Use of a saturated quota over an hour of simulated time. Returns the targets that were missed.
fn quota() -> Vec<String> {
    let mut missed = Vec::new();
    println!();
    println!("| saturated for an hour, simulated | used | refused (429) | over in any 60 s | target |");
    println!("|---|---|---|---|---|");
    for (preset, requests, tokens) in [("5x", 25, 200_000), ("20x", 100, 800_000)] {
        for window in Window::ALL {
            for crash in [None, Some(30)] {
                let with = if crash.is_some() { ", crash and restart" } else { "" };
                let by_requests = Trial {
                    crash_after_minutes: crash,
                    headers: true,
                    ..Trial::of_requests(window, requests, tokens)
                };
                let by_tokens =
                    Trial { crash_after_minutes: crash, headers: true, ..Trial::of_tokens(window, tokens) };
                let what = format!("{requests} requests a minute ({preset}), {window:?}{with}");
                missed.extend(own(&what, by_requests, REQUESTS_USED));
                let what = format!("{tokens} tokens a minute ({preset}), calls of 1-2 s, {window:?}{with}");
                missed.extend(own(&what, by_tokens, TOKENS_USED));
            }
            for headers in [true, false] {
                let told = if headers { "told" } else { "not told" };
                let what = format!(
                    "{requests} requests a minute, 30 % taken by another, {told} what is left, {window:?}"
                );
                let trial = Trial { other: 0.3, headers, ..Trial::of_requests(window, requests, tokens) };
                missed.extend(shared(&what, trial));
            }
        }
    }
    missed
}

fn own(what: &str, trial: Trial, target: f64) -> Option<String> {
    let is_of_requests = trial.requests_per_minute > 0;
    let figures = saturated::run(trial);
    let used = if is_of_requests { figures.requests_used } else { figures.tokens_used };
    let refused = figures.refused + figures.refused_in_warm_up;
    println!(
        "| {what} | {:.1} % | {refused} | {} | >= {:.0} %, 0, 0 |",
        used * 100.0,
        figures.over,
        target * 100.0
    );
    (used < target || refused > 0 || figures.over > 0).then(|| what.to_owned())
}

fn shared(what: &str, trial: Trial) -> Option<String> {
    let figures = saturated::run(trial);
    let a_minute = figures.refused as f64 / 60.0;
    println!(
        "| {what} | {:.1} % of the rest | {a_minute:.2} a minute, at most {} in one | {} | >= {:.0} %, <= {REFUSED_A_MINUTE:.0} a minute, 0 |",
        figures.requests_used * 100.0,
        figures.refused_most,
        figures.over,
        REST_USED * 100.0,
    );
    let is_missed = figures.requests_used < REST_USED || a_minute > REFUSED_A_MINUTE || figures.over > 0;
    is_missed.then(|| what.to_owned())
}

/// Prints a row and returns the 99th percentile.
fn row(what: &str, samples: &mut [Duration], limit: Option<Duration>) -> Duration {
    samples.sort_unstable();
    let (p50, p99) = (samples[samples.len() / 2], samples[samples.len() * 99 / 100]);
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let limit = limit.map_or_else(String::new, |limit| format!("p99 <= {:.0} us", micros(limit)));
    println!("| {what} | {:.2} us | {:.2} us | {limit} |", micros(p50), micros(p99));
    p99
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
            // So few that nearly every place depends on the charges of the last minute.
            requests_per_minute: 30_000,
            tokens_per_minute: 100_000_000,
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
        loop {
            let seq = JobSeq(random.below(jobs.unsigned_abs()) as i64);
            let begin = Instant::now();
            let place = self.core.place(seq, self.now);
            let took = begin.elapsed();
            // Some have gone; at least half still wait.
            if place.is_some() {
                return took;
            }
        }
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
            origin: Origin::default(),
            shared: None,
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
