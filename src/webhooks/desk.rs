//! Which message goes next: pure, under a clock that is passed in.
//!
//! Messages of one user to one place share a lane. A lane has two messages on their way at most, a
//! user four, all together 32, and lanes that are in trouble half of these: however many places do
//! not answer, the others' messages go at once. Users take turns, and so do a user's lanes. After
//! five failures in a row a lane rests, longer each time, and one message at a time tries it.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use crate::domain::webhook::{DeliverySeq, PendingDelivery};
use crate::domain::{Timestamp, UserId};

use super::observed::Backlog;
use super::schedule::AGE_MAX;

/// Messages on their way at once.
const FLIGHTS_MAX: usize = 32;
/// Of these, to places in trouble.
const FLIGHTS_IN_TROUBLE_MAX: usize = 16;
/// Of one user.
const FLIGHTS_OF_USER_MAX: usize = 4;
/// Of one lane.
const FLIGHTS_OF_LANE_MAX: usize = 2;
/// Failures in a row after which a lane rests.
const TROUBLES_MAX: u32 = 5;
/// The first rest, and the longest.
const REST_FIRST: Duration = Duration::from_secs(30);
const REST_LAST: Duration = Duration::from_secs(600);

/// How a place is after a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It answers.
    Well,
    /// It does not, or says that it cannot.
    Trouble,
    /// It asks to be left alone until then.
    Busy(Timestamp),
}

/// What the desk hands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// A message to send; [`Desk::landed`] ends its flight.
    Flight(DeliverySeq),
    /// A message that has waited too long: it is to be given up. The desk has forgotten it.
    TooOld {
        /// Which.
        seq: DeliverySeq,
        /// When its schedule began.
        since: Timestamp,
    },
}

type LaneNumber = u64;
/// When its next message may go, or when it had its last turn, whichever is later.
type Turn = Timestamp;

/// Well or in trouble: an index.
const WELL: usize = 0;
const IN_TROUBLE: usize = 1;

#[derive(Debug)]
struct Lane {
    user: UserId,
    origin: Option<String>,
    waiting: BTreeSet<(Timestamp, DeliverySeq)>,
    flights: usize,
    troubles: u32,
    not_before: Timestamp,
    served_at: Timestamp,
    /// Where it stands among its user's lanes, when it may send.
    listed: Option<(usize, Turn)>,
}

#[derive(Debug, Default)]
struct Sending {
    flights: usize,
    /// Lanes that may send, by their turns: those that are well, and those in trouble.
    ready: [BTreeSet<(Turn, LaneNumber)>; 2],
    /// Where it stands among all users, when it may send.
    listed: [Option<Turn>; 2],
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    lane: LaneNumber,
    since: Timestamp,
    next_at: Timestamp,
}

#[derive(Debug)]
struct Flight {
    lane: LaneNumber,
    in_trouble: bool,
    since: Timestamp,
    /// Somebody asked for it meanwhile.
    again: Option<PendingDelivery>,
}

/// All messages that wait or are on their way.
#[derive(Debug, Default)]
pub struct Desk {
    lanes: HashMap<LaneNumber, Lane>,
    numbers: HashMap<(UserId, Option<String>), LaneNumber>,
    next_number: LaneNumber,
    users: HashMap<UserId, Sending>,
    ready: [BTreeSet<(Turn, UserId)>; 2],
    waiting: HashMap<DeliverySeq, Waiting>,
    ages: BTreeSet<(Timestamp, DeliverySeq)>,
    flights: HashMap<DeliverySeq, Flight>,
    flights_in_trouble: usize,
}

