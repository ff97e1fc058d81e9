//! The desk under a virtual clock: turns, bounds, rests, ages.

use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp(1_000_000_000);

fn message(seq: i64, user: i64, at: Timestamp) -> PendingDelivery {
    PendingDelivery {
        seq: DeliverySeq(seq),
        user: UserId(user),
        url: None,
        since: at,
        next_at: at,
        is_asked_for: false,
    }
}

impl Desk {
    fn own(&mut self, seq: i64, user: i64, at: Timestamp) {
        self.add(message(seq, user, at), None);
    }

    /// Everything that may go now.
    fn take_all(&mut self, now: Timestamp) -> Vec<i64> {
        std::iter::from_fn(|| self.take(now))
            .map(|taken| match taken {
                Taken::Flight(seq) => seq.0,
                Taken::TooOld { seq, .. } => -seq.0,
            })
            .collect()
    }

    fn fails(&mut self, seq: i64, next_at: Timestamp, now: Timestamp) {
        self.landed(DeliverySeq(seq), Health::Trouble, Some(next_at), now);
    }

    /// Nothing is left behind once nothing waits or flies.
    fn is_empty(&self) -> bool {
        let Self { lanes, numbers, next_number: _, users, ready, waiting, ages, flights, flights_in_trouble } =
            self;
        lanes.is_empty()
            && numbers.is_empty()
            && users.is_empty()
            && ready.iter().all(BTreeSet::is_empty)
            && waiting.is_empty()
            && ages.is_empty()
            && flights.is_empty()
            && *flights_in_trouble == 0
    }
}

#[test]
fn one_place_gets_two_at_once_and_the_rest_in_order() {
    let mut desk = Desk::default();
    (1..=5).for_each(|seq| desk.own(seq, 1, NOW));
    assert_eq!(desk.take_all(NOW), [1, 2]);
    assert_eq!(desk.next_at(), Some(NOW.after(AGE_MAX)), "nothing goes before one lands");
    desk.landed(DeliverySeq(2), Health::Well, None, NOW);
    assert_eq!(desk.take_all(NOW), [3]);
    for seq in [1, 3] {
        desk.landed(DeliverySeq(seq), Health::Well, None, NOW);
    }
    assert_eq!(desk.take_all(NOW), [4, 5]);
    for seq in [4, 5] {
        desk.landed(DeliverySeq(seq), Health::Well, None, NOW);
    }
    assert!(desk.is_empty());
}

#[test]
fn a_user_with_many_places_has_four_on_their_way() {
    let mut desk = Desk::default();
    for seq in 1..=20 {
        desk.add(message(seq, 1, NOW), Some(format!("https://{seq}.example")));
    }
    desk.own(99, 2, NOW.moved(1));
    assert_eq!(desk.take_all(NOW.moved(1)), [1, 2, 3, 4, 99], "another user is not behind them");
}

#[test]
fn a_dead_place_with_a_long_backlog_delays_nobody() {
    let mut desk = Desk::default();
    (1..=10_000).for_each(|seq| desk.own(seq, 1, NOW.moved(-50_000)));
    let mut now = NOW;
    // It fails until it rests.
    for _ in 0..10 {
        for seq in desk.take_all(now) {
            desk.fails(seq, now.moved(5000), now);
        }
        now = now.moved(10);
    }
    for other in 0..20 {
        desk.own(20_000 + other, 100 + other, now);
    }
    let went = desk.take_all(now);
    assert_eq!(went.iter().filter(|seq| **seq >= 20_000).count(), 20, "{went:?}");
    assert!(went.len() <= 22);
}

#[test]
fn places_in_trouble_take_half_of_the_room_however_many_they_are() {
    let mut desk = Desk::default();
    for user in 1..=100 {
        desk.own(user, user, NOW);
    }
    let mut now = NOW;
    let mut failed = BTreeSet::new();
    // Each has failed once.
    while failed.len() < 100 {
        for seq in desk.take_all(now) {
            failed.insert(seq);
            desk.fails(seq, NOW.moved(60_000), now);
        }
        now = now.moved(1);
    }
    now = NOW.moved(60_000);
    let went = desk.take_all(now);
    assert_eq!(went.len(), FLIGHTS_IN_TROUBLE_MAX);
    for user in 200..=300 {
        desk.own(user, user, now);
    }
    let went = desk.take_all(now);
    assert_eq!(went.len(), FLIGHTS_MAX - FLIGHTS_IN_TROUBLE_MAX);
    assert!(went.iter().all(|seq| *seq >= 200));
}

