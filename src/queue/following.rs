//! Jobs that share another one's call, in memory: whose place is theirs, and when they expire. The
//! scheduler does not know them. Kept by what is committed; read from the store once, at the start.

use std::collections::{BTreeSet, HashMap};

use parking_lot::Mutex;

use crate::domain::change::Follower;
use crate::domain::{JobSeq, Timestamp};
use crate::store::{Priority, StoreError};

use super::Queue;

/// Jobs that share one call at most, besides the one that makes it: all of them end in one
/// transaction, each with a copy of the answer. The next one makes a call that others can share.
pub(super) const FOLLOWERS_MAX: u32 = 64;
/// Deadlines that are written in one transaction: a submit never waits long behind one.
const EXPIRED_AT_ONCE: usize = 200;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Following {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    followers: HashMap<JobSeq, Follower>,
    deadlines: BTreeSet<(Timestamp, JobSeq)>,
}

impl Following {
    /// A job follows another, or follows another one than before.
    pub(super) fn add(&self, follower: Follower) {
        let mut known = self.known.lock();
        if let Some(at) = follower.deadline_at {
            known.deadlines.insert((at, follower.seq));
        }
        known.followers.insert(follower.seq, follower);
    }

    /// A job follows nobody any more. Returns how it did.
    pub(super) fn remove(&self, seq: JobSeq) -> Option<Follower> {
        let mut known = self.known.lock();
        let follower = known.followers.remove(&seq)?;
        if let Some(at) = follower.deadline_at {
            known.deadlines.remove(&(at, seq));
        }
        Some(follower)
    }

    /// The job whose place is this one's: itself, unless it follows another.
    pub(super) fn place_of(&self, seq: JobSeq) -> JobSeq {
        self.known.lock().followers.get(&seq).map_or(seq, |follower| follower.leader)
    }

    /// Those whose deadline has passed, the first ones first.
    fn due(&self, now: Timestamp) -> Vec<JobSeq> {
        let known = self.known.lock();
        let due = known.deadlines.iter().take_while(|(at, _)| *at <= now);
        due.map(|(_, seq)| *seq).take(EXPIRED_AT_ONCE).collect()
    }
}

impl Queue {
    /// Takes over the jobs that shared calls at the last stop; before anything is decided.
    pub fn follow_again(&self, followers: Vec<Follower>) {
        for follower in followers {
            self.inner.bus.follow(&follower, None);
            self.inner.following.add(follower);
        }
    }

    /// Ends jobs that share a call and whose own deadline has passed. Returns how many.
    ///
    /// # Errors
    /// What the store reports; what has ended before stays so.
    pub async fn expire_followers(&self) -> Result<u64, StoreError> {
        let mut expired = 0;
        loop {
            let now = self.now();
            let due = self.inner.following.due(now);
            if due.is_empty() {
                return Ok(expired);
            }
            let some = self
                .inner
                .writer
                .write(Priority::Control, 0, move |commands| commands.expire_followers(&due, now))
                .await?;
            expired += u64::from(some);
            if some == 0 {
                // They have left meanwhile; what is still due is tried again with the next look.
                return Ok(expired);
            }
            tokio::task::yield_now().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{JobId, UserId};

    fn follower(seq: i64, leader: i64, deadline_at: Option<i64>) -> Follower {
        Follower {
            seq: JobSeq(seq),
            id: JobId([0; 16]),
            user: UserId(1),
            deadline_at: deadline_at.map(Timestamp),
            leader: JobSeq(leader),
            leader_id: JobId([1; 16]),
        }
    }

    #[test]
    fn a_followers_place_is_its_leaders_and_its_deadline_its_own() {
        let following = Following::default();
        following.add(follower(2, 1, Some(50)));
        following.add(follower(3, 1, Some(40)));
        following.add(follower(4, 1, None));
        assert_eq!([1, 2, 4].map(|seq| following.place_of(JobSeq(seq)).0), [1, 1, 1]);
        following.add(follower(2, 3, Some(50)));
        assert_eq!(following.place_of(JobSeq(2)), JobSeq(3));
        assert_eq!(following.due(Timestamp(39)), []);
        assert_eq!(following.due(Timestamp(50)), [JobSeq(3), JobSeq(2)]);
        assert_eq!(following.remove(JobSeq(3)), Some(follower(3, 1, Some(40))));
        assert_eq!(following.due(Timestamp(50)), [JobSeq(2)]);
        assert_eq!((following.remove(JobSeq(3)), following.place_of(JobSeq(3))), (None, JobSeq(3)));
    }
}