impl Desk {
    /// A message waits; one that is known already waits for its new time. `origin` is where it goes,
    /// scheme, host and port; `None`: to the user's own address.
    pub fn add(&mut self, message: PendingDelivery, origin: Option<String>) {
        let seq = message.seq;
        if let Some(flight) = self.flights.get_mut(&seq) {
            flight.again = Some(message);
            return;
        }
        self.forget(seq);
        let number = self.lane_of(message.user, origin);
        let PendingDelivery { since, next_at, is_asked_for, .. } = message;
        if is_asked_for && let Some(lane) = self.lanes.get_mut(&number) {
            // Before all else of its place, which need not rest; other places keep their turns.
            lane.not_before = next_at;
            lane.served_at = Timestamp(0);
            self.wait(seq, Waiting { lane: number, since, next_at: Timestamp(0) });
        } else {
            self.wait(seq, Waiting { lane: number, since, next_at });
        }
        self.list(number);
    }

    /// Whether a message waits or is on its way.
    pub fn knows(&self, seq: DeliverySeq) -> bool {
        self.waiting.contains_key(&seq) || self.flights.contains_key(&seq)
    }

    /// The message that goes next at `now`; `None`: none may.
    pub fn take(&mut self, now: Timestamp) -> Option<Taken> {
        if let Some((since, seq)) = self.ages.first().copied()
            && since.after(AGE_MAX) <= now
        {
            self.forget(seq);
            return Some(Taken::TooOld { seq, since });
        }
        let kind = self.kinds_open().filter_map(|kind| {
            let (turn, _) = self.ready[kind].first()?;
            (*turn <= now).then_some((*turn, kind))
        });
        let (_, kind) = kind.min()?;
        let (_, user) = self.ready[kind].first().copied()?;
        let (_, number) = self.users.get(&user)?.ready[kind].first().copied()?;
        let (_, seq) = self.lanes.get(&number)?.waiting.first().copied()?;
        let waited = self.unwait(seq)?;
        let in_trouble = kind == IN_TROUBLE;
        if let Some(lane) = self.lanes.get_mut(&number) {
            lane.flights += 1;
            lane.served_at = now;
        }
        if let Some(sending) = self.users.get_mut(&user) {
            sending.flights += 1;
        }
        self.flights_in_trouble += usize::from(in_trouble);
        self.flights.insert(seq, Flight { lane: number, in_trouble, since: waited.since, again: None });
        self.list(number);
        Some(Taken::Flight(seq))
    }

    /// A flight has ended at `now`. The message waits again until `next_at`, if that is given.
    pub fn landed(&mut self, seq: DeliverySeq, health: Health, next_at: Option<Timestamp>, now: Timestamp) {
        let Some(flight) = self.flights.remove(&seq) else { return };
        self.flights_in_trouble -= usize::from(flight.in_trouble);
        let Some(lane) = self.lanes.get_mut(&flight.lane) else { return };
        lane.flights -= 1;
        match health {
            Health::Well => (lane.troubles, lane.not_before) = (0, Timestamp(0)),
            Health::Busy(until) => lane.not_before = lane.not_before.max(until),
            Health::Trouble => {
                lane.troubles += 1;
                if let Some(rests) = lane.troubles.checked_sub(TROUBLES_MAX) {
                    let rest = REST_FIRST.saturating_mul(1 << rests.min(8)).min(REST_LAST);
                    lane.not_before = lane.not_before.max(now.after(rest));
                }
            }
        }
        let (user, origin) = (lane.user, lane.origin.clone());
        if let Some(sending) = self.users.get_mut(&user) {
            sending.flights -= 1;
        }
        if let Some(next_at) = next_at {
            self.wait(seq, Waiting { lane: flight.lane, since: flight.since, next_at });
        }
        self.list(flight.lane);
        if let Some(again) = flight.again {
            self.add(again, origin);
        }
    }

    /// When [`Desk::take`] may have something, if nothing else happens; `None`: not before a flight
    /// ends or a message comes.
    pub fn next_at(&self) -> Option<Timestamp> {
        let turns = self.kinds_open().filter_map(|kind| self.ready[kind].first().map(|(turn, _)| *turn));
        let oldest = self.ages.first().map(|(since, _)| since.after(AGE_MAX));
        turns.chain(oldest).min()
    }

    /// What waits and flies, and since when the oldest of it does.
    pub fn backlog(&self) -> Backlog {
        let flying = self.flights.values().map(|flight| flight.since);
        let oldest = self.ages.first().map(|(since, _)| *since).into_iter().chain(flying).min();
        Backlog { waiting: self.waiting.len(), in_flight: self.flights.len(), oldest }
    }

