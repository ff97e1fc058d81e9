//! The figures of the API, counted again in the database itself: from the rows of requests and from
//! the ledger of their calls, never from the sums that the server keeps.

use std::collections::BTreeMap;

use diagramd::domain::{Money, Timestamp};
use rusqlite::{Connection, OpenFlags, params};
use serde_json::{Value, json};

use crate::server::Server;

/// The server's database, read from outside.
pub struct Books(pub Connection);

/// What is counted of one job, from its row and from the ledger of its calls.
struct Entry {
    key: String,
    state: i64,
    cached: i64,
    repaired: i64,
    calls: i64,
    repairs: i64,
    input: i64,
    output: i64,
    cost: i64,
    wait: Option<i64>,
    service: Option<i64>,
    saved: i64,
}

/// What a cached request would have cost: the calls of the last one before it that was equal,
/// brought a diagram that may be kept, and made its calls itself. One that ended while the request
/// was on its way to the writer, after the instant that counts as its acceptance, may be it too.
const SAVED: &str = "CASE WHEN job.cached = 0 THEN 0 ELSE (
    SELECT (SELECT sum(cost) FROM attempt WHERE job_seq = made.seq) FROM job AS made
    JOIN job_result ON job_result.job_seq = made.seq
    WHERE made.cache_key = job.cache_key AND made.cached = 0 AND made.coalesced = 0 AND made.state = 2 AND made.seq < job.seq
      AND json_extract(validation, '$.status') <> 'invalid'
    ORDER BY made.ended_at > job.created_at, abs(made.ended_at - job.created_at), made.seq DESC LIMIT 1) END";

impl Books {
    pub fn of(server: &Server) -> Self {
        let path = server.dir.path().join("data/diagramd.db");
        Self(Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap())
    }

    /// Moves with every commit of the server.
    pub fn version(&self) -> i64 {
        self.0.pragma_query_value(None, "data_version", |row| row.get(0)).unwrap()
    }

    /// Requests that share the call of one that has ended, or that shares another's itself: none.
    pub fn astray(&self) -> i64 {
        let astray = "SELECT count(*) FROM job AS follower LEFT JOIN job AS lead ON lead.seq = follower.follows
            WHERE follower.follows IS NOT NULL AND NOT (follower.state = 0 AND lead.state IN (0, 1)
              AND lead.follows IS NULL AND lead.cache_key = follower.cache_key AND lead.tier = follower.tier)";
        self.0.query_row(astray, [], |row| row.get(0)).unwrap()
    }

