//! Use of an upstream's quota under saturation: never over, never refused, nearly all used; and
//! with somebody else on the same quota, few refusals and nearly all of what is left.

use crate::saturated::run;
use crate::trial::{Figures, Trial};
use crate::upstream::Window;

/// Requests and tokens a minute of the two presets.
const PRESETS: [(&str, u64, u64); 2] = [("5x", 25, 200_000), ("20x", 100, 800_000)];

fn nothing_is_over(what: &str, figures: &Figures) {
    assert_eq!(figures.over, 0, "{what}: over the limit in some 60 s");
    assert_eq!(figures.refused + figures.refused_in_warm_up, 0, "{what}: refused");
}

#[test]
fn a_saturated_request_quota_is_used_and_never_exceeded() {
    for (preset, requests, tokens) in PRESETS {
        for window in Window::ALL {
            for headers in [false, true] {
                let trial = Trial { headers, ..Trial::of_requests(window, requests, tokens) };
                let what = format!("requests, preset {preset}, {window:?}, headers {headers}");
                let figures = run(trial);
                println!("{what}: {:.1} % used", figures.requests_used * 100.0);
                nothing_is_over(&what, &figures);
                assert!(figures.requests_used >= 0.97, "{what}: {figures:?}");
            }
        }
    }
}

#[test]
fn a_saturated_token_quota_is_used_and_never_exceeded() {
    for (preset, _, tokens) in PRESETS {
        for window in Window::ALL {
            for headers in [false, true] {
                let trial = Trial { headers, ..Trial::of_tokens(window, tokens) };
                let what = format!("tokens, preset {preset}, {window:?}, headers {headers}");
                let figures = run(trial);
                println!("{what}: {:.1} % used", figures.tokens_used * 100.0);
                nothing_is_over(&what, &figures);
                assert!(figures.tokens_used >= 0.95, "{what}: {figures:?}");
            }
        }
    }
}

#[test]
fn a_crash_neither_exceeds_the_quota_nor_wastes_it() {
    for (preset, requests, tokens) in PRESETS {
        for window in Window::ALL {
            for (crash, seed) in [(5, 1), (20, 2), (33, 3)] {
                let crash_after_minutes = Some(crash);
                let by_requests =
                    Trial { crash_after_minutes, seed, ..Trial::of_requests(window, requests, tokens) };
                let by_tokens = Trial { crash_after_minutes, seed, ..Trial::of_tokens(window, tokens) };
                let what = format!("crash in minute {crash}, preset {preset}, {window:?}");
                let (one, other) = (run(by_requests), run(by_tokens));
                nothing_is_over(&what, &one);
                nothing_is_over(&what, &other);
                assert!(one.requests_used >= 0.97, "{what}: {one:?}");
                assert!(other.tokens_used >= 0.95, "{what}: {other:?}");
            }
        }
    }
}

#[test]
fn a_hidden_consumer_costs_few_refusals_and_little_of_what_is_left() {
    const SEEDS: u64 = 4;
    for (preset, requests, tokens) in PRESETS {
        for window in Window::ALL {
            for headers in [true, false] {
                let what = format!("30 % taken by another, preset {preset}, {window:?}, headers {headers}");
                let (mut used, mut refused, mut most, mut learning) = (0.0, 0, 0, 0);
                for seed in 1..=SEEDS {
                    let trial = Trial {
                        headers,
                        seed,
                        other: 0.3,
                        minutes: 35,
                        ..Trial::of_requests(window, requests, tokens)
                    };
                    let figures = run(trial);
                    assert_eq!(figures.over, 0, "{what}: our own use is over the limit");
                    // 60 jobs wait; at 70 % of 25 a minute the last is answered within 4 minutes.
                    assert!(figures.longest.as_secs() < 480, "{what}: something starves: {figures:?}");
                    used += figures.requests_used / SEEDS as f64;
                    refused += figures.refused;
                    learning += figures.refused_in_warm_up;
                    most = most.max(figures.refused_most);
                }
                let a_minute = refused as f64 / (30 * SEEDS) as f64;
                println!(
                    "{what}: {:.1} % of the rest used, {a_minute:.2} refused a minute (at most {most} in one), {:.1} in the first five minutes",
                    used * 100.0,
                    learning as f64 / SEEDS as f64,
                );
                assert!(used >= 0.9, "{what}: {used} used");
                assert!(a_minute <= 2.0 && most <= 8, "{what}: {a_minute} a minute, {most} in one");
                assert!(learning <= 15 * SEEDS, "{what}: {learning} while learning");
            }
        }
    }
}

#[test]
fn the_whole_quota_comes_back_when_the_other_consumer_leaves() {
    for window in Window::ALL {
        for headers in [true, false] {
            let trial = Trial {
                headers,
                other: 0.3,
                other_leaves_after_minutes: 4,
                minutes: 25,
                ..Trial::of_requests(window, 100, 0)
            };
            let figures = run(trial);
            let what = format!("{window:?}, headers {headers}");
            println!("{what}: {:.1} % used after the other left", figures.requests_used * 100.0);
            assert!(figures.requests_used >= 0.95, "{what}: {figures:?}");
            assert!(figures.refused <= 3, "{what}: {figures:?}");
        }
    }
}
