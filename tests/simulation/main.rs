//! The real scheduler core under virtual time: seeded arrivals, faults and crashes, with the
//! invariants checked at every step. A failure names its seed; replay it with
//! `DIAGRAMD_SIM_SEED=<seed> cargo test --test simulation invariants`, which prints every decision.

// A test that cannot go on fails where it stands.
#![allow(clippy::unwrap_used)]

mod calls;
mod checks;
mod outage;
mod plan;
mod properties;
mod quota;
mod saturated;
mod store;
mod trial;
mod upstream;
mod world;

use world::World;

/// Seeds of one run unless `DIAGRAMD_SIM_SEEDS` says otherwise.
const SEEDS: u64 = 1000;
/// Every so many seeds, one is run twice and must come to the same.
const TWICE_EVERY: u64 = 20;

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text:?}")))
}

#[test]
fn invariants_hold_for_every_seed() {
    let replayed = variable("DIAGRAMD_SIM_SEED");
    let seeds = match replayed {
        Some(seed) => seed..seed + 1,
        None => 0..variable("DIAGRAMD_SIM_SEEDS").unwrap_or(SEEDS),
    };
    let (mut calls, mut crashes, mut ended, mut probes, mut poisoned) = (0, 0, 0, 0, 0);
    for seed in seeds.clone() {
        let run = std::panic::catch_unwind(|| {
            let mut world = World::new(seed);
            world.is_traced = replayed.is_some();
            let told = world.run();
            if seed % TWICE_EVERY == 0 {
                assert_eq!(World::new(seed).run(), told, "the same seed came to something else");
            }
            told
        });
        match run {
            Ok(told) => {
                calls += told.calls;
                crashes += told.crashes;
                ended += told.ended;
                probes += told.probes;
                poisoned += told.poisoned_failed;
            }
            Err(reason) => {
                eprintln!(
                    "seed {seed} failed; replay: DIAGRAMD_SIM_SEED={seed} cargo test --test simulation invariants"
                );
                std::panic::resume_unwind(reason);
            }
        }
    }
    println!(
        "{} seeds: {ended} requests ended, {calls} upstream calls, {probes} probes, {crashes} crashes, {poisoned} poisoned requests failed",
        seeds.count()
    );
    assert!(ended > 0 && calls > 0);
}
