//! Jobs that share the call of an equal one, on a real database: who may, and what every end of
//! either means for the other.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rusqlite::Connection;

use super::*;
use crate::domain::job::JobRecord;
use crate::domain::{JobState, Validation, ValidationStatus};

const MAX: u32 = 2;

/// A submission that may share the call of an equal one, as may others its own.
fn sharing(user: UserId, number: u8, key: u8) -> Submission {
    let mut submission = submission(user, number, None, NOW);
    submission.job.cache_key = Some([key; 32]);
    submission.followers_max = MAX;
    submission
}

fn completed(status: ValidationStatus) -> JobEnd {
    JobEnd::Completed(Outcome {
        source: Some("digraph { a }".to_owned()),
        title: Some("T".to_owned()),
        validation: Some(Validation::of(status, Vec::new())),
        ..Outcome::default()
    })
}

fn failed(code: FailureCode) -> JobEnd {
    let failure = Failure { code, message: "No.".to_owned(), retryable: false };
    JobEnd::Failed {
        outcome: Outcome { failure: Some(failure), ..Outcome::default() },
        return_unit: code.returns_unit(),
    }
}

impl Store {
    fn take(&self, submission: Submission) -> JobSeq {
        match self.run(move |commands| commands.submit(&submission)) {
            Submitted::Accepted { seq, .. } => seq,
            other => panic!("{other:?}"),
        }
    }

    /// So many equal jobs, the first one leading.
    fn take_equal(&self, user: UserId, count: u8) -> Vec<JobSeq> {
        (1..=count).map(|number| self.take(sharing(user, number, 9))).collect()
    }

    fn job(&self, number: u8) -> JobRecord {
        self.reader.blocking().job(JobId([number; 16])).unwrap().unwrap()
    }

    fn states(&self, numbers: std::ops::RangeInclusive<u8>) -> Vec<JobState> {
        numbers.map(|number| self.job(number).state).collect()
    }

    fn cancel(&self, number: u8) {
        let cancelled = self.run(move |commands| commands.cancel(JobId([number; 16]), Owner::Anyone, NOW));
        assert_eq!(cancelled, Cancellation::Cancelled);
    }

    /// Who follows whom.
    fn pairs(&self) -> Vec<(i64, i64)> {
        let followers = self.reader.blocking().followers().unwrap();
        followers.into_iter().map(|follower| (follower.seq.0, follower.leader.0)).collect()
    }

    /// What the scheduler would be handed at a start.
    fn handed_over(&self) -> Vec<i64> {
        let mut handed_over = Vec::new();
        self.reader.blocking().each_queued(&mut |job| handed_over.push(job.seq.0)).unwrap();
        handed_over
    }

    fn database(&self) -> Connection {
        Connection::open(path_in(self._dir.path())).unwrap()
    }
}

#[test]
fn equal_jobs_follow_the_last_one_that_has_room_and_are_no_jobs_of_the_scheduler() {
    let store = Store::new();
    let user = store.user("ann");
    let seqs = store.take_equal(user, 5);
    assert_eq!(seqs, [1, 2, 3, 4, 5].map(JobSeq));
    assert_eq!(store.pairs(), [(2, 1), (3, 1), (5, 4)], "the fourth finds no room and leads itself");
    assert_eq!(store.handed_over(), [1, 4]);
    let counts = store.counts(user);
    assert_eq!((counts.queued, counts.hour), (5, 5), "each with its own place in the backlog and unit");
    let mut other_tier = sharing(user, 6, 9);
    other_tier.job.tier = Tier::Pro;
    let mut alone = sharing(user, 7, 9);
    alone.followers_max = 0;
    let mut bypasses = sharing(user, 8, 9);
    bypasses.job.cache_key = None;
    let others = [other_tier, alone, bypasses, sharing(user, 9, 8)];
    let led: Vec<i64> = others.into_iter().map(|submission| store.take(submission).0).collect();
    assert_eq!(store.handed_over(), [&[1, 4][..], &led].concat(), "none of these follows");
}

