//! The core under any order of conditions, and by example.

use std::collections::BTreeMap;

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
        let turns = self.core.step(conditions, &[], WINDOW, Timestamp(second * 1000), &mut || {
            *count += 1;
            AlertId(count.to_be_bytes())
        });
        turns.into_iter().map(|turn| (turn.alert.key, turn.tell)).collect()
    }

    /// As after a restart.
    fn restarted(self) -> Self {
        let kept = self.core.known.into_values().map(|known| (known.alert, known.told));
        Self { core: Core::restore(kept), count: self.count }
    }
}

fn silent(key: &str) -> Vec<(String, Option<AlertTurn>)> {
    vec![(key.to_owned(), None)]
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
    assert_eq!(
        bench.step(760, &[]),
        silent("a/0.8"),
        "who was not told that it began is not told that it is over"
    );
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
    bench = bench.restarted();
    assert_eq!(
        bench.step(3600, &on),
        told("a/0.8", AlertTurn::Raised),
        "who heard that it is over hears of it"
    );
    assert_eq!(bench.step(20_000, &on), [], "once");
    assert_eq!(bench.core.standing().next().unwrap().raised_at, Timestamp(600_000), "since when it stands");
}

#[test]
fn what_is_told_again_says_what_is_the_matter_now() {
    let mut bench = Bench::default();
    bench.step(0, &[condition("a/0.8", Signal::On)]);
    bench.step(1, &[]);
    bench.step(61, &[]);
    bench.step(600, &[condition("a/0.8", Signal::On)]);
    let worse =
        Condition { message: "It is worse.".to_owned(), value: Some(0.99), ..condition("a/0.8", Signal::On) };
    assert_eq!(bench.step(3600, &[worse]), told("a/0.8", AlertTurn::Raised));
    let alert = bench.core.standing().next().unwrap();
    assert_eq!((alert.message.as_str(), alert.value), ("It is worse.", Some(0.99)));
}

#[test]
fn what_went_without_saying_is_told_once_it_does_not() {
    let mut bench = Bench::default();
    let (low, high) = (condition("a/0.8", Signal::On), condition("a/0.95", Signal::On));
    bench.step(0, &[low.clone(), high]);
    assert_eq!(bench.step(100, std::slice::from_ref(&low)), []);
    assert_eq!(bench.step(160, std::slice::from_ref(&low)), told("a/0.95", AlertTurn::Resolved));
    assert_eq!(bench.step(3599, std::slice::from_ref(&low)), []);
    assert_eq!(bench.step(3600, &[low]), told("a/0.8", AlertTurn::Raised), "it still stands");
    bench.step(3700, &[]);
    assert_eq!(bench.step(3760, &[]), told("a/0.8", AlertTurn::Resolved));
}

#[test]
fn what_was_not_looked_at_goes_on() {
    let mut bench = Bench::default();
    bench.step(0, &[condition("a/0.8", Signal::On)]);
    for second in 1..500 {
        let turns =
            bench.core.step(&[], &[AlertKind::UpstreamLimit], WINDOW, Timestamp(second * 1000), &mut || {
                AlertId([0; 16])
            });
        assert_eq!(turns, []);
    }
    bench.step(500, &[]);
    assert_eq!(bench.step(560, &[]), told("a/0.8", AlertTurn::Resolved));
}

#[test]
fn a_clock_that_was_set_back_silences_nothing() {
    let mut bench = Bench::default();
    let on = [condition("a/0.8", Signal::On)];
    let down = [Condition { lasting: Duration::from_secs(30), ..condition("down", Signal::On) }];
    bench.step(10_000, &on);
    bench.step(10_040, &[]);
    assert_eq!(bench.step(10_100, &[]), told("a/0.8", AlertTurn::Resolved));
    assert_eq!(bench.step(100, &on), told("a/0.8", AlertTurn::Raised));
    bench.step(5000, &down);
    assert_eq!(bench.step(200, &down), []);
    assert!(bench.step(230, &down).contains(&("down".to_owned(), Some(AlertTurn::Raised))));
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
    bench.step(10, &on[..1]);
    assert_eq!(bench.step(70, &on[..1]), told("b/0.8", AlertTurn::Resolved));
    let mut after = bench.restarted();
    assert_eq!(after.step(100, &on), silent("b/0.8"));
    assert_eq!(after.step(200, &[]), []);
    let raised = |key: &str, tell| (key.to_owned(), tell);
    let over = vec![raised("a/0.8", Some(AlertTurn::Resolved)), raised("b/0.8", None)];
    assert_eq!(after.step(260, &[]), over, "both are over, and one of them nobody heard of again");
}

proptest! {
    /// Two thresholds of one figure and another trouble, in any order, with a restart anywhere.
    #[test]
    fn alerts_come_in_turn_and_none_twice_a_window(
        looks in prop::collection::vec((1_i64..400, prop::collection::vec(0_u8..3, 3)), 1..120),
        restart_at in 0_usize..120,
    ) {
        const KEYS: [&str; 3] = ["a/0.8", "a/0.95", "b/0.8"];
        let mut bench = Bench::default();
        let mut second = 0;
        let mut raised_at: BTreeMap<String, i64> = BTreeMap::new();
        let mut heard: BTreeMap<String, bool> = BTreeMap::new();
        let mut unheard_since: BTreeMap<String, i64> = BTreeMap::new();
        for (index, (pause, signals)) in looks.into_iter().enumerate() {
            second += pause;
            if index == restart_at {
                bench = bench.restarted();
            }
            let conditions: Vec<Condition> = KEYS.iter().zip(&signals).map(|(key, signal)| {
                condition(key, [Signal::Off, Signal::Between, Signal::On][usize::from(*signal)])
            }).collect();
            for (key, tell) in bench.step(second, &conditions) {
                match tell {
                    Some(AlertTurn::Raised) => {
                        let before = raised_at.insert(key.clone(), second);
                        prop_assert!(before.is_none_or(|before| second - before >= 3600), "{key} twice a window");
                        prop_assert_ne!(heard.insert(key, true), Some(true), "told in turn");
                    }
                    Some(AlertTurn::Resolved) => {
                        prop_assert_eq!(heard.insert(key, false), Some(true), "its beginning was told");
                    }
                    None => prop_assert_ne!(heard.get(&key), Some(&true), "what was heard ends aloud"),
                }
            }
            let standing: Vec<&str> = bench.core.standing().map(|alert| alert.key.as_str()).collect();
            for (key, signal) in KEYS.iter().zip(&signals) {
                prop_assert!(*signal != 2 || standing.contains(key), "what is on stands");
                // Nothing that is on is kept from the operator for longer than a window and a look.
                let is_covered = *key == "a/0.8" && standing.contains(&"a/0.95");
                if *signal == 2 && !is_covered && heard.get(*key) != Some(&true) {
                    let since = *unheard_since.entry((*key).to_owned()).or_insert(second);
                    prop_assert!(second - since < 3600, "{} is kept from the operator", key);
                } else {
                    unheard_since.remove(*key);
                }
            }
            prop_assert!(bench.core.known.len() <= 3);
        }
    }
}
