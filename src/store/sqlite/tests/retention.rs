//! What grows, and what of it goes when it is too old.

use rusqlite::Connection;

use super::*;
use crate::domain::session::LinkFor;
use crate::domain::user::Role;
use crate::domain::{KeyId, SessionId};
use crate::store::people::{NewKey, NewLink};

const KEEP: Duration = Duration::from_secs(90 * 24 * 3600);

/// Rows of a table.
fn rows(store: &Store, table: &str) -> u32 {
    let database = Connection::open(path_in(store._dir.path())).unwrap();
    database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

fn days_after(days: i64) -> Timestamp {
    Timestamp(NOW.0 + days * DAY_MS)
}

#[test]
fn everything_that_grows_goes_when_it_is_too_old_and_not_before() {
    let store = Store::new();
    let user = store.user("ann");
    assert!(matches!(store.submit(user, 1, Some("k"), NOW), Submitted::Accepted { .. }));
    store.claim(JobSeq(1), 0);
    store.settle(JobSeq(1), 1, true, 7, JobEnd::Completed(Outcome::default()));
    let waiting = store.accept(user, 2, NOW);
    let key = |name: &str, expires_at| NewKey {
        id: KeyId(name.to_owned()),
        user,
        role: Role::User,
        hash: [name.as_bytes()[0]; 32],
        prefix: "dgd_".to_owned(),
        expires_at,
        created_at: NOW,
    };
    for (name, expires_at) in [("good", None), ("expired", Some(NOW)), ("revoked", None)] {
        let key = key(name, expires_at);
        store.run(move |commands| commands.create_key(&key));
    }
    store.run(|commands| commands.revoke_key(&KeyId("revoked".to_owned()), NOW).map(drop));
    let link =
        NewLink { id: SessionId([1; 32]), whom: LinkFor::User(user), expires_at: NOW, created_at: NOW };
    store.run(move |commands| commands.create_link(&link));

    // Days after, and how many rows of each table are left then.
    for (days, left) in [
        (0, [2, 1, 2, 3, 3, 0]),
        (1, [2, 0, 2, 3, 3, 0]),
        (3, [2, 0, 0, 3, 3, 0]),
        (89, [2, 0, 0, 3, 3, 0]),
        (92, [1, 0, 0, 2, 3, 0]),
        (399, [1, 0, 0, 2, 3, 0]),
        (401, [1, 0, 0, 2, 1, 0]),
        (802, [1, 0, 0, 1, 1, 0]),
        (10_000, [1, 0, 0, 1, 1, 0]),
    ] {
        store.purge(days_after(days), KEEP);
        let tables = ["job", "idempotency", "request_window", "usage_window", "api_key", "session"];
        assert_eq!(tables.map(|table| rows(&store, table)), left, "after {days} days: {tables:?}");
    }
    for (table, left) in [("attempt", 0), ("job_result", 0), ("job_body", 1)] {
        assert_eq!(rows(&store, table), left, "{table}");
    }
    let months = store.reader.blocking().spending(user, NOW).unwrap();
    assert_eq!(months.month.output, 7, "months stay");
    assert!(store.reader.blocking().job(JobId([2; 16])).unwrap().is_some_and(|job| job.seq == waiting));
}

#[test]
fn what_was_found_too_old_and_is_not_any_more_stays() {
    let store = Store::new();
    let user = store.user("ann");
    store.submit(user, 1, Some("k"), NOW);
    let failure = Failure { code: FailureCode::UpstreamTimeout, message: "late".to_owned(), retryable: true };
    store.run(move |commands| commands.fail_queued(JobSeq(1), &failure, NOW).map(drop));
    let later = days_after(91);
    let ages = Ages::at(later, Keep { requests: KEEP, messages: KEEP });
    let stale = store.stale(&ages, 10);
    let (request, key) = (Stale::Request(JobSeq(1)), Stale::Idempotency(user, "k".to_owned()));
    assert!(stale.contains(&request) && stale.contains(&key), "{stale:?}");
    // Meanwhile the operator has it tried again, and the key comes again.
    assert!(store.run(move |commands| commands.retry_failed(JobId([1; 16]), later)).is_some());
    assert!(matches!(store.submit(user, 2, Some("k"), later), Submitted::Accepted { .. }));
    store.run(move |commands| commands.purge(&[request.clone(), key.clone()], &ages));
    assert_eq!((rows(&store, "job"), rows(&store, "idempotency")), (2, 1));
}

#[test]
fn a_search_finds_no_more_than_it_was_asked_for() {
    let store = Store::new();
    let user = store.user("ann");
    for number in 0..5_u8 {
        store.submit(user, number, Some(&format!("key {number}")), days_after(number.into()));
    }
    let ages = Ages::at(days_after(10), Keep { requests: KEEP, messages: KEEP });
    let stale = store.stale(&ages, 2);
    let keys = stale.iter().filter(|one| matches!(one, Stale::Idempotency(..))).count();
    let units = stale.iter().filter(|one| matches!(one, Stale::Units(..))).count();
    assert_eq!((keys, units, stale.len()), (2, 2, 4));
    let mut rounds = 0;
    while store.purge(days_after(10), KEEP) > 0 {
        rounds += 1;
    }
    assert_eq!((rounds, rows(&store, "request_window")), (1, 0));
}

#[test]
fn no_call_goes_that_the_upstreams_limits_still_need() {
    let store = Store::new();
    let user = store.user("ann");
    let seq = store.accept(user, 1, NOW);
    store.claim(seq, 0);
    store.settle(seq, 1, true, 7, JobEnd::Completed(Outcome::default()));
    // Cancelled while its call is under way: that ends later.
    let running = store.accept(user, 2, NOW);
    store.claim(running, 0);
    store.run(|commands| commands.cancel(JobId([2; 16]), Owner::Anyone, NOW).map(drop));
    let seconds = Duration::from_secs(2);
    let charges = |at: Timestamp| {
        store.reader.blocking().live_charges(at.before(Duration::from_secs(120))).unwrap().len()
    };
    for after in [3_000, 60_000, 119_000] {
        assert_eq!(store.purge(NOW.moved(after), seconds), 0, "{after} ms after its end");
        assert_eq!((rows(&store, "attempt"), charges(NOW.moved(after))), (2, 1));
    }
    // A search and a deletion of then would agree; one of later finds the call that is over.
    assert_eq!(store.purge(NOW.moved(121_000), seconds), 1);
    assert_eq!((rows(&store, "job"), rows(&store, "attempt")), (1, 1), "the open one stays");
}
