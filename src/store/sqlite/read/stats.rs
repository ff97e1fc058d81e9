//! Statistics: a recount of the jobs themselves, so that they are exact at any instant.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use crate::domain::{JobState, Money, Timestamp};
use crate::store::StoreError;
use crate::store::reads::{Figures, GroupBy, Percentiles, Stats};

/// Groups of one answer; more are an error of the question.
const GROUPS_MAX: usize = 10_000;

/// A group while its jobs are counted.
#[derive(Default)]
struct Counting {
    figures: Figures,
    waits: Vec<u64>,
    services: Vec<u64>,
}

/// What is counted of a job.
struct Counted {
    state: JobState,
    cached: bool,
    repaired: bool,
    /// Calls beyond the first one and the repairs.
    retries: u64,
    input: u64,
    output: u64,
    cost: Money,
    saved: Money,
    wait: Option<u64>,
    service: Option<u64>,
}

pub(super) fn stats(
    connection: &Connection,
    from: Timestamp,
    to: Timestamp,
    group_by: GroupBy,
) -> Result<Stats, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT job.created_at, user.name, job.tier, coalesce(job.model, ''), job.diagram_type, job.state,
                job.cached, job.repaired, job.calls, job.input + job.cache_read + job.cache_write, job.output,
                job.cost, job.started_at, job.ended_at, job.repairs, job.saved
         FROM job JOIN user ON user.id = job.user_id
         WHERE job.created_at >= ?1 AND job.created_at < ?2",
    )?;
    let mut rows = statement.query(params![from, to])?;
    let mut total = Counting::default();
    let mut groups: BTreeMap<String, Counting> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let created: Timestamp = row.get(0)?;
        let key = match group_by {
            GroupBy::Hour => created.hour().to_string(),
            GroupBy::Day => created.day().to_string(),
            GroupBy::User => row.get(1)?,
            GroupBy::Tier => row.get(2)?,
            GroupBy::Model => row.get(3)?,
            GroupBy::DiagramType => row.get(4)?,
        };
        let count = |index| row.get::<_, i64>(index).map(|count| u64::try_from(count).unwrap_or(0));
        let started: Option<Timestamp> = row.get(12)?;
        let ended: Option<Timestamp> = row.get(13)?;
        let span =
            |from: Timestamp, to: Timestamp| u64::try_from(to.since(from).as_millis()).unwrap_or(u64::MAX);
        let job = Counted {
            state: row.get(5)?,
            cached: row.get(6)?,
            repaired: row.get(7)?,
            retries: count(8)?.saturating_sub(1).saturating_sub(count(14)?),
            input: count(9)?,
            output: count(10)?,
            cost: row.get(11)?,
            saved: row.get(15)?,
            wait: started.map(|started| span(created, started)),
            service: started.zip(ended).map(|(started, ended)| span(started, ended)),
        };
        total.add(&job);
        if groups.len() >= GROUPS_MAX && !groups.contains_key(&key) {
            return Err(StoreError::Failed(format!("more than {GROUPS_MAX} groups; ask for a shorter span")));
        }
        groups.entry(key).or_default().add(&job);
    }
    Ok(Stats {
        totals: total.finish(),
        groups: groups.into_iter().map(|(key, counting)| (key, counting.finish())).collect(),
    })
}

impl Counting {
    fn add(&mut self, job: &Counted) {
        let figures = &mut self.figures;
        figures.submitted += 1;
        match job.state {
            JobState::Completed => figures.completed += 1,
            JobState::Failed => figures.failed += 1,
            JobState::Cancelled => figures.cancelled += 1,
            JobState::Expired => figures.expired += 1,
            JobState::Queued | JobState::Processing => {}
        }
        figures.cache_hits += u64::from(job.cached);
        figures.repaired += u64::from(job.repaired);
        figures.retries += job.retries;
        figures.input_tokens += job.input;
        figures.output_tokens += job.output;
        figures.cost_usd += job.cost;
        figures.saved_usd += job.saved;
        self.waits.extend(job.wait);
        self.services.extend(job.service);
    }

    fn finish(mut self) -> Figures {
        self.figures.wait_ms = percentiles(&mut self.waits);
        self.figures.service_ms = percentiles(&mut self.services);
        self.figures
    }
}

fn percentiles(samples: &mut [u64]) -> Percentiles {
    samples.sort_unstable();
    let rank = |percent: usize| {
        let nearest = (samples.len() * percent).div_ceil(100);
        nearest.checked_sub(1).and_then(|index| samples.get(index).copied())
    };
    Percentiles { p50: rank(50), p95: rank(95), p99: rank(99) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_the_nearest_rank() {
        let mut samples: Vec<u64> = (1..=100).rev().collect();
        assert_eq!(percentiles(&mut samples), Percentiles { p50: Some(50), p95: Some(95), p99: Some(99) });
        assert_eq!(percentiles(&mut [7]), Percentiles { p50: Some(7), p95: Some(7), p99: Some(7) });
        assert_eq!(percentiles(&mut []), Percentiles::default());
    }
}
