//! A ten-minute outage with a few jobs that always fail among thousands: the lane is found well
//! again at once, every healthy job is answered, and the poisoned ones end with their attempts.

use std::time::Duration;

use diagramd::domain::LaneName;
use diagramd::domain::lane::LaneSpec;
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::plan::{MARGIN, Plan};
use crate::world::World;

const MINUTE_MS: i64 = 60_000;
const REQUESTS_PER_MINUTE: i64 = 100;

fn lane(name: &str, max_concurrent: u32) -> LaneSpec {
    LaneSpec {
        name: LaneName::from(name),
        model: "model".into(),
        max_concurrent,
        requests_per_minute: REQUESTS_PER_MINUTE as u64,
        tokens_per_minute: 0,
        input_tokens_per_minute: 0,
        output_tokens_per_minute: 0,
        network_margin: MARGIN,
    }
}

/// The poisoned jobs come first, so that they stand in front.
fn plan(poisoned: i64, jobs: i64, max_concurrent: u32) -> Plan {
    Plan {
        lanes: vec![lane("lane", max_concurrent)],
        users: 400,
        arrivals: (0..jobs).map(|nth| nth * 2).collect(),
        outage: (1000, 1000 + 10 * MINUTE_MS),
        outage_lanes: 1,
        unreachable: false,
        fault_rate: 0.0,
        store_fault_rate: 0.0,
        cancel_rate: 0.0,
        deadline_rate: 0.0,
        poisoned,
        crashes: Vec::new(),
        set_back: None,
        limit: 6 * 60 * MINUTE_MS,
        compare_every: 200,
    }
}

#[test]
fn jobs_that_always_fail_keep_no_lane_down_for_the_others() {
    const JOBS: i64 = 3000;
    for (poisoned, unreachable, max_concurrent) in
        [(3, false, 20), (5, false, 20), (5, true, 20), (12, false, 20), (40, false, 20)]
    {
        let plan = Plan { unreachable, ..plan(poisoned, JOBS, max_concurrent) };
        let told = World::planned(plan, StdRng::seed_from_u64(poisoned.unsigned_abs())).run();
        let first = Duration::from_millis(told.first_answer.unwrap().unsigned_abs());
        // A poisoned job takes six calls.
        let needed = (JOBS + 5 * poisoned) * MINUTE_MS / REQUESTS_PER_MINUTE;
        println!(
            "{poisoned} poisoned of {JOBS}: {} probes, first answer {first:.1?} after recovery, the last healthy one after {} s (at full speed {} s)",
            told.probes,
            told.healthy_done / 1000,
            needed / 1000,
        );
        // One probe is under way when the upstream recovers, the next goes after 5 s; a call
        // takes up to 15 s.
        assert!(first <= Duration::from_secs(30), "{first:?}");
        // 10 minutes of outage at a probe every 5 s, and a few turns of the poisoned ones.
        assert!(told.probes <= 120 + 60, "{} probes", told.probes);
        assert!(told.healthy_done <= needed * 21 / 20 + 3 * MINUTE_MS, "{} ms", told.healthy_done);
        assert_eq!(told.poisoned_failed, poisoned.unsigned_abs());
    }
}

#[test]
fn a_lane_with_one_slot_is_not_lost_to_them_either() {
    let plan = Plan { arrivals: vec![0; 200], ..plan(5, 200, 1) };
    let told = World::planned(plan, StdRng::seed_from_u64(1)).run();
    // 195 calls of 7.6 s on average, one after the other.
    println!("one slot: {told:?}");
    assert!(told.healthy_done <= 35 * MINUTE_MS, "{} ms", told.healthy_done);
    assert_eq!(told.poisoned_failed, 5);
}

#[test]
fn another_lane_serves_while_one_is_probed() {
    let lanes = vec![lane("first", 20), lane("second", 20)];
    let plan = Plan { lanes, ..plan(6, 2000, 20) };
    let told = World::planned(plan, StdRng::seed_from_u64(2)).run();
    println!("two lanes: {told:?}");
    // 1000 go by the second lane during the outage, the rest by both afterwards.
    assert!(told.healthy_done <= 1000 * MINUTE_MS / (2 * REQUESTS_PER_MINUTE) + 3 * MINUTE_MS);
    assert!(told.probes <= 125, "{} probes", told.probes);
    assert_eq!(told.poisoned_failed, 6);
}