#[test]
fn a_follower_shows_how_the_call_goes_and_ends_with_it() {
    let store = Store::new();
    let user = store.user("ann");
    let leader = store.take_equal(user, 3)[0];
    assert_eq!(store.states(1..=3), [JobState::Queued; 3]);
    store.claim(leader, 0);
    assert_eq!(store.states(1..=3), [JobState::Processing; 3]);
    let shown = store.job(2);
    assert_eq!((shown.model.as_deref(), shown.started_at, shown.bill), (Some("m"), Some(NOW), None));
    let counts = store.counts(user);
    assert_eq!((counts.queued, counts.running), (2, 1), "a follower runs nothing");
    store.settle(leader, 1, true, 50, completed(ValidationStatus::Valid));
    let (first, second) = (store.job(1), store.job(2));
    assert_eq!(store.states(1..=3), [JobState::Completed; 3]);
    assert_eq!(second.outcome, first.outcome);
    assert_eq!((second.completed_at, second.model, second.cached), (first.completed_at, first.model, false));
    assert_eq!(first.bill.map(|bill| bill.tokens.output), Some(50));
    assert_eq!(second.bill, Some(Bill::default()), "what the call used is counted once");
    let counts = store.counts(user);
    assert_eq!((counts.queued, counts.running, counts.hour, counts.month_reserved), (0, 0, 3, Money::ZERO));
    assert_eq!(store.pairs(), []);
}

#[test]
fn an_end_that_equals_would_have_met_is_everybodys_and_any_other_is_the_leaders_own() {
    use FailureCode::{BudgetExceeded, Internal, Refused, UpstreamUnavailable};
    let invalid = completed(ValidationStatus::Invalid);
    let cases = [
        (invalid, JobState::Completed, 0),
        (failed(Refused), JobState::Failed, 2),
        (failed(UpstreamUnavailable), JobState::Failed, 0),
        (failed(Internal), JobState::Failed, 0),
        (failed(BudgetExceeded), JobState::Queued, 1),
        (JobEnd::Expired, JobState::Queued, 2),
    ];
    for (end, then, units) in cases {
        let store = Store::new();
        let user = store.user("ann");
        let leader = store.take_equal(user, 2)[0];
        store.claim(leader, 0);
        store.settle(leader, 1, true, 50, end.clone());
        assert_eq!(store.job(2).state, then, "{end:?}");
        assert_eq!(store.counts(user).hour, units, "{end:?}");
        let expected: &[i64] = if then == JobState::Queued { &[2] } else { &[] };
        assert_eq!(store.handed_over(), expected, "{end:?}");
    }
}

#[test]
fn cancelling_the_leader_makes_the_oldest_follower_one() {
    for runs in [false, true] {
        let store = Store::new();
        let user = store.user("ann");
        let leader = store.take_equal(user, 3)[0];
        if runs {
            store.claim(leader, 0);
        }
        store.cancel(1);
        assert_eq!(store.states(1..=3), [JobState::Cancelled, JobState::Queued, JobState::Queued]);
        assert_eq!(store.pairs(), [(3, 2)]);
        assert_eq!(store.handed_over(), [2]);
        assert_eq!(store.counts(user).hour, if runs { 3 } else { 2 });
        store.claim(JobSeq(2), 0);
        store.settle(JobSeq(2), 1, true, 10, completed(ValidationStatus::Valid));
        assert_eq!(store.states(2..=3), [JobState::Completed; 2]);
        assert_eq!(store.job(3).bill, Some(Bill::default()));
    }
}

#[test]
fn a_follower_that_is_cancelled_or_expires_leaves_the_others_and_its_unit_goes_by_the_call() {
    for (runs, units) in [(false, 1), (true, 3)] {
        let store = Store::new();
        let user = store.user("ann");
        let leader = store.take_equal(user, 3)[0];
        if runs {
            store.claim(leader, 0);
        }
        store.cancel(2);
        let expired =
            store.run(|commands| commands.expire_followers(&[JobSeq(1), JobSeq(2), JobSeq(3)], NOW));
        assert_eq!(expired, 1, "neither a leader nor what has ended");
        let live = if runs { JobState::Processing } else { JobState::Queued };
        assert_eq!(store.states(1..=3), [live, JobState::Cancelled, JobState::Expired]);
        let counts = store.counts(user);
        assert_eq!((counts.hour, counts.queued + counts.running), (units, 1));
        assert_eq!(store.job(2).started_at.is_some(), runs);
        assert_eq!(store.job(2).bill, None);
    }
}

