//! The cache of answers: what serves, for how long, and what makes room.

use super::*;
use crate::domain::{Validation, ValidationStatus};

/// A submission that may be answered from the cache.
fn cacheable(user: UserId, number: u8, key: u8, kept_since: Option<Timestamp>) -> Submission {
    let mut submission = submission(user, number, None, NOW);
    submission.job.cache_key = Some([key; 32]);
    submission.kept_since = kept_since;
    submission
}

/// Runs a job to a valid end that may be kept.
fn run_and_keep(store: &Store, submission: Submission, source: &str, bytes_max: u64) -> JobSeq {
    run_to(ValidationStatus::Valid, store, submission, source, bytes_max)
}

fn run_to(
    status: ValidationStatus,
    store: &Store,
    submission: Submission,
    source: &str,
    bytes_max: u64,
) -> JobSeq {
    let Submitted::Accepted { seq, .. } = store.run(move |commands| commands.submit(&submission)) else {
        panic!("not accepted");
    };
    store.claim(seq, 0);
    let outcome = Outcome {
        source: Some(source.to_owned()),
        validation: Some(Validation::of(status, Vec::new())),
        ..Outcome::default()
    };
    let bill = Bill { cost: Money(7), ..Bill::default() };
    let call = CallRecord { sent_at: Some(NOW), ended_at: NOW, bill, counts: true };
    let end = JobEnd::Completed(outcome);
    let settlement = Settlement { seq, run: 1, call, end, cache_bytes_max: Some(bytes_max) };
    store.run(move |commands| commands.settle(&settlement).map(drop));
    seq
}

fn is_answered(store: &Store, submission: Submission) -> bool {
    matches!(store.run(move |commands| commands.submit(&submission)), Submitted::Answered { .. })
}

#[test]
fn an_answer_serves_until_it_is_too_old_and_no_one_asks_without_a_time() {
    let store = Store::new();
    let user = store.user("ann");
    run_and_keep(&store, cacheable(user, 1, 9, None), "a", 10_000);
    let before = |ms: i64| Some(Timestamp(NOW.0 - ms));
    assert!(!is_answered(&store, cacheable(user, 2, 9, None)));
    assert!(!is_answered(&store, cacheable(user, 3, 8, before(1))), "another key");
    assert!(!is_answered(&store, cacheable(user, 4, 9, before(0))), "kept at that very instant");
    assert!(is_answered(&store, cacheable(user, 5, 9, before(1))));
    let trim = |ms: i64, bytes_max: u64| {
        let at = Timestamp(NOW.0 - ms);
        store.run(move |commands| commands.trim_cache(at, bytes_max, 10))
    };
    assert_eq!(trim(1, 10_000), 0, "young enough");
    assert_eq!(trim(0, 10_000), 1);
    assert!(!is_answered(&store, cacheable(user, 6, 9, before(1))));
}

#[test]
fn only_what_its_parser_accepted_is_kept() {
    use ValidationStatus::{Invalid, Repaired, Unchecked, Valid};
    let store = Store::new();
    let user = store.user("ann");
    for (number, status, kept) in
        [(1, Valid, true), (3, Repaired, true), (5, Unchecked, false), (7, Invalid, false)]
    {
        run_to(status, &store, cacheable(user, number, number, None), "a", 10_000);
        let since = Some(Timestamp(NOW.0 - 1));
        assert_eq!(is_answered(&store, cacheable(user, number + 1, number, since)), kept, "{status:?}");
    }
}

#[test]
fn the_bound_on_bytes_holds_and_the_oldest_go_first() {
    let store = Store::new();
    let user = store.user("ann");
    let since = Some(Timestamp(NOW.0 - 1));
    // Three of 256 bytes of overhead and 100 of text fit in 1,100.
    for number in 1..=4 {
        run_and_keep(&store, cacheable(user, number, number, None), &"x".repeat(100), 1_100);
    }
    let kept = |key: u8| is_answered(&store, cacheable(user, 100 + key, key, since));
    assert_eq!([1, 2, 3].map(kept), [false, true, true]);
    run_and_keep(&store, cacheable(user, 5, 5, None), &"x".repeat(5_000), 1_100);
    assert!(is_answered(&store, cacheable(user, 6, 4, since)), "what is too large makes no room for itself");
    assert!(!is_answered(&store, cacheable(user, 7, 5, since)));
    let trimmed = store.run(|commands| commands.trim_cache(Timestamp(0), 400, 10));
    assert_eq!(trimmed, 2, "a smaller bound");
    assert!(is_answered(&store, cacheable(user, 8, 4, since)), "the youngest stays");
}

#[test]
fn an_answer_goes_with_the_request_that_brought_it_and_what_it_gave_stays() {
    let store = Store::new();
    let user = store.user("ann");
    let since = Some(Timestamp(NOW.0 - 1));
    run_and_keep(&store, cacheable(user, 1, 9, None), "a", 10_000);
    assert!(is_answered(&store, cacheable(user, 2, 9, since)));
    let ages =
        Ages::at(Timestamp(NOW.0 + 121_000), Keep { requests: Duration::ZERO, messages: Duration::ZERO });
    let oldest = store.reader.blocking().stale(StaleKind::Requests, &ages, 1).unwrap();
    store.run(move |commands| commands.purge(&oldest, &ages).map(drop));
    assert!(!is_answered(&store, cacheable(user, 3, 9, since)));
    let given = store.reader.blocking().job(JobId([2; 16])).unwrap().unwrap();
    assert_eq!(
        (given.outcome.source.as_deref(), given.cached, given.bill),
        (Some("a"), true, Some(Bill::default()))
    );
    assert_eq!(
        store.run(|commands| commands.trim_cache(Timestamp(i64::MAX), 0, 10)),
        0,
        "nothing is left over"
    );
}
