//! The columns of an export, and what stands in them.

use super::By;
use crate::app::{Billed, ExportRow, Used};
use crate::domain::cell::{Cell, Cells, tokens};

/// The row as it is written.
pub(super) fn of(by: By, row: &ExportRow) -> Cells {
    match row {
        ExportRow::Used(row) => used(by, row),
        ExportRow::Billed(row) => billed(row),
    }
}

fn used(by: By, row: &Used) -> Cells {
    let mut cells = vec![("user", Cell::Text(row.name.clone())), ("tier", Cell::Text(row.tier.to_string()))];
    // `2026-11-01`, or the month of it.
    let day = row.start.to_string();
    match by {
        By::Day => cells.push(("day", Cell::Text(day.chars().take(10).collect()))),
        By::Month => cells.push(("month", Cell::Text(day.chars().take(7).collect()))),
        By::User | By::Request => {}
    }
    cells.extend(tokens(&row.tokens));
    cells.extend([
        ("costUsd", Cell::Money(row.cost)),
        ("cacheHits", Cell::Count(row.hits)),
        ("savedUsd", Cell::Money(row.saved)),
    ]);
    cells
}

fn billed(row: &Billed) -> Cells {
    let text = |text: &str| Cell::Text(text.to_owned());
    let mut cells = vec![
        ("requestId", Cell::Text(row.id.to_string())),
        ("user", text(&row.user)),
        ("tier", text(row.tier.name())),
        ("status", text(row.state.name())),
        ("diagramType", text(row.diagram_type.name())),
        ("provider", Cell::maybe(row.provider.clone(), Cell::Text)),
        ("model", Cell::maybe(row.model.clone(), Cell::Text)),
        ("createdAt", Cell::Time(row.created_at)),
        ("startedAt", Cell::maybe(row.started_at, Cell::Time)),
        ("completedAt", Cell::maybe(row.ended_at, Cell::Time)),
        ("calls", Cell::Count(row.calls)),
        ("cached", Cell::Flag(row.cached)),
        ("coalesced", Cell::Flag(row.coalesced)),
    ];
    cells.extend(tokens(&row.tokens));
    cells.extend([
        ("costUsd", Cell::Money(row.cost)),
        ("savedUsd", Cell::Money(row.saved)),
        ("estimated", Cell::Flag(row.estimated)),
    ]);
    cells
}

/// The columns of [`of`], which stand there also when there is no row.
pub(super) fn columns(by: By) -> Vec<&'static str> {
    const TOKENS: [&str; 4] = ["inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens"];
    let (before, after): (&[&str], &[&str]) = match by {
        By::User => (&["user", "tier"], &["costUsd", "cacheHits", "savedUsd"]),
        By::Day => (&["user", "tier", "day"], &["costUsd", "cacheHits", "savedUsd"]),
        By::Month => (&["user", "tier", "month"], &["costUsd", "cacheHits", "savedUsd"]),
        By::Request => (
            &[
                "requestId",
                "user",
                "tier",
                "status",
                "diagramType",
                "provider",
                "model",
                "createdAt",
                "startedAt",
                "completedAt",
                "calls",
                "cached",
                "coalesced",
            ],
            &["costUsd", "savedUsd", "estimated"],
        ),
    };
    [before, &TOKENS, after].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{DiagramType, JobId, JobSeq, JobState, Money, Tier, Timestamp, TokenUsage, UserId};

    #[test]
    fn every_row_has_the_columns_of_its_header() {
        let used = Used {
            user: UserId(1),
            name: "ann".to_owned(),
            tier: Tier::Free,
            start: Timestamp::parse("2026-11-01T00:00:00Z").unwrap(),
            tokens: TokenUsage::default(),
            cost: Money(1),
            hits: 0,
            saved: Money::ZERO,
        };
        let billed = Billed {
            seq: JobSeq(1),
            id: JobId([1; 16]),
            user: "ann".to_owned(),
            tier: Tier::Free,
            state: JobState::Completed,
            diagram_type: DiagramType::Mermaid,
            provider: None,
            model: None,
            created_at: Timestamp(0),
            started_at: None,
            ended_at: None,
            calls: 0,
            cached: false,
            coalesced: false,
            tokens: TokenUsage::default(),
            cost: Money::ZERO,
            saved: Money::ZERO,
            estimated: false,
        };
        let names = |by, row: &ExportRow| of(by, row).iter().map(|(name, _)| *name).collect::<Vec<_>>();
        for by in [By::User, By::Day, By::Month] {
            assert_eq!(names(by, &ExportRow::Used(used.clone())), columns(by), "{by:?}");
        }
        assert_eq!(names(By::Request, &ExportRow::Billed(billed)), columns(By::Request));
        let of_month = of(By::Month, &ExportRow::Used(used));
        assert!(of_month.iter().any(|(name, cell)| *name == "month" && cell.csv() == "2026-11"));
    }
}