#[test]
fn a_failed_follower_that_is_tried_again_is_a_job_like_any_other() {
    let store = Store::new();
    let user = store.user("ann");
    let leader = store.take_equal(user, 2)[0];
    store.claim(leader, 0);
    store.settle(leader, 1, true, 0, failed(FailureCode::Refused));
    store.run(|commands| commands.retry_failed(JobId([2; 16]), NOW).map(drop));
    assert_eq!((store.handed_over(), store.job(2).bill), (vec![2], None));
    store.take(sharing(user, 3, 9));
    assert_eq!(store.pairs(), [(3, 2)], "others may follow it");
}

#[test]
fn a_crash_leaves_followers_with_a_leader_that_waits() {
    let store = Store::new();
    let user = store.user("ann");
    let leader = store.take_equal(user, 3)[0];
    store.claim(leader, 0);
    let recovered = store.run(|commands| commands.recover(NOW));
    assert_eq!(recovered.requeued, [leader]);
    assert_eq!((store.pairs(), store.handed_over()), (vec![(2, 1), (3, 1)], vec![1]));
    assert_eq!(store.counts(user).queued, 3);
}

#[test]
fn the_lists_of_what_waits_and_what_runs_are_by_the_states_that_are_shown() {
    let store = Store::new();
    let user = store.user("ann");
    let leader = store.take_equal(user, 2)[0];
    store.take(sharing(user, 3, 8));
    let listed = |state| -> Vec<i64> {
        let query =
            crate::store::reads::JobQuery { user: Some(user), state: Some(state), before: None, limit: 9 };
        let jobs = store.reader.blocking().jobs(&query).unwrap();
        assert!(jobs.iter().all(|job| job.state == state));
        jobs.into_iter().map(|job| job.seq.0).collect()
    };
    assert_eq!((listed(JobState::Queued), listed(JobState::Processing)), (vec![3, 2, 1], vec![]));
    store.claim(leader, 0);
    assert_eq!((listed(JobState::Queued), listed(JobState::Processing)), (vec![3], vec![2, 1]));
}

/// Whatever happens in whatever order: what follows, follows a live job of the same key that
/// follows nobody, of which there is room; what is over has ended once; and the backlog is right.
#[test]
fn at_no_commit_does_a_job_follow_one_that_has_ended() {
    let mut shared = 0;
    for seed in 0..20 {
        let mut random = StdRng::seed_from_u64(seed);
        let store = Store::new();
        let user = store.user("ann");
        let database = store.database();
        let mut number = 0;
        for _ in 0..120 {
            // Some live job, if there is any.
            let (some, run) = database
                .query_row(
                    "SELECT seq, run FROM job WHERE state IN (0, 1) ORDER BY seq * ?1 % 97 LIMIT 1",
                    [random.random_range(1..97)],
                    |row| Ok((JobSeq(row.get(0)?), row.get::<_, u32>(1)?)),
                )
                .unwrap_or((JobSeq(1), 0));
            match random.random_range(0..10) {
                0..=3 => {
                    number += 1;
                    store.take(sharing(user, number, random.random_range(0..2)));
                }
                4..=5 => store.claim(some, run),
                6 => store.settle(some, run, true, 5, completed(ValidationStatus::Valid)),
                7 => store.settle(some, run, true, 5, requeued()),
                8 => drop(store.run(move |commands| {
                    commands.cancel(JobId([u8::try_from(some.0).unwrap(); 16]), Owner::Anyone, NOW)
                })),
                _ => drop(store.run(move |commands| commands.expire_followers(&[some], NOW))),
            }
            let count = |sql: &str| database.query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap();
            let astray =
                "SELECT count(*) FROM job AS follower LEFT JOIN job AS lead ON lead.seq = follower.follows
                WHERE follower.follows IS NOT NULL AND NOT (follower.state = 0 AND lead.state IN (0, 1)
                  AND lead.follows IS NULL AND lead.cache_key = follower.cache_key)";
            assert_eq!(count(astray), 0, "seed {seed}");
            let most = "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM job
                        WHERE follows IS NOT NULL GROUP BY follows)";
            assert!(count(most) <= MAX, "seed {seed}");
            let counts = store.counts(user);
            let live = (
                count("SELECT count(*) FROM job WHERE state = 0"),
                count("SELECT count(*) FROM job WHERE state = 1"),
            );
            assert_eq!((counts.queued, counts.running), live, "seed {seed}");
        }
        let count = "SELECT count(*) FROM job WHERE coalesced";
        shared += database.query_row(count, [], |row| row.get::<_, u32>(0)).unwrap();
    }
    assert!(shared > 20, "{shared} ended with the call that they shared");
}
