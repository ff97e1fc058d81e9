//! Draws the view of `diagramd watch`. Text from the server cannot move the cursor: ratatui writes
//! cells, and control characters are replaced before.

use indicatif::HumanCount;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Row as TableRow, Sparkline, Table};

use super::columns;
use super::view::{Row, View};
use crate::cli::output::{dollars, or_dash, safe};
use crate::client::{GaugeFigures, LaneFigures};
use crate::domain::Tier;

/// Columns of the words before and after a bar.
const BAR_LABEL: u16 = 16;
const BAR_FIGURES: u16 = 40;
/// Bars longer than this say nothing more.
const BAR_MAX: u16 = 60;

const QUIET: Style = Style::new().fg(Color::DarkGray);

/// Draws all of it; what has no room is left out, the queue last of all.
pub(super) fn draw(frame: &mut Frame, view: &View) {
    let lanes: Vec<Line> =
        view.figures.upstreams.iter().flat_map(|lane| of_lane(lane, frame.area().width)).collect();
    let lanes_height =
        u16::try_from(lanes.len()).unwrap_or(u16::MAX).saturating_add(2).min(frame.area().height / 2);
    let [head, queue, upstreams, requests, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(u16::try_from(Tier::ALL.len()).unwrap_or(4) + 4),
        Constraint::Length(lanes_height),
        Constraint::Min(0),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(heading(view), head);
    let [tiers, past] = Layout::horizontal([Constraint::Length(46), Constraint::Min(0)]).areas(queue);
    draw_tiers(frame, view, tiers);
    draw_past(frame, view, past);
    frame.render_widget(Paragraph::new(lanes).block(titled("Upstreams")), upstreams);
    draw_requests(frame, view, requests);
    frame.render_widget(footing(view), foot);
}

fn titled(title: &str) -> Block<'_> {
    Block::bordered().border_style(QUIET).title(Span::from(format!(" {title} ")).bold())
}

fn heading(view: &View) -> Line<'_> {
    let state = match &view.lost {
        Some(reason) => Span::from(format!("  not connected: {}", safe(reason))).red(),
        None => Span::from("  live").green(),
    };
    Line::from(vec![Span::from("diagramd ").bold(), Span::from(safe(&view.server)), state])
}

fn footing(view: &View) -> Line<'_> {
    if view.asking {
        let verb = if view.figures.paused { "Resume" } else { "Pause" };
        return Line::from(format!("{verb} the queue? y: yes, any other key: no")).yellow().bold();
    }
    if let Some(said) = &view.said {
        return Line::from(safe(said)).red();
    }
    let pause = if view.figures.paused { "resume" } else { "pause" };
    Line::from(format!("q quit   p {pause} the queue   up/down scroll")).style(QUIET)
}

fn draw_tiers(frame: &mut Frame, view: &View, area: Rect) {
    let figures = &view.figures;
    let drain = match figures.estimated_drain_seconds {
        Some(0) | None => String::new(),
        Some(seconds) => format!(", empty in {}", time(seconds)),
    };
    let mut all =
        vec![Span::from(format!("{} waiting, {} running{drain}", figures.depth, figures.processing))];
    if figures.paused {
        all.push(Span::from("  PAUSED").yellow().bold());
    }
    let rows = Tier::ALL.iter().rev().map(|tier| {
        let tier = tier.to_string();
        let of = figures.by_tier.get(&tier).cloned().unwrap_or_default();
        let oldest = if of.queued == 0 { "-".to_owned() } else { time(of.oldest_wait_seconds) };
        TableRow::new([tier, of.queued.to_string(), of.processing.to_string(), oldest])
    });
    let table = Table::new(
        rows,
        [Constraint::Length(12), Constraint::Length(9), Constraint::Length(9), Constraint::Min(8)],
    )
    .header(TableRow::new(["TIER", "WAITING", "RUNNING", "OLDEST"]).style(QUIET));
    let block = titled("Queue");
    let [line, rest] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(block.inner(area));
    frame.render_widget(block, area);
    frame.render_widget(Line::from(all), line);
    frame.render_widget(table, rest);
}

