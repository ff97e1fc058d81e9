//! What raises an alert, and what does not.

use std::collections::BTreeMap;

use super::*;
use crate::domain::limits::TierOverview;
use crate::domain::{KeyId, LaneName};

const NOW: Timestamp = Timestamp(1_764_000_000_000);
const HOUR: Duration = Duration::from_secs(3600);

fn bounds() -> Bounds {
    Bounds {
        thresholds: vec![0.8, 0.95],
        queue_age: Duration::from_secs(300),
        failure_rate: 0.2,
        disk_free: 0.1,
        key_expiry: 7 * 24 * HOUR,
    }
}

fn lane(requests: Gauge, state: LaneState) -> LaneStatus {
    LaneStatus {
        name: LaneName::from("main"),
        model: "m".to_owned(),
        state,
        reason: Some("401 authentication_error".to_owned()),
        until: None,
        requests_per_minute: requests,
        tokens_per_minute: Gauge::default(),
        input_tokens_per_minute: Gauge::default(),
        output_tokens_per_minute: Gauge::default(),
        in_flight: 0,
        max_concurrent: 8,
    }
}

fn seen(lanes: Vec<LaneStatus>, oldest_wait_seconds: u64) -> Observation {
    let tier = TierOverview { queued: 3, processing: 0, oldest_wait_seconds };
    Observation {
        overview: Some(Overview {
            depth: 3,
            processing: 0,
            paused: false,
            by_tier: BTreeMap::from([("free", tier)]),
            upstreams: lanes,
            estimated_drain_seconds: None,
            throughput_per_minute: 0,
        }),
        rate: Rate::default(),
        disk: None,
        keys: Vec::new(),
        budgets: Vec::new(),
        month: "2026-11".to_owned(),
        unseen: Vec::new(),
    }
}

fn on(seen: &Observation) -> Vec<(String, AlertLevel)> {
    let all = conditions(seen, &bounds(), NOW).into_iter().filter(|condition| condition.signal == Signal::On);
    all.map(|condition| (condition.key, condition.level)).collect()
}

#[test]
fn limits_count_what_is_used_and_what_running_calls_hold() {
    let with = |used, reserved| {
        let gauge = Gauge { limit: Some(25), used, reserved, available: Some(0) };
        on(&seen(vec![lane(gauge, LaneState::Open)], 0))
    };
    assert_eq!(with(19, 0), []);
    let warning = ("upstream_limit/main/requests/0.8".to_owned(), AlertLevel::Warning);
    assert_eq!(with(19, 1), std::slice::from_ref(&warning));
    assert_eq!(
        with(20, 4),
        [warning, ("upstream_limit/main/requests/0.95".to_owned(), AlertLevel::Critical)]
    );
    let unlimited = Gauge { limit: None, used: 1_000_000, reserved: 0, available: None };
    assert_eq!(on(&seen(vec![lane(unlimited, LaneState::Open)], 0)), []);
    let message = &conditions(
        &seen(
            vec![lane(Gauge { limit: Some(25), used: 20, reserved: 4, available: None }, LaneState::Open)],
            0,
        ),
        &bounds(),
        NOW,
    )[0]
    .message
    .clone();
    assert!(
        message.starts_with("The upstream main has 96 % of its 25 requests a minute in use (24)."),
        "{message}"
    );
}

#[test]
fn upstreams_that_do_not_work_and_requests_that_wait_are_told() {
    let idle = || Gauge { limit: None, used: 0, reserved: 0, available: None };
    let critical = |key: &str| vec![(key.to_owned(), AlertLevel::Critical)];
    assert_eq!(on(&seen(vec![lane(idle(), LaneState::Paused)], 0)), critical("upstream_paused/main"));
    assert_eq!(on(&seen(vec![lane(idle(), LaneState::Probing)], 0)), critical("upstream_down/main"));
    assert_eq!(on(&seen(vec![lane(idle(), LaneState::Limited)], 299)), []);
    assert_eq!(on(&seen(vec![], 300)), [("queue_age".to_owned(), AlertLevel::Warning)]);
    let trembling = conditions(&seen(vec![], 280), &bounds(), NOW);
    assert_eq!(trembling[0].signal, Signal::Between);
}

