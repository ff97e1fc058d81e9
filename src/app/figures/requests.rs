//! Requests from acceptance to end, and their upstream calls: counted as they are committed, so
//! that a figure never tells of what a crash takes back.

use std::borrow::Cow;
use std::sync::Arc;

use crate::config::Config;
use crate::domain::change::{EndKind, Ended};
use crate::domain::failure::FailureCode;
use crate::domain::job::JobRecord;
use crate::domain::lane::CallEnd;
use crate::domain::{Change, DiagramType, Money, Tier, ValidationStatus};
use crate::queue::{Accepted, CacheUse, CallEnded, Observe};
use crate::telemetry::metrics::{Counter, Counters, DollarCounters, Histograms, Metrics};

use super::WAIT_SECONDS;

/// A model writes for a second at least and `generation.timeout` at most.
const CALL_SECONDS: &[f64] = &[0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0];

struct Requests {
    accepted: Counters<2>,
    ended: Counters<1>,
    failed: Counters<1>,
    requeued: Counters<1>,
    shared: Counter,
    wait: Histograms<1>,
    duration: Histograms<1>,
    lookups: Counters<1>,
    saved: DollarCounters<0>,
    verdicts: Counters<2>,
    calls: Counters<3>,
    call_duration: Histograms<1>,
    tokens: Counters<3>,
    cost: DollarCounters<2>,
}

/// Who must be told what happens to requests.
pub(super) fn count(metrics: &mut Metrics, config: &Config) -> Arc<dyn Observe> {
    let requests = Requests::new(metrics);
    requests.expect(config);
    Arc::new(requests)
}

impl Requests {
    fn new(metrics: &mut Metrics) -> Self {
        Self {
            accepted: metrics.counters("requests_accepted", "Requests accepted", ["tier", "diagram_type"]),
            ended: metrics.counters("requests_ended", "Requests that ended, by how", ["outcome"]),
            failed: metrics.counters("requests_failed", "Requests that failed, by the failure's code", ["code"]),
            requeued: metrics.counters(
                "requests_requeued",
                "Times that a request went back to its place: after a failed call (retry), for a call that corrects \
                 its source (repair), or because its upstream had no room or stopped (upstream)",
                ["reason"],
            ),
            shared: metrics.counter("requests_shared", "Requests that shared an equal one's call"),
            wait: metrics.histograms(
                "request_wait_seconds",
                "From a request's acceptance to its first claim",
                ["tier"],
                WAIT_SECONDS,
            ),
            duration: metrics.histograms(
                "request_duration_seconds",
                "From a request's acceptance to its end; answers of the cache are not among them",
                ["outcome"],
                WAIT_SECONDS,
            ),
            lookups: metrics.counters("cache_lookups", "Requests that asked the cache, by the result", ["result"]),
            saved: metrics.dollars("cache_saved_dollars", "What answers of the cache would have cost", []),
            verdicts: metrics.counters(
                "diagrams_checked",
                "Diagrams that upstreams wrote, by the verdict on their source",
                ["diagram_type", "verdict"],
            ),
            calls: metrics.counters(
                "upstream_calls",
                "Calls of upstreams that ended, by what they were for and how they ended",
                ["upstream", "purpose", "end"],
            ),
            call_duration: metrics.histograms(
                "upstream_call_duration_seconds",
                "From the first byte of a call to its end",
                ["upstream"],
                CALL_SECONDS,
            ),
            tokens: metrics.counters(
                "upstream_tokens",
                "Tokens of ended calls; where the upstream did not say, as far as is known",
                ["upstream", "model", "kind"],
            ),
            cost: metrics.dollars(
                "upstream_cost_dollars",
                "Cost of ended calls in US dollars, by the prices in force",
                ["upstream", "model"],
            ),
        }
    }

    /// The series that are known beforehand stand there from the start, so that their first rise is
    /// seen as one.
    fn expect(&self, config: &Config) {
        for tier in Tier::ALL {
            self.wait.expect([tier.name().into()]);
            for diagram_type in DiagramType::ALL {
                self.accepted.add([tier.name().into(), diagram_type.name().into()], 0);
            }
        }
        for outcome in ["completed", "failed", "cancelled", "expired"] {
            self.ended.add([outcome.into()], 0);
            self.duration.expect([outcome.into()]);
        }
        FailureCode::ALL.into_iter().for_each(|code| self.failed.add([code.name().into()], 0));
        for reason in ["retry", "repair", "upstream"] {
            self.requeued.add([reason.into()], 0);
        }
        for result in ["hit", "miss"] {
            self.lookups.add([result.into()], 0);
        }
        self.saved.add_nano_dollars([], 0);
        for diagram_type in DiagramType::ALL {
            for verdict in ValidationStatus::ALL {
                self.verdicts.add([diagram_type.name().into(), verdict.name().into()], 0);
            }
        }
        for upstream in &config.upstreams {
            let name = upstream.lane.name.to_string();
            self.call_duration.expect([name.clone().into()]);
            self.cost.add_nano_dollars([name.clone().into(), upstream.lane.model.clone().into()], 0);
            for kind in TOKEN_KINDS {
                self.tokens.add([name.clone().into(), upstream.lane.model.clone().into(), kind.into()], 0);
            }
            for purpose in ["draw", "repair"] {
                for end in CALL_ENDS {
                    self.calls.add([name.clone().into(), purpose.into(), end.into()], 0);
                }
            }
        }
    }