fn draw_past(frame: &mut Frame, view: &View, area: Rect) {
    let block = titled("Ended a minute");
    let [line, rest] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(block.inner(area));
    frame.render_widget(block, area);
    let most = view.past.iter().max().copied().unwrap_or(0);
    frame.render_widget(
        Line::from(format!("{} now, {most} at most", view.figures.throughput_per_minute)),
        line,
    );
    let columns = usize::from(rest.width);
    let seen = view.past.iter().skip(view.past.len().saturating_sub(columns)).copied();
    // The latest stands on the right, also before there is a whole row of looks.
    let mut bars: Vec<u64> = vec![0; columns.saturating_sub(view.past.len())];
    bars.extend(seen);
    frame.render_widget(Sparkline::default().data(bars).style(Style::new().fg(Color::Cyan)), rest);
}

fn of_lane(lane: &LaneFigures, width: u16) -> Vec<Line<'static>> {
    let state = safe(&lane.state);
    let state = match state.as_str() {
        "open" => Span::from(state).green(),
        "paused" => Span::from(state).red().bold(),
        _ => Span::from(state).yellow().bold(),
    };
    let reason = lane.reason.as_deref().map_or_else(String::new, |reason| format!(": {}", safe(reason)));
    let mut lines = vec![Line::from(vec![
        Span::from(safe(&lane.name)).bold(),
        Span::from(format!("  {}  ", safe(&lane.model))),
        state,
        Span::from(reason),
        Span::from(format!("  {} of {} calls in flight", lane.in_flight, lane.max_concurrent)).style(QUIET),
    ])];
    let gauges = [
        ("requests/min", &lane.requests_per_minute),
        ("tokens/min", &lane.tokens_per_minute),
        ("input/min", &lane.input_tokens_per_minute),
        ("output/min", &lane.output_tokens_per_minute),
    ];
    lines.extend(gauges.into_iter().filter_map(|(name, gauge)| bar(name, gauge, width)));
    lines
}

/// A bar of what is used, reserved and left; none for what is not limited.
fn bar(name: &str, gauge: &GaugeFigures, width: u16) -> Option<Line<'static>> {
    let limit = gauge.limit.filter(|limit| *limit > 0)?;
    let room = width.saturating_sub(BAR_LABEL + BAR_FIGURES + 2).clamp(10, BAR_MAX);
    let cells = |part: u64| {
        let cells = u128::from(part.min(limit)) * u128::from(room) / u128::from(limit);
        // Something is never shown as nothing.
        usize::try_from(cells).unwrap_or(0).max(usize::from(part > 0))
    };
    let room = usize::from(room);
    let used = cells(gauge.used).min(room);
    let reserved = cells(gauge.reserved).min(room - used);
    let share = (gauge.used + gauge.reserved) * 100 / limit;
    let colour = match share {
        95.. => Color::Red,
        80.. => Color::Yellow,
        _ => Color::Green,
    };
    Some(Line::from(vec![
        Span::from(format!("  {name:<14}")),
        Span::from("█".repeat(used)).fg(colour),
        Span::from("▒".repeat(reserved)).fg(colour),
        Span::from("░".repeat(room - used - reserved)).style(QUIET),
        Span::from(format!(
            " {} used, {} reserved of {}",
            HumanCount(gauge.used),
            HumanCount(gauge.reserved),
            HumanCount(limit)
        )),
    ]))
}

fn draw_requests(frame: &mut Frame, view: &View, area: Rect) {
    let columns = columns::fitting(&view.rows, area.width.saturating_sub(2));
    let rows = view.rows.iter().skip(view.offset).map(|row| {
        let cells = of_request(row);
        TableRow::new(columns.iter().map(|(column, _)| cells[*column as usize].clone()))
    });
    let widths = columns.iter().map(|(_, width)| Constraint::Length(*width));
    let header = TableRow::new(columns.iter().map(|(column, _)| column.name())).style(QUIET);
    let table = Table::new(rows, widths).header(header).block(titled("Latest requests"));
    frame.render_widget(table, area);
}