#[test]
fn a_rate_needs_failures_and_a_disk_a_size() {
    let rate = |ended, failed| {
        on(&Observation { rate: Rate { ended, failed, is_whole: true }, ..seen(vec![], 0) }).len()
    };
    assert_eq!((rate(4, 4), rate(5, 5), rate(25, 5), rate(26, 5)), (0, 1, 1, 0));
    let disk = |free, size| on(&Observation { disk: Some(Disk { free, size }), ..seen(vec![], 0) }).len();
    assert_eq!((disk(9, 100), disk(10, 100), disk(0, 0)), (1, 0, 0));
    let quiet = Bounds { failure_rate: 0.0, disk_free: 0.0, ..bounds() };
    let bad = Observation {
        rate: Rate { ended: 9, failed: 9, is_whole: true },
        disk: Some(Disk { free: 0, size: 9 }),
        ..seen(vec![], 0)
    };
    let off = conditions(&bad, &quiet, NOW);
    assert!(off.iter().all(|condition| condition.signal == Signal::Off), "0 turns it off: {off:?}");
}

#[test]
fn a_start_is_no_proof_that_requests_do_not_fail_any_more() {
    let signal = |ended, failed, is_whole| {
        let seen = Observation { rate: Rate { ended, failed, is_whole }, ..seen(vec![], 0) };
        let all = conditions(&seen, &bounds(), NOW);
        all.iter().find(|one| one.kind == AlertKind::FailureRate).unwrap().signal
    };
    assert_eq!((signal(0, 0, false), signal(4, 0, false)), (Signal::Between, Signal::Between));
    assert_eq!((signal(5, 0, false), signal(0, 0, true)), (Signal::Off, Signal::Off));
}

#[test]
fn that_there_are_more_than_are_looked_at_is_told() {
    let seen = Observation { unseen: vec![AlertKind::KeyExpiry, AlertKind::Budget], ..seen(vec![], 0) };
    let keys: Vec<String> = on(&seen).into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["key_expiry//more", "budget//more"]);
}

#[test]
fn keys_are_named_in_their_last_week_and_short_ones_in_their_last_quarter() {
    let key = |lifetime: Duration, left: Duration| {
        let expires_at = NOW.after(left);
        let key = EndingKey {
            id: KeyId("key_1".to_owned()),
            user: "ann".to_owned(),
            created_at: expires_at.before(lifetime),
            expires_at,
        };
        on(&Observation { keys: vec![key], ..seen(vec![], 0) }).len()
    };
    let day = 24 * HOUR;
    assert_eq!((key(90 * day, 8 * day), key(90 * day, 7 * day)), (0, 1));
    assert_eq!((key(4 * HOUR, 2 * HOUR), key(4 * HOUR, HOUR)), (0, 1));
    assert_eq!(key(90 * day, Duration::ZERO), 1, "it has just ended");
}

#[test]
fn budgets_are_told_by_month() {
    let spent = |cost| Spent { user: "ann".to_owned(), cost: Money(cost), budget: Money(10_000_000_000) };
    let with = |cost| on(&Observation { budgets: vec![spent(cost)], ..seen(vec![], 0) });
    assert_eq!(with(7_999_999_999), []);
    assert_eq!(with(8_000_000_000), [("budget/ann/2026-11/0.8".to_owned(), AlertLevel::Warning)]);
    assert_eq!(with(9_500_000_000).len(), 2);
    let told =
        conditions(&Observation { budgets: vec![spent(9_999_999_999)], ..seen(vec![], 0) }, &bounds(), NOW);
    let message = &told.iter().rfind(|one| one.kind == AlertKind::Budget).unwrap().message;
    assert!(message.contains("99 % of the budget for 2026-11: 9.99 of 10.00 US dollars"), "{message}");
}

#[test]
fn spans_are_short() {
    let told = [59, 119, 120, 7200, 172_800].map(|seconds| span(Duration::from_secs(seconds)));
    assert_eq!(told, ["59 s", "119 s", "2 min", "2 h", "2 d"]);
}
