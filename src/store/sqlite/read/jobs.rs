//! Jobs, one and by the page.

use rusqlite::{Connection, OptionalExtension, params};

use crate::domain::job::JobRecord;
use crate::domain::{Brief, JobId, JobState, UserId};
use crate::store::StoreError;
use crate::store::reads::JobQuery;
use crate::store::sqlite::rows::{self, Json, RECORD_SELECT};

/// Live jobs handed to one watcher.
const LIVE_MAX: i64 = 1000;

pub(super) fn job(connection: &Connection, id: JobId) -> Result<Option<JobRecord>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("{RECORD_SELECT} WHERE job.id = ?1"))?;
    Ok(statement.query_row(params![id], rows::record).optional()?)
}

pub(super) fn page(connection: &Connection, query: &JobQuery) -> Result<Vec<JobRecord>, StoreError> {
    let mut filter = String::from(" WHERE job.seq < ?1");
    if query.user.is_some() {
        filter.push_str(" AND job.user_id = ?2");
    }
    filter.push_str(match query.state {
        None => "",
        // The literals let the partial indexes of waiting and running jobs serve.
        Some(JobState::Queued) => " AND job.state = 0 AND (job.follows IS NULL OR lead.state = 0)",
        Some(JobState::Processing) => {
            " AND job.seq IN (SELECT seq FROM job WHERE state = 1
                              UNION ALL SELECT follower.seq FROM job AS runs
                              JOIN job AS follower ON follower.follows = runs.seq WHERE runs.state = 1)"
        }
        Some(JobState::Completed) => " AND job.state = 2",
        Some(JobState::Failed) => " AND job.state = 3",
        Some(JobState::Cancelled) => " AND job.state = 4",
        Some(JobState::Expired) => " AND job.state = 5",
    });
    let mut statement = connection
        .prepare_cached(&format!("{RECORD_SELECT}{filter} AND ?2 IS ?2 ORDER BY job.seq DESC LIMIT ?3"))?;
    let before = query.before.map_or(i64::MAX, |seq| seq.0);
    let found = statement.query_map(params![before, query.user, query.limit], rows::record)?;
    Ok(found.collect::<Result<_, _>>()?)
}

pub(super) fn live(connection: &Connection, user: UserId) -> Result<Vec<JobRecord>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "{RECORD_SELECT} WHERE job.user_id = ?1 AND job.state IN (0, 1) ORDER BY job.seq LIMIT ?2"
    ))?;
    let found = statement.query_map(params![user, LIVE_MAX], rows::record)?;
    Ok(found.collect::<Result<_, _>>()?)
}

pub(super) fn brief(connection: &Connection, id: JobId) -> Result<Option<Brief>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT body.brief FROM job JOIN job_body AS body ON body.job_seq = job.seq WHERE job.id = ?1",
    )?;
    let brief = statement.query_row(params![id], |row| row.get::<_, Json<Brief>>(0)).optional()?;
    Ok(brief.map(|Json(brief)| brief))
}
