//! What invoices rest on: that nothing of a closed month changes, and nothing is lost.

use rusqlite::Connection;

use super::*;
use crate::domain::invoice::{Invoice, Month};
use crate::store::ledger::{InvoiceQuery, UsedBy, UsedQuery};

const HOUR_MS: i64 = 3_600_000;

/// January 2027.
fn january() -> Month {
    Month::of(NOW)
}

fn february() -> Month {
    Month::of(january().to)
}

impl Store {
    fn invoice(&self, user: UserId, month: Month) -> Invoice {
        let query = InvoiceQuery { month, user: Some(user), after: None, limit: 1, now: february().to };
        self.reader.blocking().invoices(&query).unwrap().invoices.remove(0)
    }

    /// A call of a request of its own, of so much output, that ends at `at`.
    fn used(&self, user: UserId, number: u8, output: u64, at: Timestamp) {
        let seq = self.accept(user, number, at);
        self.claim(seq, 0);
        let tokens = TokenUsage { output, ..TokenUsage::default() };
        let bill = Bill { tokens, cost: Money(1000 * i64::try_from(output).unwrap()), estimated: false };
        let call = CallRecord { sent_at: Some(at), ended_at: at, bill, counts: false };
        let end = JobEnd::Completed(Outcome::default());
        let settlement = Settlement { seq, run: 1, call, end, cache_bytes_max: None };
        self.run(move |commands| commands.settle(&settlement).map(drop));
    }

    fn close(&self, until: Timestamp) {
        self.run(move |commands| commands.close_books(until));
    }

    fn set_tier(&self, tier: Tier, at: Timestamp) {
        self.run(move |commands| commands.set_tier("ann", tier, at).map(drop));
    }

    /// Cost of a month as exports have it.
    fn exported(&self, month: Month) -> Money {
        let query = UsedQuery { by: UsedBy::Month, from: month.from, to: month.to, after: None, limit: 100 };
        self.reader.blocking().used(&query).unwrap().iter().map(|used| used.cost).sum()
    }
}

/// Rows of `tier_change` or `tier_price`: time after NOW in hours, and what is there.
fn changes<T: rusqlite::types::FromSql>(store: &Store, sql: &str) -> Vec<(i64, Option<T>)> {
    let database = Connection::open(path_in(store._dir.path())).unwrap();
    let mut statement = database.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok(((row.get::<_, i64>(0)? - NOW.0) / HOUR_MS, row.get(1)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

#[test]
fn what_is_written_late_counts_in_the_next_month_and_none_of_it_twice() {
    let store = Store::new();
    let user = store.user("ann");
    store.run(|commands| commands.note_prices(&[None, None, Some(Money(31)), None], NOW));
    let last = january().to.moved(-1);
    store.used(user, 1, 7, last);
    let open = store.invoice(user, january());
    assert!(!open.is_closed);
    store.close(january().to);
    let closed = store.invoice(user, january());
    assert_eq!(closed, Invoice { is_closed: true, ..open });
    // All of it is of January by its own time.
    store.used(user, 2, 5, last);
    store.set_tier(Tier::Pro, last);
    store.run(move |commands| commands.note_prices(&[None, None, Some(Money(62)), None], last));
    store.run(move |commands| commands.set_disabled("ann", true, last).map(drop));
    // Closing again, or less, opens nothing.
    store.close(january().from);
    store.close(january().to);
    assert_eq!(store.invoice(user, january()), closed);
    let next = store.invoice(user, february());
    assert_eq!((next.tokens().output, next.requests.accepted), (5, 1));
    assert_eq!(next.lines, [], "disabled from its first instant on");
    for month in [january(), february()] {
        assert_eq!(store.invoice(user, month).cost(), store.exported(month));
    }
    assert_eq!(store.exported(january()).0 + store.exported(february()).0, 12_000);
    // The budget of the month in which it counts.
    let mut submission = submission(user, 3, None, last);
    submission.job.reserved = Money(1);
    submission.limits.monthly_budget = Some(Money(5_000));
    let refused = store.run(move |commands| commands.submit(&submission));
    assert!(matches!(refused, Submitted::Refused { .. }), "{refused:?}");
}

#[test]
fn what_a_clock_that_had_gone_wrong_closed_takes_nothing_of_the_present() {
    let store = Store::new();
    let user = store.user("ann");
    store.close(Month::of(NOW.moved(400 * DAY_MS)).from);
    store.used(user, 1, 7, NOW);
    assert_eq!(store.invoice(user, january()).tokens().output, 7);
}

#[test]
fn changes_of_a_tier_are_written_once_and_in_their_order() {
    let store = Store::new();
    store.user("ann");
    let at = |hours: i64| NOW.moved(hours * HOUR_MS);
    store.set_tier(Tier::Pro, at(1));
    store.set_tier(Tier::Pro, at(2));
    store.run(move |commands| commands.ensure_user("ann", Some(Tier::Basic), at(3)).map(drop));
    store.run(move |commands| commands.set_disabled("ann", true, at(4)).map(drop));
    // Who is disabled holds none, whatever the tier is called.
    store.set_tier(Tier::Enterprise, at(5));
    store.run(move |commands| commands.set_disabled("ann", true, at(6)).map(drop));
    store.run(move |commands| commands.set_disabled("ann", false, at(7)).map(drop));
    // A clock that went back changes nothing that was.
    store.set_tier(Tier::Free, at(2));
    let all = changes::<String>(&store, "SELECT at, tier FROM tier_change ORDER BY at");
    let named: Vec<(i64, &str)> =
        all.iter().map(|(at, tier)| (*at, tier.as_deref().unwrap_or("none"))).collect();
    assert_eq!(named, [(0, "free"), (1, "pro"), (3, "basic"), (4, "none"), (7, "free")]);
}

#[test]
fn prices_are_written_when_they_change() {
    let store = Store::new();
    let at = |hours: i64| NOW.moved(hours * HOUR_MS);
    for (hours, price) in [(0, None), (1, Some(29)), (2, Some(29)), (3, Some(31)), (4, None), (5, None)] {
        let prices = [None, None, price.map(Money), None];
        store.run(move |commands| commands.note_prices(&prices, at(hours)));
    }
    let pro = "SELECT at, price FROM tier_price WHERE tier = 'pro' ORDER BY at";
    assert_eq!(changes::<i64>(&store, pro), [(0, None), (1, Some(29)), (3, Some(31)), (4, None)]);
    assert_eq!(changes::<i64>(&store, "SELECT at, price FROM tier_price WHERE tier = 'free'"), [(0, None)]);
}

#[test]
fn a_unit_that_goes_back_counts_in_the_month_in_which_it_does() {
    let store = Store::new();
    let user = store.user("ann");
    store.accept(user, 1, january().to.moved(-1));
    store.close(january().to);
    store.run(|commands| commands.cancel(JobId([1; 16]), Owner::Anyone, january().to.moved(2 * HOUR_MS)));
    let counted = [january(), february()].map(|month| {
        let requests = store.invoice(user, month).requests;
        (requests.accepted, requests.returned)
    });
    assert_eq!(counted, [(1, 0), (0, 1)]);
}