    fn entries(&self, group_by: &str) -> Vec<Entry> {
        let key = match group_by {
            "hour" => "strftime('%Y-%m-%dT%H:00:00.000Z', job.created_at / 1000, 'unixepoch')",
            "day" => "strftime('%Y-%m-%dT00:00:00.000Z', job.created_at / 1000, 'unixepoch')",
            "user" => "(SELECT name FROM user WHERE user.id = job.user_id)",
            "tier" => "job.tier",
            "model" => "coalesce(job.model, '')",
            "diagramType" => "job.diagram_type",
            other => panic!("{other} is no group"),
        };
        let ended = "FROM attempt WHERE job_seq = job.seq AND ended_at IS NOT NULL";
        let mut statement = self
            .0
            .prepare(&format!(
                "SELECT {key}, state, cached,
                        coalesce((SELECT json_extract(validation, '$.status') = 'repaired' FROM job_result
                                  WHERE job_seq = job.seq), 0),
                        (SELECT count(*) {ended} AND sent_at IS NOT NULL),
                        (SELECT count(DISTINCT repair) {ended} AND sent_at IS NOT NULL AND repair > 0),
                        (SELECT coalesce(sum(input + cache_read + cache_write), 0) {ended}),
                        (SELECT coalesce(sum(output), 0) {ended}),
                        (SELECT coalesce(sum(cost), 0) {ended}),
                        started_at - created_at, ended_at - started_at, {SAVED}
                 FROM job"
            ))
            .unwrap();
        let entry = |row: &rusqlite::Row<'_>| {
            Ok(Entry {
                key: row.get(0)?,
                state: row.get(1)?,
                cached: row.get(2)?,
                repaired: row.get(3)?,
                calls: row.get(4)?,
                repairs: row.get(5)?,
                input: row.get(6)?,
                output: row.get(7)?,
                cost: row.get(8)?,
                wait: row.get(9)?,
                service: row.get(10)?,
                saved: row.get(11)?,
            })
        };
        statement.query_map([], entry).unwrap().map(Result::unwrap).collect()
    }

    /// `totals` and `groups` as the contract says they are.
    pub fn recount(&self, group_by: &str) -> (Value, Value) {
        let mut groups: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        for entry in self.entries(group_by) {
            groups.entry(entry.key.clone()).or_default().push(entry);
        }
        let listed = groups.iter().map(|(key, entries)| {
            let mut group = figures(entries.iter());
            group["key"] = json!(key);
            group
        });
        let listed: Vec<Value> = listed.collect();
        (figures(groups.values().flatten()), Value::Array(listed))
    }

    /// `hour.used`, `day.used`, running, queued, tokens and cost of a user, from its jobs and
    /// calls; `hour` is the current hour's first instant.
    pub fn usage(&self, user: &str, hour: Timestamp) -> Value {
        // All of it is of one instant, whatever the server commits meanwhile.
        let _snapshot = self.0.unchecked_transaction().unwrap();
        let id: i64 =
            self.0.query_row("SELECT id FROM user WHERE name = ?1", [user], |row| row.get(0)).unwrap();
        // A unit goes back when the request never ran, was not sent before its deadline, failed
        // through no fault of its user, or brought a diagram that does not parse. One that shared a
        // call ran when that call did, and never was in a run of its own.
        let charged = "user_id = ?1 AND created_at >= ?2 AND NOT ((state = 4 AND started_at IS NULL)
            OR (state = 5 AND NOT EXISTS (SELECT 1 FROM attempt
                WHERE job_seq = job.seq AND attempt.run = job.run AND sent_at IS NOT NULL)
                AND NOT (run = 0 AND started_at IS NOT NULL))
            OR (state = 3 AND (SELECT json_extract(failure, '$.code') FROM job_result WHERE job_seq = seq)
                NOT IN ('refused', 'no_diagram'))
            OR (state = 2 AND (SELECT json_extract(validation, '$.status') FROM job_result
                WHERE job_seq = seq) = 'invalid'))";
        let units = |since: Timestamp| {
            let count = format!("SELECT count(*) FROM job WHERE {charged}");
            self.0.query_row(&count, params![id, since.0], |row| row.get::<_, i64>(0)).unwrap()
        };
        let live = |state: i64| {
            let count = "SELECT count(*) FROM job WHERE user_id = ?1 AND state = ?2";
            self.0.query_row(count, params![id, state], |row| row.get::<_, i64>(0)).unwrap()
        };
        let spent = |since: Timestamp| {
            let sums = "SELECT coalesce(sum(attempt.input + attempt.cache_read + attempt.cache_write), 0),
                               coalesce(sum(attempt.output), 0), coalesce(sum(attempt.cost), 0)
                        FROM attempt JOIN job ON job.seq = job_seq
                        WHERE user_id = ?1 AND attempt.ended_at >= ?2";
            let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            self.0.query_row::<(i64, i64, i64), _, _>(sums, params![id, since.0], row).unwrap()
        };
        let (today, month) = (spent(hour.day()), spent(hour.month()));
        for (kind, since) in [(0, hour), (1, hour.day()), (2, hour.month())] {
            let kept = "SELECT input + cache_read + cache_write, output, cost FROM usage_window
                        WHERE user_id = ?1 AND kind = ?2 AND start = ?3";
            let kept = self.0.query_row::<(i64, i64, i64), _, _>(kept, params![id, kind, since.0], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            });
            assert_eq!(kept.unwrap_or_default(), spent(since), "{user}: usage_window of kind {kind}");
        }
        let saved = format!(
            "SELECT count(*), coalesce(sum({SAVED}), 0) FROM job
             WHERE user_id = ?1 AND cached = 1 AND created_at >= ?2"
        );
        let hits = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
        let hits = self.0.query_row(&saved, params![id, hour.month().0], hits).unwrap();
        json!({
            "hour": units(hour), "day": units(hour.day()), "running": live(1), "queued": live(0),
            "tokens": {
                "today": { "input": today.0, "output": today.1 },
                "month": { "input": month.0, "output": month.1 },
            },
            "today": Money(today.2).to_string(), "month": Money(month.2).to_string(),
            "cache": { "hits": hits.0, "savedUsd": Money(hits.1).to_string() },
        })
    }
}

fn figures<'a>(entries: impl Iterator<Item = &'a Entry>) -> Value {
    let entries: Vec<&Entry> = entries.collect();
    let states = |state: i64| entries.iter().filter(|entry| entry.state == state).count();
    let sum = |of: fn(&Entry) -> i64| entries.iter().map(|entry| of(entry)).sum::<i64>();
    let spread = |of: fn(&Entry) -> Option<i64>| {
        let mut samples: Vec<i64> = entries.iter().filter_map(|entry| of(entry)).collect();
        samples.sort_unstable();
        // The smallest sample that at least this share of all samples does not exceed.
        let rank = |percent: usize| {
            samples.iter().find(|sample| {
                samples.iter().filter(|other| other <= sample).count() * 100 >= samples.len() * percent
            })
        };
        json!({ "p50": rank(50), "p95": rank(95), "p99": rank(99) })
    };
    json!({
        "submitted": entries.len(),
        "completed": states(2),
        "failed": states(3),
        "cancelled": states(4),
        "expired": states(5),
        "cacheHits": sum(|entry| entry.cached),
        "repaired": sum(|entry| entry.repaired),
        "retries": sum(|entry| (entry.calls - 1 - entry.repairs).max(0)),
        "inputTokens": sum(|entry| entry.input),
        "outputTokens": sum(|entry| entry.output),
        "costUsd": Money(entries.iter().map(|entry| entry.cost).sum()).to_string(),
        "savedUsd": Money(entries.iter().map(|entry| entry.saved).sum()).to_string(),
        "waitMs": spread(|entry| entry.wait),
        "serviceMs": spread(|entry| entry.service),
    })
}