    fn end(&self, ended: &Ended) {
        let outcome = match &ended.how {
            EndKind::Completed(_) => "completed",
            EndKind::Failed(failure) => {
                self.failed.add([failure.code.name().into()], 1);
                "failed"
            }
            EndKind::Cancelled => "cancelled",
            EndKind::Expired => "expired",
        };
        self.ended.add([outcome.into()], 1);
        let duration = ended.ended_at.since(ended.created_at);
        self.duration.observe([outcome.into()], duration.as_secs_f64());
    }

    fn judged(&self, job: &JobRecord) {
        let Some(validation) = &job.outcome.validation else { return };
        self.verdicts.add([job.diagram_type.name().into(), validation.status.name().into()], 1);
    }
}

const TOKEN_KINDS: [&str; 4] = ["input", "output", "cache_read", "cache_write"];
const CALL_ENDS: [&str; 6] = ["answered", "failed", "rejected", "limited", "paused", "abandoned"];

const fn end_name(end: &CallEnd) -> &'static str {
    match end {
        CallEnd::Answered => "answered",
        CallEnd::Failed { .. } => "failed",
        CallEnd::Rejected(_) => "rejected",
        CallEnd::Limited { .. } => "limited",
        CallEnd::LanePaused { .. } => "paused",
        CallEnd::Abandoned => "abandoned",
    }
}

fn nano_dollars(amount: Money) -> u64 {
    u64::try_from(amount.0).unwrap_or(0)
}

impl Observe for Requests {
    fn accepted(&self, accepted: &Accepted) {
        self.accepted.add([accepted.tier.name().into(), accepted.diagram_type.name().into()], 1);
        match accepted.cache {
            CacheUse::Bypassed => {}
            CacheUse::Missed => self.lookups.add(["miss".into()], 1),
            CacheUse::Hit(saved) => {
                self.lookups.add(["hit".into()], 1);
                self.saved.add_nano_dollars([], nano_dollars(saved));
            }
        }
    }

    fn committed(&self, changes: &[Change]) {
        for change in changes {
            match change {
                Change::Claimed(job) if job.run == 1 => {
                    let wait = job.claimed_at.since(job.created_at);
                    self.wait.observe([job.tier.name().into()], wait.as_secs_f64());
                }
                Change::Requeued { repairing: Some(_), .. } => self.requeued.add(["repair".into()], 1),
                Change::Requeued { failed: true, .. } => self.requeued.add(["retry".into()], 1),
                Change::Requeued { .. } => self.requeued.add(["upstream".into()], 1),
                Change::Joined { .. } => drop(self.shared.inc()),
                Change::Ended(ended) => {
                    self.end(ended);
                    if let EndKind::Completed(job) = &ended.how {
                        self.judged(job);
                    }
                }
                // The diagram is its leader's, and is counted there.
                Change::Left(ended) => self.end(ended),
                Change::Answered(_) => self.ended.add(["completed".into()], 1),
                Change::Claimed(_)
                | Change::Queued(_)
                | Change::Released { .. }
                | Change::Message(_)
                | Change::UserChanged { .. }
                | Change::Paused(_) => {}
            }
        }
    }

    fn call_ended(&self, ended: &CallEnded<'_>) {
        let CallEnded { job, call, end, answered_at, .. } = *ended;
        let upstream = || Cow::from(job.lane.to_string());
        let model = || Cow::from(job.model.clone());
        let purpose = if job.repair.is_some() { "repair" } else { "draw" };
        self.calls.add([upstream(), purpose.into(), end_name(end).into()], 1);
        if let Some(sent_at) = call.sent_at {
            self.call_duration.observe([upstream()], answered_at.since(sent_at).as_secs_f64());
        }
        let tokens = &call.bill.tokens;
        let counts = [tokens.input, tokens.output, tokens.cache_read, tokens.cache_write];
        for (kind, count) in TOKEN_KINDS.into_iter().zip(counts) {
            self.tokens.add([upstream(), model(), kind.into()], count);
        }
        self.cost.add_nano_dollars([upstream(), model()], nano_dollars(call.bill.cost));
    }
}
