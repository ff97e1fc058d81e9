//! The core under any order of conditions, and by example.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::domain::alert::{AlertKind, AlertLevel};

const WINDOW: Duration = Duration::from_secs(3600);

fn condition(key: &str, signal: Signal) -> Condition {
    Condition {
        key: key.to_owned(),
        signal,
        lasting: Duration::ZERO,
        kind: AlertKind::UpstreamLimit,
        level: AlertLevel::Warning,
        subject: "main".to_owned(),
        message: "A limit is nearly used.".to_owned(),
        value: Some(0.9),
        threshold: key.rsplit('/').next().and_then(|last| last.parse().ok()),
    }
}

/// A core with a clock in seconds and names that count.
#[derive(Default)]
struct Bench {
    core: Core,
    count: u128,
}

impl Bench {
    fn step(&mut self, second: i64, conditions: &[Condition]) -> Vec<(String, Option<AlertTurn>)> {
        let count = &mut self.count;
        let turns = self.core.step(conditions, WINDOW, Timestamp(second * 1000), &mut || {
            *count += 1;
            AlertId(count.to_be_bytes())
        });
        turns.into_iter().map(|turn| (turn.alert.key, turn.tell)).collect()
    }
}

fn told(key: &str, turn: AlertTurn) -> Vec<(String, Option<AlertTurn>)> {
    vec![(key.to_owned(), Some(turn))]
}

#[test]
fn a_trouble_is_told_when_it_begins_and_when_it_has_been_over_for_a_minute() {
    let mut bench = Bench::default();
    let on = [condition("a/0.8", Signal::On)];
    assert_eq!(bench.step(0, &on), told("a/0.8", AlertTurn::Raised));
    assert_eq!(bench.step(1, &on), []);
    assert_eq!(bench.step(10, &[]), [], "gone for a moment");
    assert_eq!(
        bench.step(40, &[condition("a/0.8", Signal::Between)]),
        [],
        "not quite gone: the minute begins anew"
    );
    assert_eq!(bench.step(41, &[]), []);
    assert_eq!(bench.step(100, &[]), []);
    assert_eq!(bench.step(101, &[]), told("a/0.8", AlertTurn::Resolved));
    assert_eq!(bench.core.standing().count(), 0);
}

#[test]
fn one_that_comes_and_goes_is_told_once_a_window() {
    let mut bench = Bench::default();
    let on = [condition("a/0.8", Signal::On)];
    assert_eq!(bench.step(0, &on), told("a/0.8", AlertTurn::Raised));
    bench.step(1, &[]);
    assert_eq!(bench.step(61, &[]), told("a/0.8", AlertTurn::Resolved));
    assert_eq!(bench.step(600, &on), vec![("a/0.8".to_owned(), None)], "it stands again, and nobody is told");
    assert_eq!(bench.core.standing().count(), 1);
    bench.step(700, &[]);
    assert_eq!(bench.step(760, &[]), told("a/0.8", AlertTurn::Resolved));
    assert_eq!(bench.step(3600, &on), told("a/0.8", AlertTurn::Raised), "another window");
}

#[test]
fn one_that_came_again_and_stays_is_told_when_the_window_is_over() {
    let mut bench = Bench::default();
    let on = [condition("a/0.8", Signal::On)];
    assert_eq!(bench.step(0, &on), told("a/0.8", AlertTurn::Raised));
    bench.step(1, &[]);
    assert_eq!(bench.step(61, &[]), told("a/0.8", AlertTurn::Resolved));
    assert_eq!(bench.step(600, &on), vec![("a/0.8".to_owned(), None)]);
    assert_eq!(bench.step(3599, &on), []);
    assert_eq!(
        bench.step(3600, &on),
        told("a/0.8", AlertTurn::Raised),
        "who heard that it is over hears of it"
    );
    assert_eq!(bench.step(20_000, &on), [], "once");
}

#[test]
fn what_trembles_at_its_bound_raises_nothing_new() {
    let mut bench = Bench::default();
    assert_eq!(bench.step(0, &[condition("a/0.8", Signal::Between)]), [], "nearly is not quite");
    bench.step(1, &[condition("a/0.8", Signal::On)]);
    for second in 2..10_000 {
        let signal = if second % 3 == 0 { Signal::On } else { Signal::Between };
        assert_eq!(bench.step(second, &[condition("a/0.8", signal)]), []);
    }
}

#[test]
fn the_highest_of_several_thresholds_is_told() {
    let mut bench = Bench::default();
    let both =
        [condition("a/0.8", Signal::On), condition("a/0.95", Signal::On), condition("b/0.8", Signal::On)];
    let raised = Some(AlertTurn::Raised);
    let expected =
        vec![("a/0.8".to_owned(), None), ("a/0.95".to_owned(), raised), ("b/0.8".to_owned(), raised)];
    assert_eq!(bench.step(0, &both), expected);
    let mut bench = Bench::default();
    assert_eq!(bench.step(0, &both[..1]), told("a/0.8", AlertTurn::Raised));
    assert_eq!(bench.step(1, &both[..2]), told("a/0.95", AlertTurn::Raised), "later, it is told for itself");
}

