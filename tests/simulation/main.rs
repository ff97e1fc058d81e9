//! The real scheduler core under virtual time: seeded arrivals, faults and crashes, with the
//! invariants checked at every step. A failure names its seed; replay it with
//! `DIAGRAMD_SIM_SEED=<seed> cargo test --test simulation`.

// A test that cannot go on fails where it stands.
#![allow(clippy::unwrap_used)]

mod properties;
mod upstream;
mod world;

use world::World;

/// Seeds of one run unless `DIAGRAMD_SIM_SEEDS` says otherwise.
const SEEDS: u64 = 1000;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn invariants_hold_for_every_seed() {
    let seeds = match variable("DIAGRAMD_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..variable("DIAGRAMD_SIM_SEEDS").unwrap_or(SEEDS),
    };
    let (mut calls, mut crashes, mut ended) = (0, 0, 0);
    for seed in seeds.clone() {
        let run = std::panic::catch_unwind(|| World::new(seed).run());
        match run {
            Ok(told) => {
                calls += told.calls;
                crashes += told.crashes;
                ended += told.ended;
            }
            Err(reason) => {
                eprintln!(
                    "seed {seed} failed; replay: DIAGRAMD_SIM_SEED={seed} cargo test --test simulation"
                );
                std::panic::resume_unwind(reason);
            }
        }
    }
    println!("{} seeds: {ended} requests ended, {calls} upstream calls, {crashes} crashes", seeds.count());
    assert!(ended > 0 && calls > 0);
}
