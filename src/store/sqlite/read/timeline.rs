//! Figures over time, split by one thing: what the operator's plots show.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use crate::domain::{Money, Timestamp};
use crate::store::StoreError;
use crate::store::inspection::{Slot, SplitBy, Timeline};

use super::listing::bounds;

/// Series of one answer; those with the fewest requests are told as one.
const SERIES_MAX: usize = 12;
/// Their name together.
const OTHERS: &str = "others";

type Series = HashMap<Timestamp, Slot>;

pub(super) fn timeline(
    connection: &Connection,
    from: Timestamp,
    to: Timestamp,
    step_ms: i64,
    by: SplitBy,
) -> Result<Timeline, StoreError> {
    let Some((first, before)) = bounds(connection, Some(from), Some(to))? else {
        return Ok(Timeline::default());
    };
    let (key, name) = match by {
        SplitBy::User => ("user_id", "(SELECT name FROM user WHERE id = key)"),
        SplitBy::Tier => ("tier", "key"),
        SplitBy::Model => ("coalesce(model, '')", "key"),
        SplitBy::DiagramType => ("diagram_type", "key"),
    };
    // In the table's own order: row by row from an index takes twice as long.
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {name}, grouped.* FROM
            (SELECT created_at / ?3 * ?3, count(*), sum(state = 2), sum(state = 3), sum(cached),
                    sum(input + cache_read + cache_write), sum(output), sum(cost), sum(saved), {key} AS key
             FROM job NOT INDEXED
             WHERE seq >= ?4 AND seq < ?5 AND created_at >= ?1 AND created_at < ?2
             GROUP BY 10, 1) AS grouped"
    ))?;
    let mut rows = statement.query(params![from, to, step_ms, first, before])?;
    let mut all: HashMap<String, Series> = HashMap::new();
    while let Some(row) = rows.next()? {
        let count = |index| row.get::<_, i64>(index).map(|count| u64::try_from(count).unwrap_or(0));
        let slot = Slot {
            submitted: count(2)?,
            completed: count(3)?,
            failed: count(4)?,
            cache_hits: count(5)?,
            input_tokens: count(6)?,
            output_tokens: count(7)?,
            cost: row.get(8)?,
            saved: row.get(9)?,
        };
        all.entry(row.get(0)?).or_default().insert(row.get(1)?, slot);
    }
    Ok(Timeline { series: largest(all) })
}

/// The series with the most requests, largest first; the rest as one behind them.
fn largest(all: HashMap<String, Series>) -> Vec<(String, Vec<(Timestamp, Slot)>)> {
    let size = |series: &Series| series.values().map(|slot| slot.submitted).sum::<u64>();
    let mut ordered: Vec<(String, Series)> = all.into_iter().collect();
    ordered.sort_by(|(one_name, one), (other_name, other)| {
        size(other).cmp(&size(one)).then_with(|| one_name.cmp(other_name))
    });
    if ordered.len() > SERIES_MAX {
        let mut others = Series::new();
        for (_, series) in ordered.split_off(SERIES_MAX - 1) {
            for (at, slot) in series {
                others.entry(at).or_default().add(&slot);
            }
        }
        ordered.push((OTHERS.to_owned(), others));
    }
    let sorted = |(name, series): (String, Series)| {
        let mut slots: Vec<_> = series.into_iter().collect();
        slots.sort_unstable_by_key(|(at, _)| *at);
        (name, slots)
    };
    ordered.into_iter().map(sorted).collect()
}

impl Slot {
    fn add(&mut self, other: &Self) {
        self.submitted += other.submitted;
        self.completed += other.completed;
        self.failed += other.failed;
        self.cache_hits += other.cache_hits;
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.cost = Money(self.cost.0.saturating_add(other.cost.0));
        self.saved = Money(self.saved.0.saturating_add(other.saved.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_series_are_told_together_and_nothing_is_lost() {
        let slot = |submitted| Slot { submitted, cost: Money(1), ..Slot::default() };
        let all = (1..=20).map(|n| (format!("{n:02}"), Series::from([(Timestamp(0), slot(n))]))).collect();
        let series = largest(all);
        assert_eq!((series.len(), series[0].0.as_str()), (SERIES_MAX, "20"));
        let (name, slots) = series.last().unwrap();
        assert_eq!((name.as_str(), slots[0].1.submitted, slots[0].1.cost), (OTHERS, 45, Money(9)));
    }
}