/// The cells of a request, in the order of [`columns::Column`].
fn of_request(row: &Row) -> [Span<'static>; 8] {
    let status = safe(&row.status);
    let style = match status.as_str() {
        "completed" => Style::new().fg(Color::Green),
        "failed" | "expired" => Style::new().fg(Color::Red),
        "processing" => Style::new().fg(Color::Cyan).add_modifier(Modifier::BOLD),
        _ => Style::new(),
    };
    let place = row.position.map_or_else(String::new, |position| format!(" {position}"));
    let cost = row.usage.as_ref().and_then(|usage| usage.cost_usd.as_deref()).map(dollars);
    // 2026-11-24T10:00:00.000Z: the day is that of the clock on the wall, nearly always.
    let accepted = row.created_at.get(11..19).unwrap_or("-").to_owned();
    [
        accepted.into(),
        safe(&row.request_id).into(),
        Span::styled(format!("{status}{place}"), style),
        safe(&row.user).into(),
        safe(&row.tier).into(),
        safe(&row.diagram_type).into(),
        or_dash(cost).into(),
        safe(&or_dash(row.model.as_deref())).into(),
    ]
}

/// Seconds as people say them: `42 s`, `7 min`, `3 h 20 min`.
fn time(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use serde_json::json;

    use super::*;
    use crate::client::QueueNews;

    fn busy() -> View {
        let mut view = View::new("http://127.0.0.1:3000");
        view.told(QueueNews::Figures(json!({
            "depth": 1234, "processing": 8, "paused": false, "estimatedDrainSeconds": 4000, "throughputPerMinute": 23,
            "byTier": {
                "free": { "queued": 1200, "processing": 2, "oldestWaitSeconds": 9000 },
                "enterprise": { "queued": 34, "processing": 6, "oldestWaitSeconds": 12 },
            },
            "upstreams": [{
                "name": "anthropic", "model": "claude-sonnet-5-5", "state": "limited",
                "reason": "the upstream answered 429", "inFlight": 6, "maxConcurrent": 8,
                "requestsPerMinute": { "limit": 25, "used": 17, "reserved": 6, "available": 2 },
                "tokensPerMinute": { "limit": 200_000, "used": 61_234, "reserved": 12_288, "available": 126_478 },
                "inputTokensPerMinute": { "limit": null, "used": 0, "reserved": 0, "available": null },
            }],
        })));
        for _ in 0..20 {
            view.tick();
        }
        view.requests(Ok(json!({ "requests": [
            { "requestId": "req_00000000000000000000000000000001", "user": "ann", "tier": "pro", "status": "queued",
              "position": 3, "diagramType": "mermaid", "createdAt": "2026-11-24T10:00:05.000Z" },
            { "requestId": "req_00000000000000000000000000000002", "user": "b\u{1b}[2Jen", "tier": "free",
              "status": "completed", "diagramType": "graphviz", "createdAt": "2026-11-24T10:00:00.000Z",
              "model": "claude-sonnet-5-5", "usage": { "costUsd": "0.012300000" } },
        ] })));
        view
    }

    fn drawn(view: &View, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, view)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn a_busy_queue_fits_a_terminal() {
        insta::assert_snapshot!(drawn(&busy(), 120, 26));
    }

    #[test]
    fn a_lost_connection_and_a_question_are_seen() {
        let mut view = busy();
        view.told(QueueNews::Lost("the server does not answer".to_owned()));
        view.asking = true;
        let drawn = drawn(&view, 100, 24);
        assert!(drawn.contains("not connected: the server does not answer"), "{drawn}");
        assert!(drawn.contains("Pause the queue? y: yes"), "{drawn}");
        assert!(drawn.contains("1234 waiting"), "the last figures stay: {drawn}");
    }

    #[test]
    fn no_terminal_is_too_small() {
        for (width, height) in [(1, 1), (20, 5), (40, 12), (500, 200)] {
            drawn(&busy(), width, height);
        }
    }

    #[test]
    fn times_are_written_as_people_say_them() {
        assert_eq!([0, 119, 120, 7199, 12_000].map(time), ["0 s", "119 s", "2 min", "119 min", "3 h 20 min"]);
    }
}
