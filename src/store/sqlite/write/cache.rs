//! The cache of answers: each is the result of the job that brought it. Looked up in the submit's
//! own transaction, filled in the settlement's, and never above its bounds once either commits.

use rusqlite::{OptionalExtension, params};

use crate::domain::{Change, JobSeq, JobState, Money, NewJob, Timestamp, ValidationStatus};
use crate::store::StoreError;
use crate::store::sqlite::rows::signed;

use super::Batch;
use super::end::{End, Live};

/// What an answer takes besides its texts: its rows and their places in indexes, in bytes.
const OVERHEAD_BYTES: u64 = 256;
/// Answers that make room for one other at most.
const EVICTED_AT_ONCE: u32 = 64;

impl Batch<'_> {
    /// The job whose result answers `job`, and what it had cost: kept since `since`, and equal.
    pub(super) fn cached(
        &self,
        job: &NewJob,
        since: Option<Timestamp>,
    ) -> Result<Option<(JobSeq, Money)>, StoreError> {
        let (Some(key), Some(since)) = (&job.cache_key, since) else { return Ok(None) };
        let mut statement = self.transaction.prepare_cached(
            "SELECT job.seq, job.cost FROM cache JOIN job ON job.seq = cache.job_seq
             WHERE cache.key = ?1 AND cache.created_at > ?2",
        )?;
        let found = statement.query_row(params![key.as_slice(), since], |row| Ok((row.get(0)?, row.get(1)?)));
        Ok(found.optional()?)
    }

    /// Stores a job that is over as it is accepted, with the result of `kept`.
    pub(super) fn insert_answered(
        &mut self,
        job: &NewJob,
        kept: JobSeq,
        saved: Money,
    ) -> Result<JobSeq, StoreError> {
        let seq = self.insert(job, JobState::Completed, None)?;
        let mut statement = self.transaction.prepare_cached(
            "UPDATE job SET cached = 1, saved = ?3, ended_at = created_at,
                            (provider, model, repaired) = (SELECT provider, model, repaired FROM job WHERE seq = ?2)
             WHERE seq = ?1",
        )?;
        statement.execute(params![seq, kept, saved])?;
        let mut statement = self.transaction.prepare_cached(
            "INSERT INTO job_result (job_seq, source, title, validation)
             SELECT ?1, source, title, validation FROM job_result WHERE job_seq = ?2",
        )?;
        statement.execute(params![seq, kept])?;
        drop(statement);
        self.add_saved(job.user, saved, job.created_at)?;
        let record = Box::new(self.record(job.id)?);
        self.tell(&record)?;
        self.changes.push(Change::Answered(record));
        Ok(seq)
    }

    /// Keeps the result of a job that completes, if it may serve others; what is oldest makes room.
    /// `bytes_max` bounds all that is kept.
    pub(super) fn keep(&mut self, job: &Live, end: &End<'_>, bytes_max: u64) -> Result<(), StoreError> {
        let Some((source, validation)) =
            end.outcome.and_then(|outcome| outcome.source.as_ref().zip(outcome.validation.as_ref()))
        else {
            return Ok(());
        };
        // What nothing has checked may not parse, and may be checked the next time.
        if !matches!(validation.status, ValidationStatus::Valid | ValidationStatus::Repaired) {
            return Ok(());
        }
        let mut statement = self.transaction.prepare_cached("SELECT cache_key FROM job WHERE seq = ?1")?;
        let Some(key) = statement.query_row(params![job.seq], |row| row.get::<_, Option<[u8; 32]>>(0))?
        else {
            return Ok(());
        };
        drop(statement);
        let title = end.outcome.and_then(|outcome| outcome.title.as_ref()).map_or(0, String::len);
        let mends: usize = validation.mends.iter().map(String::len).sum();
        let texts = u64::try_from(source.len() + title + mends).unwrap_or(u64::MAX);
        let bytes = texts.saturating_add(OVERHEAD_BYTES);
        // An older answer to the same request is replaced, as is one of an earlier run.
        self.transaction
            .prepare_cached("DELETE FROM cache WHERE key = ?1 OR job_seq = ?2")?
            .execute(params![key.as_slice(), job.seq])?;
        if bytes > bytes_max {
            return Ok(());
        }
        let room = bytes_max - bytes;
        for _ in 0..EVICTED_AT_ONCE {
            if self.cache_bytes()? <= room {
                break;
            }
            self.transaction
                .prepare_cached("DELETE FROM cache WHERE id = (SELECT min(id) FROM cache)")?
                .execute([])?;
        }
        if self.cache_bytes()? <= room {
            self.transaction
                .prepare_cached(
                    "INSERT INTO cache (key, job_seq, bytes, created_at) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![key.as_slice(), job.seq, signed(bytes), end.at])?;
        }
        Ok(())
    }

    /// Forgets at most `limit` answers that were kept until `before`, or that are too many for
    /// `bytes_max`, oldest first. Returns how many.
    pub(super) fn trim(&mut self, before: Timestamp, bytes_max: u64, limit: u32) -> Result<u32, StoreError> {
        let mut forgotten = 0;
        while forgotten < limit {
            let is_over = self.cache_bytes()? > bytes_max;
            let deleted = self
                .transaction
                .prepare_cached(
                    "DELETE FROM cache WHERE id = (SELECT min(id) FROM cache) AND (?1 OR created_at <= ?2)",
                )?
                .execute(params![is_over, before])?;
            if deleted == 0 {
                break;
            }
            forgotten += 1;
        }
        Ok(forgotten)
    }

    fn cache_bytes(&self) -> Result<u64, StoreError> {
        let mut statement =
            self.transaction.prepare_cached("SELECT value FROM setting WHERE name = 'cache_bytes'")?;
        let bytes: i64 = statement.query_row([], |row| row.get(0))?;
        Ok(u64::try_from(bytes).unwrap_or(0))
    }
}
