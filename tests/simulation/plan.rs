//! What one simulated run consists of: drawn from a seed, or written out by a test.

use std::time::Duration;

use diagramd::domain::lane::{LaneName, LaneSpec};
use rand::RngExt;
use rand::rngs::StdRng;

pub const MARGIN: Duration = Duration::from_millis(500);
pub const ARRIVALS_END_MS: i64 = 240_000;

/// See the module. Times are in milliseconds from the start.
#[derive(Clone, Debug)]
pub struct Plan {
    pub lanes: Vec<LaneSpec>,
    pub users: i64,
    pub arrivals: Vec<i64>,
    /// Upstreams are down from the first to the second.
    pub outage: (i64, i64),
    /// How many of the lanes it hits.
    pub outage_lanes: usize,
    /// Whether connections fail during the outage, or calls do.
    pub unreachable: bool,
    /// Part of the calls that end badly.
    pub fault_rate: f64,
    /// Part of the claims whose write fails.
    pub store_fault_rate: f64,
    /// Part of the jobs that are cancelled, and part that have a deadline.
    pub cancel_rate: f64,
    pub deadline_rate: f64,
    /// The first so many jobs always fail.
    pub poisoned: i64,
    pub crashes: Vec<i64>,
    /// When the wall clock is set back, and by how much.
    pub set_back: Option<(i64, i64)>,
    pub limit: i64,
    /// The whole state is compared after every so many happenings.
    pub compare_every: u64,
}

impl Plan {
    /// A run drawn at random.
    pub fn draw(rng: &mut StdRng) -> Self {
        let outage_begins = rng.random_range(0..ARRIVALS_END_MS);
        let outage_lasts = if rng.random_bool(0.4) { 600_000 } else { 0 };
        let set_back = rng.random_bool(0.1);
        let lanes: Vec<LaneSpec> = (0..rng.random_range(1..=2)).map(|index| lane(index, rng)).collect();
        Self {
            outage_lanes: rng.random_range(1..=lanes.len()),
            lanes,
            users: 8,
            arrivals: (0..rng.random_range(20..150)).map(|_| rng.random_range(0..ARRIVALS_END_MS)).collect(),
            outage: (outage_begins, outage_begins + outage_lasts),
            unreachable: rng.random_bool(0.5),
            fault_rate: if rng.random_bool(0.5) { 0.0 } else { rng.random_range(0.0..0.3) },
            store_fault_rate: 0.01,
            cancel_rate: 0.1,
            deadline_rate: 0.05,
            poisoned: if rng.random_bool(0.5) { rng.random_range(1..6) } else { 0 },
            crashes: (0..rng.random_range(0..3)).map(|_| rng.random_range(0..2 * ARRIVALS_END_MS)).collect(),
            set_back: set_back
                .then(|| (rng.random_range(0..2 * ARRIVALS_END_MS), rng.random_range(100..300_000))),
            limit: 3 * 3_600_000,
            compare_every: 5,
        }
    }
}

fn lane(index: usize, rng: &mut StdRng) -> LaneSpec {
    LaneSpec {
        name: LaneName::from(format!("lane-{index}").as_str()),
        model: format!("model-{index}"),
        max_concurrent: rng.random_range(1..10),
        requests_per_minute: rng.random_range(5..60),
        tokens_per_minute: if rng.random_bool(0.5) { rng.random_range(7000..100_000) } else { 0 },
        input_tokens_per_minute: 0,
        output_tokens_per_minute: 0,
        network_margin: MARGIN,
    }
}