#[test]
fn a_short_probe_is_no_outage() {
    let mut bench = Bench::default();
    let down = [Condition { lasting: Duration::from_secs(30), ..condition("down", Signal::On) }];
    assert_eq!(bench.step(0, &down), []);
    assert_eq!(bench.step(20, &[]), []);
    assert_eq!(bench.step(21, &down), []);
    assert_eq!(bench.step(50, &down), []);
    assert_eq!(bench.step(51, &down), told("down", AlertTurn::Raised));
}

#[test]
fn a_restart_tells_nothing_again() {
    let mut bench = Bench::default();
    let on = [condition("a/0.8", Signal::On), condition("b/0.8", Signal::On)];
    bench.step(0, &on);
    let mut kept: BTreeMap<String, Alert> =
        bench.core.standing().map(|alert| (alert.key.clone(), alert.clone())).collect();
    kept.get_mut("b/0.8").unwrap().resolved_at = Some(Timestamp(90_000));
    let mut after = Bench { core: Core::restore(kept.into_values()), count: 100 };
    assert_eq!(after.step(100, &on), vec![("b/0.8".to_owned(), None)]);
    assert_eq!(after.step(200, &[]), []);
    assert_eq!(after.step(260, &[]).len(), 2, "both are over");
}

proptest! {
    #[test]
    fn alerts_come_in_turn_and_none_twice_a_window(
        looks in prop::collection::vec((1_i64..400, prop::collection::vec(0_u8..3, 3)), 1..120),
        restart_at in 0_usize..120,
    ) {
        let mut bench = Bench::default();
        let mut second = 0;
        let mut raised_at: BTreeMap<String, i64> = BTreeMap::new();
        let mut stands: BTreeMap<String, bool> = BTreeMap::new();
        let mut untold: BTreeSet<String> = BTreeSet::new();
        let mut kept: BTreeMap<AlertId, Alert> = BTreeMap::new();
        for (index, (pause, signals)) in looks.into_iter().enumerate() {
            second += pause;
            if index == restart_at {
                bench.core = Core::restore(kept.values().cloned());
                // A restart tells nothing again.
                untold.clear();
            }
            let conditions: Vec<Condition> = signals.iter().enumerate().map(|(index, signal)| {
                let signal = [Signal::Off, Signal::Between, Signal::On][usize::from(*signal)];
                condition(&format!("{index}/0.8"), signal)
            }).collect();
            let count = &mut bench.count;
            let turns = bench.core.step(&conditions, WINDOW, Timestamp(second * 1000), &mut || {
                *count += 1;
                AlertId(count.to_be_bytes())
            });
            for turn in turns {
                let key = turn.alert.key.clone();
                kept.insert(turn.alert.id, turn.alert.clone());
                match turn.tell {
                    Some(AlertTurn::Raised) => {
                        let before = raised_at.insert(key.clone(), second);
                        prop_assert!(before.is_none_or(|before| second - before >= 3600), "{key} twice a window");
                        let stood = stands.insert(key.clone(), true) == Some(true);
                        prop_assert_eq!(untold.remove(&key), stood, "only what stands and was not told is told");
                    }
                    Some(AlertTurn::Resolved) => {
                        untold.remove(&key);
                        prop_assert_eq!(stands.insert(key, false), Some(true));
                    }
                    None => {
                        untold.insert(key.clone());
                        prop_assert_eq!(stands.insert(key, true), Some(false), "only what was over stands again");
                    }
                }
            }
            let standing: Vec<String> = bench.core.standing().map(|alert| alert.key.clone()).collect();
            let expected: Vec<String> = stands.iter().filter(|(_, stands)| **stands).map(|(key, _)| key.clone()).collect();
            prop_assert_eq!(&standing, &expected);
            for (index, signal) in signals.iter().enumerate() {
                prop_assert!(*signal != 2 || standing.contains(&format!("{index}/0.8")), "what is on stands");
            }
            prop_assert!(bench.core.known.len() <= 3);
        }
    }
}

#[test]
fn what_was_told_by_a_clock_far_ahead_silences_nothing() {
    let mut bench = Bench::default();
    let year = 365 * 86_400;
    let on = [condition("a", Signal::On)];
    assert_eq!(bench.step(year, &on), told("a", AlertTurn::Raised));
    assert_eq!(bench.step(year + 1, &[]), []);
    assert_eq!(bench.step(year + 70, &[]), told("a", AlertTurn::Resolved));
    assert_eq!(bench.step(100, &on), told("a", AlertTurn::Raised), "the clock was set right");
    // A step back of a second is none.
    assert_eq!(bench.step(99, &on), []);
    assert_eq!(bench.step(98, &[]), []);
    assert_eq!(bench.step(160, &[]), told("a", AlertTurn::Resolved));
    assert_eq!(bench.step(99, &on), vec![("a".to_owned(), None)]);
}

#[test]
fn what_must_last_lasts_no_longer_because_a_clock_was_set_back() {
    let mut bench = Bench::default();
    let down = [Condition { lasting: Duration::from_secs(30), ..condition("a", Signal::On) }];
    assert_eq!(bench.step(7200, &down), []);
    assert_eq!(bench.step(3600, &down), []);
    assert_eq!(bench.step(3630, &down), told("a", AlertTurn::Raised));
}
