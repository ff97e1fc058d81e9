//! Everybody's requests, newest first, by any filter.
//!
//! What an index orders is found by it; the rest is told row by row, of at most so many rows a
//! page: a page is quick whatever is sought, and the next goes on where it stopped.

use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};

use crate::domain::{Failure, JobId, JobSeq, JobState, Timestamp, UserId};
use crate::store::StoreError;
use crate::store::inspection::{CallMade, Listed, ListedJob, Sought};
use crate::store::sqlite::rows::{self, Json};

/// Rows looked at for one page.
const LOOKED_AT_MAX: u32 = 20_000;
/// Requests whose ids begin alike.
const ALIKE_MAX: u32 = 1_000;
/// Calls of one request that are told.
const CALLS_MAX: u32 = 200;
/// Users whose names begin alike.
const NAMES_MAX: u32 = 1_000;

/// What the filters look at. A job that shares another one's call is shown as that one stands.
const LOOK: &str = "SELECT seq,
        CASE WHEN follows IS NULL THEN state ELSE (SELECT lead.state FROM job AS lead WHERE lead.seq = job.follows) END,
        tier, diagram_type,
        CASE WHEN follows IS NULL THEN model ELSE (SELECT lead.model FROM job AS lead WHERE lead.seq = job.follows) END,
        user_id, created_at FROM job";

pub(super) fn page(connection: &Connection, sought: &Sought) -> Result<Listed, StoreError> {
    let (found, next) = match &sought.ids {
        Some((first, last)) => {
            let mut statement = connection
                .prepare_cached(&format!("{LOOK} WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3"))?;
            let mut rows = statement.query(params![first, last, ALIKE_MAX])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                if fits(row, sought)? {
                    found.push(row.get(0)?);
                }
            }
            found.sort_unstable_by(|one: &JobSeq, other| other.cmp(one));
            found.retain(|seq| sought.before.is_none_or(|before| *seq < before));
            let is_more = found.len() > sought.limit as usize;
            found.truncate(sought.limit as usize);
            let next = found.last().copied().filter(|_| is_more);
            (found, next)
        }
        None => search(connection, sought)?,
    };
    let jobs = found.into_iter().map(|seq| listed(connection, seq)).collect::<Result<_, _>>()?;
    Ok(Listed { jobs, next })
}

/// The jobs of one page, and where the next begins.
fn search(connection: &Connection, sought: &Sought) -> Result<(Vec<JobSeq>, Option<JobSeq>), StoreError> {
    let Some((first, before)) = bounds(connection, sought.from, sought.to)? else {
        return Ok((Vec::new(), None));
    };
    let before = sought.before.map_or(before, |cursor| cursor.min(before));
    let only_user = match sought.users.as_deref() {
        Some([]) => return Ok((Vec::new(), None)),
        Some([user]) => Some(*user),
        Some(_) | None => None,
    };
    // An index's own words must stand in the question, or it is not taken.
    let (index, more) = match (only_user, sought.state) {
        (Some(_), _) => ("INDEXED BY job_user", "AND user_id = ?3"),
        (None, Some(JobState::Queued)) => ("INDEXED BY job_queued", "AND state = 0"),
        // Those that run, and those that share their calls.
        (None, Some(JobState::Processing)) => (
            "NOT INDEXED",
            "AND seq IN (SELECT runs.seq FROM job AS runs WHERE runs.state = 1
                         UNION ALL SELECT follower.seq FROM job AS runs
                         JOIN job AS follower ON follower.follows = runs.seq WHERE runs.state = 1)",
        ),
        (None, Some(JobState::Failed)) => {
            ("INDEXED BY job_unsuccessful", "AND state IN (3, 4, 5) AND state = 3")
        }
        (None, Some(JobState::Cancelled)) => {
            ("INDEXED BY job_unsuccessful", "AND state IN (3, 4, 5) AND state = 4")
        }
        (None, Some(JobState::Expired)) => {
            ("INDEXED BY job_unsuccessful", "AND state IN (3, 4, 5) AND state = 5")
        }
        (None, Some(JobState::Completed) | None) => ("NOT INDEXED", ""),
    };
    let mut statement = connection
        .prepare_cached(&format!("{LOOK} {index} WHERE seq >= ?1 AND seq < ?2 {more} ORDER BY seq DESC"))?;
    let mut bound: Vec<&dyn ToSql> = vec![&first, &before];
    if let Some(user) = &only_user {
        bound.push(user);
    }
    let mut rows = statement.query(bound.as_slice())?;
    let (mut found, mut looked_at) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let seq: JobSeq = row.get(0)?;
        if found.len() >= sought.limit as usize || looked_at >= LOOKED_AT_MAX {
            return Ok((found, Some(JobSeq(seq.0 + 1))));
        }
        looked_at += 1;
        if fits(row, sought)? {
            found.push(seq);
        }
    }
    Ok((found, None))
}

