//! Jobs that share another one's call: equal requests in flight. Such a follower is a job of its own
//! in all but the call: it waits for as long as the job it follows is live, and ends with it in one
//! transaction. At no commit does one follow a job that has ended.

use rusqlite::{OptionalExtension, params};

use crate::domain::change::{Follower, UnderWay};
use crate::domain::trace::{Purpose, SpanContext};
use crate::domain::{Change, JobId, JobSeq, JobState, NewJob, Timestamp};
use crate::store::StoreError;

use super::Batch;
use super::end::{End, Live};

/// A live job that an equal one may follow.
pub(super) struct Leader {
    pub(super) seq: JobSeq,
    id: JobId,
    under_way: Option<UnderWay>,
}

impl Leader {
    /// The change that tells of a job which was stored as following this one.
    pub(super) fn joined_by(self, seq: JobSeq, job: &NewJob) -> Change {
        let follower = Follower {
            seq,
            id: job.id,
            user: job.user,
            deadline_at: job.deadline_at,
            leader: self.seq,
            leader_id: self.id,
        };
        Change::Joined { follower, under_way: self.under_way }
    }
}

impl End<'_> {
    /// Whether an equal request would have ended alike. A cancellation and a deadline are the
    /// job's own, as is what its user may spend.
    pub(super) fn is_shared(&self) -> bool {
        match self.state {
            JobState::Cancelled | JobState::Expired => false,
            JobState::Failed => {
                let failure = self.outcome.and_then(|outcome| outcome.failure.as_ref());
                failure.is_none_or(|failure| failure.code.meets_equals())
            }
            JobState::Queued | JobState::Processing | JobState::Completed => true,
        }
    }
}

impl Batch<'_> {
    /// The live job that `job` is to follow: equal, of the same tier, accepted last, and followed by
    /// fewer than `followers_max`.
    pub(super) fn leader_for(&self, job: &NewJob, followers_max: u32) -> Result<Option<Leader>, StoreError> {
        let Some(key) = job.cache_key.as_ref().filter(|_| followers_max > 0) else { return Ok(None) };
        // The index is named: without it every live job would be read, and that is an error.
        let mut statement = self.transaction.prepare_cached(
            "SELECT seq, id, state, attempts, model FROM job INDEXED BY job_leader
             WHERE substr(cache_key, 1, 6) = substr(?1, 1, 6) AND cache_key = ?1 AND tier = ?2
               AND state IN (0, 1) AND follows IS NULL
             ORDER BY seq DESC LIMIT 1",
        )?;
        let leader = statement.query_row(params![key.as_slice(), job.tier], |row| {
            let runs = row.get::<_, JobState>(2)? == JobState::Processing;
            let under_way = UnderWay {
                attempt: row.get::<_, u32>(3)? + 1,
                model: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
            };
            Ok(Leader { seq: row.get(0)?, id: row.get(1)?, under_way: runs.then_some(under_way) })
        });
        let Some(leader) = leader.optional()? else { return Ok(None) };
        let mut statement = self.transaction.prepare_cached("SELECT count(*) FROM job WHERE follows = ?1")?;
        let followers: u32 = statement.query_row(params![leader.seq], |row| row.get(0))?;
        Ok((followers < followers_max).then_some(leader))
    }

    /// Ends what follows a job as that job has ended.
    pub(super) fn end_followers(&mut self, leader: JobSeq, end: &End<'_>) -> Result<(), StoreError> {
        for seq in self.followers_of(leader)? {
            if let Some(follower) = self.live_job(seq)? {
                self.end_as(&follower, end)?;
            }
        }
        Ok(())
    }

    /// After the end of a job that was its own: the oldest of those that followed it waits for a
    /// call of its own, in the place that it has by its acceptance, and the others follow that one.
    pub(super) fn release_followers(&mut self, leader: &Live) -> Result<(), StoreError> {
        let Some(first) = self.followers_of(leader.seq)?.first().copied() else { return Ok(()) };
        let mut statement =
            self.transaction.prepare_cached("UPDATE job SET follows = NULL WHERE seq = ?1")?;
        statement.execute(params![first])?;
        let mut statement =
            self.transaction.prepare_cached("UPDATE job SET follows = ?2 WHERE follows = ?1")?;
        statement.execute(params![leader.seq, first])?;
        drop(statement);
        let (job, _) = self.queued_again(first)?;
        let was_running = leader.state == JobState::Processing;
        self.changes.push(Change::Released { leader: leader.id, job, was_running });
        Ok(())
    }

    /// A follower on its way to its end follows nobody any more. What its leader's call has come to
    /// is its own from now on. Returns that call, when the two end together by it.
    pub(super) fn leave_leader(
        &self,
        seq: JobSeq,
        leader: JobSeq,
        end: &End<'_>,
    ) -> Result<Option<SpanContext>, StoreError> {
        let with_leader = matches!(end.state, JobState::Completed | JobState::Failed);
        let mut statement = self.transaction.prepare_cached(
            "UPDATE job SET follows = NULL, coalesced = ?2,
                            (started_at, attempts, lane, provider, model) =
                                (SELECT max(lead.started_at, job.created_at), lead.attempts, lead.lane,
                                        lead.provider, lead.model
                                 FROM job AS lead WHERE lead.seq = job.follows)
             WHERE seq = ?1",
        )?;
        statement.execute(params![seq, with_leader])?;
        drop(statement);
        let leader = if with_leader { self.live_job(leader)? } else { None };
        let shared = leader.filter(|leader| leader.run > 0);
        Ok(shared.map(|leader| leader.origin.context.child(Purpose::Call(leader.run))))
    }

    /// Whether a call runs for this job: its own, or the one that it shares.
    pub(super) fn is_under_way(&self, job: &Live) -> Result<bool, StoreError> {
        let Some(leader) = job.follows else { return Ok(job.state == JobState::Processing) };
        Ok(self.live_job(leader)?.is_some_and(|leader| leader.state == JobState::Processing))
    }

    /// See [`expire_followers`](crate::store::Commands::expire_followers).
    pub(super) fn expire_due_followers(&mut self, due: &[JobSeq], at: Timestamp) -> Result<u32, StoreError> {
        let mut expired = 0;
        for seq in due {
            let Some(job) = self.live_job(*seq)?.filter(|job| job.follows.is_some()) else { continue };
            let return_unit = !self.is_under_way(&job)?;
            self.end(&job, &End { state: JobState::Expired, outcome: None, return_unit, at })?;
            expired += 1;
        }
        Ok(expired)
    }

    /// What follows a job, oldest first.
    fn followers_of(&self, leader: JobSeq) -> Result<Vec<JobSeq>, StoreError> {
        let mut statement =
            self.transaction.prepare_cached("SELECT seq FROM job WHERE follows = ?1 ORDER BY seq")?;
        let followers = statement.query_map(params![leader], |row| row.get(0))?;
        Ok(followers.collect::<Result<_, _>>()?)
    }
}
