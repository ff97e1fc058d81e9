//! Recovery at start, an operator's retry and pause.

use rusqlite::params;

use crate::domain::job::JobRecord;
use crate::domain::{Change, JobId, JobState, Timestamp};
use crate::store::StoreError;
use crate::store::commands::Recovered;
use crate::store::sqlite::rows::{self, QUEUED_COLUMNS};

use super::Batch;

impl Batch<'_> {
    pub(super) fn recover_all(&mut self, at: Timestamp) -> Result<Recovered, StoreError> {
        // When a lost call was sent nobody knows: it counts upstream from now on, at what was
        // held for it. Its cost is unknown; what is known of it is that it is an estimate.
        self.transaction.execute(
            "UPDATE job SET estimated = 1, calls = calls + 1
             WHERE seq IN (SELECT job_seq FROM attempt WHERE ended_at IS NULL)",
            [],
        )?;
        self.transaction.execute(
            "UPDATE attempt SET sent_at = ?1, ended_at = ?1, lost = 1, estimated = 1 WHERE ended_at IS NULL",
            params![at],
        )?;
        self.transaction.execute(
            "UPDATE job SET repairs = (SELECT count(DISTINCT repair) FROM attempt
                                       WHERE job_seq = seq AND repair > 0 AND sent_at IS NOT NULL)
             WHERE seq IN (SELECT job_seq FROM attempt WHERE ended_at = ?1 AND lost = 1 AND repair > 0)",
            params![at],
        )?;
        let mut statement = self.transaction.prepare("SELECT DISTINCT user_id FROM job WHERE state = 1")?;
        let users = statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<_>, _>>()?;
        for user in users {
            let count: i64 = self.transaction.query_row(
                "SELECT count(*) FROM job WHERE user_id = ?1 AND state IN (0, 1) AND state = 1",
                params![user],
                |row| row.get(0),
            )?;
            for _ in 0..count {
                self.moved(user, Some(JobState::Processing), JobState::Queued);
            }
        }
        let mut statement =
            self.transaction.prepare("UPDATE job SET state = 0 WHERE state = 1 RETURNING seq")?;
        let mut requeued = statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<_>, _>>()?;
        requeued.sort_unstable();
        Ok(Recovered { requeued })
    }

    pub(super) fn retry_failed_job(
        &mut self,
        id: JobId,
        at: Timestamp,
    ) -> Result<Option<JobRecord>, StoreError> {
        let Some(job) = self.seq_of(id)?.map(|seq| self.live_job(seq)).transpose()?.flatten() else {
            return Ok(None);
        };
        if job.state != JobState::Failed {
            return Ok(None);
        }
        self.transaction.execute(
            "UPDATE job SET state = 0, strikes = 0, retry_at = NULL, ended_at = NULL, coalesced = 0,
                            deadline_at = CASE WHEN deadline_at <= ?2 THEN NULL ELSE deadline_at END
             WHERE seq = ?1 AND state = 3",
            params![job.seq, at],
        )?;
        self.transaction.execute("DELETE FROM job_result WHERE job_seq = ?1", params![job.seq])?;
        self.hold(job.user, job.reserved)?;
        self.moved(job.user, None, JobState::Queued);
        let queued = self.transaction.query_row(
            &format!("SELECT {QUEUED_COLUMNS} FROM job WHERE seq = ?1"),
            params![job.seq],
            rows::queued_job,
        )?;
        self.changes.push(Change::Queued(queued));
        self.record(id).map(Some)
    }

    pub(super) fn pause(&mut self, paused: bool) -> Result<(), StoreError> {
        self.transaction
            .execute("UPDATE setting SET value = ?1 WHERE name = 'paused'", params![i64::from(paused)])?;
        self.changes.push(Change::Paused(paused));
        Ok(())
    }

    pub(super) fn beat(&mut self, at: Timestamp) -> Result<(), StoreError> {
        self.transaction.execute(
            "INSERT INTO setting (name, value) VALUES ('heartbeat', ?1)
             ON CONFLICT DO UPDATE SET value = excluded.value",
            params![at],
        )?;
        Ok(())
    }
}
