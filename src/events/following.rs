//! Jobs that share another one's call: what is told of the call is told of each of them, too, in its
//! own name.
//!
//! The queue keeps this list by what is committed. A leader's list is locked for as long as one of
//! its events is handed out, so that who joins midway gets the text so far and then the rest.

use std::collections::HashMap;

use parking_lot::{Mutex, MutexGuard};

use crate::domain::change::Follower;
use crate::domain::{Event, JobEvent, JobId};

use super::bus::Bus;

/// Lists are spread over this many locks.
const SHARDS: usize = 64;

/// Every leader's followers. Locked before topics are, never while one is.
pub(super) struct Following {
    shards: Vec<Mutex<HashMap<JobId, Vec<Follower>>>>,
}

impl Default for Following {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }
}

impl Following {
    pub(super) fn of(&self, leader: JobId) -> MutexGuard<'_, HashMap<JobId, Vec<Follower>>> {
        self.shards[usize::from(leader.0[14]) % SHARDS].lock()
    }
}

impl Bus {
    /// From now on a job shares another one's call. `first` is the follower's first event, should
    /// there be one to tell: with [`JobEvent::Processing`] it has the running answer's text so far.
    pub fn follow(&self, follower: &Follower, first: Option<JobEvent>) {
        let leader = follower.leader_id;
        let mut following = self.following().of(leader);
        following.entry(leader).or_default().push(follower.clone());
        if let Some(what) = first {
            let text = self.shard(leader).lock().get(&leader).map(|topic| topic.text.clone());
            let event = Event { job: follower.id, user: follower.user, what };
            self.hand_out(event, None, text.unwrap_or_default());
        }
    }

    /// A follower has ended.
    pub fn unfollow(&self, follower: &Follower) {
        let leader = follower.leader_id;
        let mut following = self.following().of(leader);
        let Some(list) = following.get_mut(&leader) else { return };
        list.retain(|other| other.seq != follower.seq);
        if list.is_empty() {
            following.remove(&leader);
        }
    }

    /// Those that followed `leader` follow one of them instead, which is `next`. Returns them as
    /// they follow now.
    pub fn follow_instead(&self, leader: JobId, next: &Follower) -> Vec<Follower> {
        let mut list = self.following().of(leader).remove(&leader).unwrap_or_default();
        list.retain(|follower| follower.seq != next.seq);
        for follower in &mut list {
            (follower.leader, follower.leader_id) = (next.seq, next.id);
        }
        if !list.is_empty() {
            self.following().of(next.id).insert(next.id, list.clone());
        }
        list
    }

    /// What follows a job.
    pub fn followers(&self, leader: JobId) -> Vec<JobId> {
        let following = self.following().of(leader);
        following.get(&leader).into_iter().flatten().map(|follower| follower.id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{JobSeq, UserId};
    use crate::events::{Received, Subscriber};

    const LEADER: JobId = JobId([1; 16]);

    fn follower(number: u8) -> Follower {
        Follower {
            seq: JobSeq(number.into()),
            id: JobId([number; 16]),
            user: UserId(number.into()),
            deadline_at: None,
            leader: JobSeq(1),
            leader_id: LEADER,
        }
    }

    fn processing() -> JobEvent {
        JobEvent::Processing { attempt: 1, model: "m".to_owned() }
    }

    fn publish(bus: &Bus, job: JobId, what: JobEvent) {
        bus.publish(Event { job, user: UserId(1), what });
    }

    fn delta(bus: &Bus, job: JobId, text: &str) {
        publish(bus, job, JobEvent::Delta { text: text.to_owned() });
    }

    /// The jobs and texts of the deltas that wait.
    fn deltas(subscriber: &Subscriber) -> Vec<(JobId, String)> {
        let mut heard = Vec::new();
        while let Some(Received::Event(envelope)) = subscriber.try_recv() {
            if let JobEvent::Delta { text } = &envelope.event.what {
                heard.push((envelope.event.job, text.clone()));
            }
        }
        heard
    }

    #[test]
    fn who_joins_midway_has_the_text_so_far_and_hears_the_rest_in_its_own_name() {
        let bus = Bus::default();
        publish(&bus, LEADER, processing());
        delta(&bus, LEADER, "a");
        bus.follow(&follower(2), Some(processing()));
        let mut subscriber = bus.subscriber();
        let snapshot = subscriber.watch_job(follower(2).id, JobSeq(2), UserId(2));
        delta(&bus, LEADER, "b");
        assert_eq!(snapshot.text, "a");
        assert_eq!(deltas(&subscriber), [(follower(2).id, "b".to_owned())]);
        bus.unfollow(&follower(2));
        delta(&bus, LEADER, "c");
        assert_eq!(deltas(&subscriber), []);
        assert!(bus.following().of(LEADER).is_empty());
    }

    #[test]
    fn places_and_ends_are_each_jobs_own() {
        let bus = Bus::default();
        bus.follow(&follower(2), None);
        let mut subscriber = bus.subscriber();
        subscriber.watch_job(follower(2).id, JobSeq(2), UserId(2));
        publish(&bus, LEADER, JobEvent::Position { position: 1, estimated_wait_seconds: 0, paused: false });
        publish(&bus, LEADER, JobEvent::Cancelled);
        assert!(subscriber.try_recv().is_none());
    }

    #[test]
    fn the_others_follow_the_next_one_instead() {
        let bus = Bus::default();
        [2, 3, 4].into_iter().for_each(|number| bus.follow(&follower(number), None));
        let rest = bus.follow_instead(LEADER, &follower(2));
        assert!(rest.iter().all(|other| (other.leader, other.leader_id) == (JobSeq(2), follower(2).id)));
        assert_eq!(bus.followers(follower(2).id), [follower(3).id, follower(4).id]);
        let mut subscriber = bus.subscriber();
        for number in [2, 3] {
            subscriber.watch_job(follower(number).id, JobSeq(1), UserId(1));
        }
        delta(&bus, LEADER, "of a call that nobody shares any more");
        delta(&bus, follower(2).id, "x");
        assert_eq!(deltas(&subscriber), [2, 3].map(|number| (follower(number).id, "x".to_owned())));
    }
}