    /// The kinds of lanes that may send one message more.
    fn kinds_open(&self) -> impl Iterator<Item = usize> {
        let has_room = self.flights.len() < FLIGHTS_MAX;
        let has_room_for_trouble = has_room && self.flights_in_trouble < FLIGHTS_IN_TROUBLE_MAX;
        [(WELL, has_room), (IN_TROUBLE, has_room_for_trouble)]
            .into_iter()
            .filter(|open| open.1)
            .map(|open| open.0)
    }

    fn lane_of(&mut self, user: UserId, origin: Option<String>) -> LaneNumber {
        let place = (user, origin.clone());
        if let Some(number) = self.numbers.get(&place) {
            return *number;
        }
        self.next_number += 1;
        let number = self.next_number;
        self.numbers.insert(place, number);
        let never = Timestamp(0);
        let lane = Lane {
            user,
            origin,
            waiting: BTreeSet::new(),
            flights: 0,
            troubles: 0,
            not_before: never,
            served_at: never,
            listed: None,
        };
        self.lanes.insert(number, lane);
        number
    }

    fn wait(&mut self, seq: DeliverySeq, waiting: Waiting) {
        self.waiting.insert(seq, waiting);
        self.ages.insert((waiting.since, seq));
        if let Some(lane) = self.lanes.get_mut(&waiting.lane) {
            lane.waiting.insert((waiting.next_at, seq));
        }
    }

    fn unwait(&mut self, seq: DeliverySeq) -> Option<Waiting> {
        let waited = self.waiting.remove(&seq)?;
        self.ages.remove(&(waited.since, seq));
        if let Some(lane) = self.lanes.get_mut(&waited.lane) {
            lane.waiting.remove(&(waited.next_at, seq));
        }
        Some(waited)
    }

    /// Knows nothing more of a message that waits.
    fn forget(&mut self, seq: DeliverySeq) {
        if let Some(waited) = self.unwait(seq) {
            self.list(waited.lane);
        }
    }

    /// Puts a lane where it belongs among those that may send, and its user too; a lane that has
    /// nothing left is gone.
    fn list(&mut self, number: LaneNumber) {
        let Some(lane) = self.lanes.get_mut(&number) else { return };
        let user = lane.user;
        let sending = self.users.entry(user).or_default();
        if let Some((kind, turn)) = lane.listed.take() {
            sending.ready[kind].remove(&(turn, number));
        }
        let flights_max = if lane.troubles >= TROUBLES_MAX { 1 } else { FLIGHTS_OF_LANE_MAX };
        if let Some((next_at, _)) = lane.waiting.first()
            && lane.flights < flights_max
        {
            let kind = if lane.troubles == 0 { WELL } else { IN_TROUBLE };
            let turn = (*next_at).max(lane.not_before).max(lane.served_at);
            sending.ready[kind].insert((turn, number));
            lane.listed = Some((kind, turn));
        }
        if lane.waiting.is_empty() && lane.flights == 0 {
            let place = (user, lane.origin.take());
            self.numbers.remove(&place);
            self.lanes.remove(&number);
        }
        self.list_user(user);
    }

    fn list_user(&mut self, user: UserId) {
        let Some(sending) = self.users.get_mut(&user) else { return };
        let may_send = sending.flights < FLIGHTS_OF_USER_MAX;
        for kind in [WELL, IN_TROUBLE] {
            if let Some(turn) = sending.listed[kind].take() {
                self.ready[kind].remove(&(turn, user));
            }
            if let Some((turn, _)) = sending.ready[kind].first()
                && may_send
            {
                self.ready[kind].insert((*turn, user));
                sending.listed[kind] = Some(*turn);
            }
        }
        if sending.flights == 0 && sending.ready.iter().all(BTreeSet::is_empty) {
            self.users.remove(&user);
        }
    }
}

#[cfg(test)]
#[path = "desk_tests.rs"]
mod tests;