/// The first job accepted in a span of time, and one behind the last; `None` when there is none. Times
/// follow the order of acceptance, but for a clock that was set back: each row's own is looked
/// at besides.
pub(super) fn bounds(
    connection: &Connection,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
) -> Result<Option<(JobSeq, JobSeq)>, StoreError> {
    let seq = |sql: &str, at: Timestamp| -> Result<Option<JobSeq>, StoreError> {
        let mut statement = connection.prepare_cached(sql)?;
        Ok(statement.query_row(params![at], |row| row.get(0))?)
    };
    let mut first = JobSeq(0);
    let mut before = JobSeq(i64::MAX);
    if let Some(from) = from {
        let sql = "SELECT (SELECT seq FROM job WHERE created_at >= ?1 ORDER BY created_at, seq LIMIT 1)";
        let Some(found) = seq(sql, from)? else { return Ok(None) };
        first = found;
    }
    if let Some(to) = to {
        let sql =
            "SELECT (SELECT seq FROM job WHERE created_at < ?1 ORDER BY created_at DESC, seq DESC LIMIT 1)";
        let Some(found) = seq(sql, to)? else { return Ok(None) };
        before = JobSeq(found.0 + 1);
    }
    Ok(Some((first, before)))
}

/// Whether a row of [`LOOK`] is meant.
fn fits(row: &Row<'_>, sought: &Sought) -> rusqlite::Result<bool> {
    let created_at: Timestamp = row.get(6)?;
    if sought.from.is_some_and(|from| created_at < from) || sought.to.is_some_and(|to| created_at >= to) {
        return Ok(false);
    }
    if let Some(state) = sought.state
        && row.get::<_, JobState>(1)? != state
    {
        return Ok(false);
    }
    if let Some(users) = &sought.users
        && !users.contains(&row.get::<_, UserId>(5)?)
    {
        return Ok(false);
    }
    let is_text = |index, wanted: &str| -> rusqlite::Result<bool> {
        Ok(row.get_ref(index)?.as_str_or_null()?.is_some_and(|text| text == wanted))
    };
    if let Some(tier) = sought.tier
        && !is_text(2, tier.name())?
    {
        return Ok(false);
    }
    if let Some(diagram_type) = sought.diagram_type
        && !is_text(3, diagram_type.name())?
    {
        return Ok(false);
    }
    match &sought.model {
        Some(model) => is_text(4, model),
        None => Ok(true),
    }
}

fn listed(connection: &Connection, seq: JobSeq) -> Result<ListedJob, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT job.id, user.name, job.tier, coalesce(lead.state, job.state) AS state, job.diagram_type,
                coalesce(lead.model, job.model) AS model, job.created_at,
                coalesce(max(lead.started_at, job.created_at), job.started_at) AS started_at, job.ended_at,
                coalesce(lead.attempts, job.attempts) AS attempts, job.cached, job.input, job.output,
                job.cache_read, job.cache_write, job.cost, result.title, result.failure
         FROM job JOIN user ON user.id = job.user_id LEFT JOIN job_result AS result ON result.job_seq = job.seq
         LEFT JOIN job AS lead ON lead.seq = job.follows
         WHERE job.seq = ?1",
    )?;
    let read = |row: &Row<'_>| {
        let failure: Option<Json<Failure>> = row.get("failure")?;
        Ok(ListedJob {
            seq,
            id: row.get("id")?,
            user: row.get("name")?,
            tier: row.get("tier")?,
            state: row.get("state")?,
            diagram_type: row.get("diagram_type")?,
            model: row.get("model")?,
            created_at: row.get("created_at")?,
            started_at: row.get("started_at")?,
            completed_at: row.get("ended_at")?,
            attempts: row.get("attempts")?,
            cached: row.get("cached")?,
            tokens: rows::tokens(row)?,
            cost: row.get("cost")?,
            title: row.get("title")?,
            failure: failure.map(|Json(failure)| failure.code),
        })
    };
    Ok(statement.query_row(params![seq], read)?)
}

pub(super) fn listed_all(connection: &Connection, jobs: &[JobId]) -> Result<Vec<ListedJob>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT seq FROM job WHERE id = ?1")?;
    let mut all = Vec::with_capacity(jobs.len());
    for id in jobs {
        if let Some(seq) = statement.query_row(params![id], |row| row.get(0)).optional()? {
            all.push(listed(connection, seq)?);
        }
    }
    Ok(all)
}

pub(super) fn calls(connection: &Connection, seq: JobSeq) -> Result<Vec<CallMade>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT run, lane, model, repair, claimed_at, sent_at, ended_at, input, output, cache_read, cache_write,
                cost, estimated, lost
         FROM attempt WHERE job_seq = ?1 ORDER BY run LIMIT ?2",
    )?;
    let read = |row: &Row<'_>| {
        Ok(CallMade {
            run: row.get("run")?,
            lane: row.get("lane")?,
            model: row.get("model")?,
            repair: row.get("repair")?,
            claimed_at: row.get("claimed_at")?,
            sent_at: row.get("sent_at")?,
            ended_at: row.get("ended_at")?,
            bill: rows::bill(row)?,
            lost: row.get("lost")?,
        })
    };
    let found = statement.query_map(params![seq, CALLS_MAX], read)?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Users whose names begin so.
pub(super) fn users_named(connection: &Connection, beginning: &str) -> Result<Vec<UserId>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT id FROM user WHERE name >= ?1 AND name < ?2 ORDER BY name LIMIT ?3")?;
    // No name holds the last code point.
    let behind = format!("{beginning}{}", char::MAX);
    let found = statement.query_map(params![beginning, behind, NAMES_MAX], |row| row.get(0))?;
    Ok(found.collect::<Result<_, _>>()?)
}