#[test]
fn after_five_failures_a_place_rests_and_one_message_tries_it() {
    let mut desk = Desk::default();
    (1..=9).for_each(|seq| desk.own(seq, 1, NOW));
    let mut now = NOW;
    let mut tries = 0;
    while tries < 5 {
        for seq in desk.take_all(now) {
            tries += 1;
            desk.fails(seq, now, now);
        }
    }
    // Two were on their way at the fifth failure.
    let rests = desk.next_at().unwrap();
    assert!(rests >= now.after(REST_FIRST), "{rests}");
    now = rests;
    let tried = desk.take_all(now);
    assert_eq!(tried.len(), 1);
    desk.fails(tried[0], now, now);
    let longer = desk.next_at().unwrap();
    assert!(longer.since(now) > REST_FIRST, "{:?}", longer.since(now));
    for _ in 0..20 {
        now = desk.next_at().unwrap();
        let tried = desk.take_all(now);
        desk.fails(tried[0], now, now);
    }
    assert_eq!(desk.next_at().unwrap().since(now), REST_LAST);
    now = desk.next_at().unwrap();
    let tried = desk.take_all(now);
    desk.landed(DeliverySeq(tried[0]), Health::Well, None, now);
    assert_eq!(desk.take_all(now).len(), 2, "well again, at once");
}

#[test]
fn who_asks_does_not_wait_for_a_rest_to_end() {
    let mut desk = Desk::default();
    (1..=3).for_each(|seq| desk.own(seq, 1, NOW));
    assert_eq!(desk.take_all(NOW), [1, 2]);
    desk.landed(DeliverySeq(1), Health::Busy(NOW.moved(60_000)), Some(NOW.moved(5000)), NOW);
    assert_eq!(desk.take_all(NOW.moved(59_999)), [] as [i64; 0]);
    let mut asked = message(1, 1, NOW.moved(100));
    asked.is_asked_for = true;
    desk.add(asked, None);
    assert_eq!(desk.take_all(NOW.moved(100)), [1], "before what waits longer");
    desk.landed(DeliverySeq(1), Health::Well, None, NOW.moved(100));
    assert_eq!(desk.take_all(NOW.moved(100)), [3], "and the place is tried again");
}

#[test]
fn what_is_asked_for_while_it_flies_goes_once_more_when_it_has_landed() {
    let mut desk = Desk::default();
    desk.own(1, 1, NOW);
    assert_eq!(desk.take_all(NOW), [1]);
    desk.own(1, 1, NOW.moved(5));
    assert_eq!(desk.take_all(NOW.moved(10)), [] as [i64; 0]);
    desk.landed(DeliverySeq(1), Health::Well, None, NOW.moved(10));
    assert_eq!(desk.take_all(NOW.moved(10)), [1]);
    desk.landed(DeliverySeq(1), Health::Well, None, NOW.moved(10));
    assert!(desk.is_empty());
}

#[test]
fn what_waited_for_days_is_given_up() {
    let mut desk = Desk::default();
    desk.own(1, 1, NOW);
    assert_eq!(desk.take_all(NOW), [1]);
    desk.fails(1, NOW.after(AGE_MAX).moved(1), NOW);
    assert_eq!(desk.next_at(), Some(NOW.after(AGE_MAX)));
    assert_eq!(desk.take_all(NOW.after(AGE_MAX)), [-1]);
    assert!(desk.is_empty());
}

proptest! {
    /// Whatever happens in whatever order: bounds hold, no message is lost or doubled, and all go.
    #[test]
    fn nothing_is_lost_and_every_bound_holds(
        steps in prop::collection::vec((0_i64..6, 0_u8..3, 0_u8..4, 0_i64..40_000), 1..200)
    ) {
        let mut desk = Desk::default();
        let mut now = NOW;
        let mut open = BTreeSet::new();
        let mut flying: Vec<DeliverySeq> = Vec::new();
        let mut seq = 0;
        for (user, place, what, by) in steps {
            now = now.moved(by);
            match what {
                0 | 1 => {
                    seq += 1;
                    open.insert(DeliverySeq(seq));
                    let origin = (place > 0).then(|| format!("https://{place}.example"));
                    desk.add(message(seq, user, now), origin);
                }
                _ if flying.is_empty() => {}
                2 => {
                    let landed = flying.swap_remove(usize::from(place) % flying.len());
                    open.remove(&landed);
                    desk.landed(landed, Health::Well, None, now);
                }
                _ => {
                    let landed = flying.swap_remove(usize::from(place) % flying.len());
                    desk.landed(landed, Health::Trouble, Some(now.moved(by)), now);
                }
            }
            while let Some(Taken::Flight(taken)) = desk.take(now) {
                prop_assert!(open.contains(&taken) && !flying.contains(&taken));
                flying.push(taken);
            }
            prop_assert!(flying.len() <= FLIGHTS_MAX);
            prop_assert!(desk.flights_in_trouble <= FLIGHTS_IN_TROUBLE_MAX);
            prop_assert!(desk.users.values().all(|user| user.flights <= FLIGHTS_OF_USER_MAX));
            prop_assert!(desk.lanes.values().all(|lane| lane.flights <= FLIGHTS_OF_LANE_MAX));
            prop_assert_eq!(desk.backlog().waiting + flying.len(), open.len());
        }
        while !open.is_empty() {
            for landed in flying.drain(..) {
                open.remove(&landed);
                desk.landed(landed, Health::Well, None, now);
            }
            if let Some(next) = desk.next_at() {
                now = now.max(next);
            }
            while let Some(Taken::Flight(taken)) = desk.take(now) {
                flying.push(taken);
            }
            prop_assert!(!flying.is_empty() || open.is_empty(), "something waits and never goes");
        }
        prop_assert!(desk.is_empty());
    }
}
