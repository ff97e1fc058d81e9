//! `diagramd usage`, `queue` and `stats`: figures of a server, as tables.

use anyhow::Context;
use clap::Args;
use serde_json::Value;

use super::output;
use super::server::{Server, talk};
use crate::client::{GaugeFigures, LaneFigures, QueueFigures};
use crate::domain::Tier;

#[derive(Args, Debug)]
pub(super) struct Usage {
    #[command(flatten)]
    server: Server,
}

#[derive(Args, Debug)]
pub(super) struct Queue {
    #[command(flatten)]
    server: Server,
}

#[derive(Args, Debug)]
pub(super) struct Stats {
    /// From this instant on, such as 2026-11-24T00:00:00Z [default: a day before --to]
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Up to this instant [default: now]
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// By hour, day, user, tier, model or diagramType [default: day]
    #[arg(long, value_name = "WHAT")]
    group_by: Option<String>,
    #[command(flatten)]
    server: Server,
}

impl Usage {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let client = self.server.client()?;
        let usage = talk(async { Ok(client.usage().await?) })?;
        if self.server.json {
            return output::json(&usage);
        }
        let window = |name: &str| {
            let of = |key: &str| cell(&usage, &format!("/{name}/{key}"));
            [name.to_owned(), of("used"), of("limit"), of("remaining"), of("resetsAt")]
        };
        let budget = usage.pointer("/cost/budgetUsd").and_then(Value::as_str);
        let budget = budget.map_or_else(String::new, |budget| format!(" of {}", output::dollars(budget)));
        output::line(&format!("{}, tier {}\n", cell(&usage, "/user"), cell(&usage, "/tier")))?;
        output::table(["WINDOW", "USED", "LIMIT", "LEFT", "RESETS"], &[window("hour"), window("day")])?;
        output::line(&format!(
            "\nrunning {} of {}, queued {} of {}\ncost today {}, this month {}{budget}",
            cell(&usage, "/concurrent/running"),
            cell(&usage, "/concurrent/limit"),
            cell(&usage, "/concurrent/queued"),
            cell(&usage, "/concurrent/queuedLimit"),
            output::dollars(&cell(&usage, "/cost/todayUsd")),
            output::dollars(&cell(&usage, "/cost/monthUsd")),
        ))
    }
}

impl Queue {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let client = self.server.client()?;
        let queue = talk(async { Ok(client.queue().await?) })?;
        if self.server.json {
            return output::json(&queue);
        }
        let queue: QueueFigures =
            serde_json::from_value(queue).context("the server's figures are not as expected")?;
        let paused = if queue.paused { ", paused" } else { "" };
        // A paused queue that holds requests does not empty.
        let drain = queue.estimated_drain_seconds;
        let drain = drain.map_or_else(String::new, |seconds| format!(", empty in about {seconds} s"));
        output::line(&format!(
            "{} waiting, {} running{paused}; {} a minute{drain}\n",
            queue.depth, queue.processing, queue.throughput_per_minute,
        ))?;
        let tiers = Tier::ALL.map(|tier| {
            let of = queue.by_tier.get(tier.name()).cloned().unwrap_or_default();
            let [waiting, running, oldest] =
                [of.queued, of.processing, of.oldest_wait_seconds].map(|figure| figure.to_string());
            [tier.to_string(), waiting, running, oldest]
        });
        output::table(["TIER", "WAITING", "RUNNING", "OLDEST (S)"], &tiers)?;
        output::line("")?;
        let upstreams: Vec<[String; 6]> = queue.upstreams.iter().map(lane).collect();
        output::table(["UPSTREAM", "MODEL", "STATE", "IN FLIGHT", "REQUESTS/MIN", "TOKENS/MIN"], &upstreams)
    }
}

fn lane(lane: &LaneFigures) -> [String; 6] {
    let gauge = |gauge: &GaugeFigures| match gauge.limit {
        Some(0) | None => "not limited".to_owned(),
        Some(limit) => format!("{} of {limit}", gauge.used + gauge.reserved),
    };
    let reason = lane.reason.as_deref().map_or_else(String::new, |reason| format!(" ({reason})"));
    [
        lane.name.clone(),
        lane.model.clone(),
        format!("{}{reason}", lane.state),
        format!("{} of {}", lane.in_flight, lane.max_concurrent),
        gauge(&lane.requests_per_minute),
        gauge(&lane.tokens_per_minute),
    ]
}

impl Stats {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let client = self.server.client()?;
        let all = [("from", &self.from), ("to", &self.to), ("groupBy", &self.group_by)];
        let query: Vec<(&str, &str)> =
            all.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect();
        let stats = talk(async { Ok(client.stats(&query).await?) })?;
        if self.server.json {
            return output::json(&stats);
        }
        let row = |key: String, figures: &Value| {
            let of = |name: &str| cell(figures, name);
            let cost = output::dollars(&of("/costUsd"));
            [
                key,
                of("/submitted"),
                of("/completed"),
                of("/failed"),
                of("/cacheHits"),
                of("/retries"),
                cost,
                of("/waitMs/p95"),
            ]
        };
        let groups = stats["groups"].as_array().into_iter().flatten();
        let mut rows: Vec<[String; 8]> = groups.map(|group| row(cell(group, "/key"), group)).collect();
        rows.push(row("total".to_owned(), &stats["totals"]));
        output::line(&format!("{} to {}\n", cell(&stats, "/from"), cell(&stats, "/to")))?;
        let group = stats["groupBy"].as_str().unwrap_or("").to_uppercase();
        output::table(
            [&group, "SUBMITTED", "COMPLETED", "FAILED", "CACHED", "RETRIES", "COST", "WAIT P95 (MS)"],
            &rows,
        )
    }
}

/// The value at a JSON pointer, as a table shows it.
fn cell(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
