//! What `diagramd watch` shows, as it stands: figures, their past minutes, requests, and what the
//! keys have done. Pure: told of news and events, it says what is wished.

use std::collections::VecDeque;

use ratatui::crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers};
use serde_json::Value;

use crate::client::{ClientError, QueueFigures, QueueNews};

/// Looks at the throughput that are kept: as many seconds at least, for figures come once a second.
const PAST_MAX: usize = 300;

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Nothing,
    Quit,
    SetPaused(bool),
}

/// One of the latest requests.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Row {
    pub(super) request_id: String,
    pub(super) user: String,
    pub(super) tier: String,
    pub(super) diagram_type: String,
    pub(super) status: String,
    pub(super) created_at: String,
    pub(super) model: Option<String>,
    pub(super) position: Option<u64>,
    pub(super) usage: Option<Cost>,
}

#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Cost {
    pub(super) cost_usd: Option<String>,
}

/// Everything that is shown.
#[derive(Debug)]
pub(super) struct View {
    pub(super) server: String,
    pub(super) figures: QueueFigures,
    /// Requests ended in the minute before each look, the latest last.
    pub(super) past: VecDeque<u64>,
    pub(super) rows: Vec<Row>,
    /// The first row shown.
    pub(super) offset: usize,
    /// Why the figures are old.
    pub(super) lost: Option<String>,
    /// What a call was answered.
    pub(super) said: Option<String>,
    /// Whether a `y` pauses or resumes the queue.
    pub(super) asking: bool,
}

impl View {
    pub(super) fn new(server: &str) -> Self {
        Self {
            server: server.to_owned(),
            figures: QueueFigures::default(),
            past: VecDeque::new(),
            rows: Vec::new(),
            offset: 0,
            lost: None,
            said: None,
            asking: false,
        }
    }

    pub(super) fn told(&mut self, news: QueueNews) -> Wish {
        match news {
            QueueNews::Figures(figures) => match serde_json::from_value(figures) {
                Ok(figures) => {
                    self.figures = figures;
                    self.lost = None;
                }
                Err(error) => self.lost = Some(format!("figures that are not as expected ({error})")),
            },
            QueueNews::Lost(reason) => self.lost = Some(reason),
        }
        Wish::Nothing
    }

    /// The clock has moved on by a second: the past grows, also while the figures do not change.
    pub(super) fn tick(&mut self) -> Wish {
        if self.lost.is_none() {
            self.past.push_back(self.figures.throughput_per_minute);
            if self.past.len() > PAST_MAX {
                self.past.pop_front();
            }
        }
        Wish::Nothing
    }

    pub(super) fn requests(&mut self, answer: Result<Value, ClientError>) -> Wish {
        // A server that does not answer is told of by the figures.
        if let Ok(mut list) = answer
            && let Ok(rows) = serde_json::from_value::<Vec<Row>>(list["requests"].take())
        {
            self.rows = rows;
            self.offset = self.offset.min(self.rows.len().saturating_sub(1));
        }
        Wish::Nothing
    }

    pub(super) fn paused(&mut self, answer: Result<Value, ClientError>) -> Wish {
        self.said = answer.err().map(|error| error.to_string());
        Wish::Nothing
    }

    pub(super) fn event(&mut self, event: &Event) -> Wish {
        let Event::Key(key) = event else { return Wish::Nothing };
        if key.kind == KeyEventKind::Release {
            return Wish::Nothing;
        }
        let was_asking = std::mem::take(&mut self.asking);
        self.said = None;
        let last = self.rows.len().saturating_sub(1);
        match key.code {
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return Wish::Quit,
            KeyCode::Char('y') if was_asking => return Wish::SetPaused(!self.figures.paused),
            // Whatever else answers the question is a no.
            _ if was_asking => {}
            KeyCode::Char('q') | KeyCode::Esc => return Wish::Quit,
            KeyCode::Char('p') => self.asking = true,
            KeyCode::Up | KeyCode::Char('k') => self.offset = self.offset.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.offset = (self.offset + 1).min(last),
            KeyCode::PageUp => self.offset = self.offset.saturating_sub(10),
            KeyCode::PageDown => self.offset = (self.offset + 10).min(last),
            KeyCode::Home => self.offset = 0,
            KeyCode::End => self.offset = last,
            _ => {}
        }
        Wish::Nothing
    }
}

#[cfg(test)]
mod tests {
    use ratatui::crossterm::event::KeyEvent;
    use serde_json::json;

    use super::*;

    fn press(view: &mut View, code: KeyCode) -> Wish {
        view.event(&Event::Key(KeyEvent::new(code, KeyModifiers::NONE)))
    }

    #[test]
    fn the_queue_is_paused_only_after_a_yes() {
        let mut view = View::new("http://a");
        assert_eq!(press(&mut view, KeyCode::Char('y')), Wish::Nothing, "nothing was asked");
        press(&mut view, KeyCode::Char('p'));
        assert!(view.asking);
        assert_eq!(press(&mut view, KeyCode::Char('q')), Wish::Nothing, "a no, and no quitting");
        assert_eq!(press(&mut view, KeyCode::Char('y')), Wish::Nothing, "the question was answered");
        press(&mut view, KeyCode::Char('p'));
        assert_eq!(press(&mut view, KeyCode::Char('y')), Wish::SetPaused(true));
        view.told(QueueNews::Figures(json!({ "paused": true })));
        press(&mut view, KeyCode::Char('p'));
        assert_eq!(press(&mut view, KeyCode::Char('y')), Wish::SetPaused(false));
    }

    #[test]
    fn scrolling_stays_inside_the_list() {
        let mut view = View::new("http://a");
        press(&mut view, KeyCode::End);
        assert_eq!(view.offset, 0, "an empty list has no end");
        view.requests(Ok(json!({ "requests": [{ "requestId": "a" }, { "requestId": "b" }, {}] })));
        press(&mut view, KeyCode::PageDown);
        assert_eq!(view.offset, 2);
        view.requests(Ok(json!({ "requests": [{ "requestId": "a" }] })));
        assert_eq!(view.offset, 0, "a shorter list pulls it back");
        press(&mut view, KeyCode::Up);
        assert_eq!(view.offset, 0);
    }

    #[test]
    fn a_lost_connection_keeps_the_figures_and_stops_the_past() {
        let mut view = View::new("http://a");
        view.told(QueueNews::Figures(json!({ "depth": 7, "throughputPerMinute": 3 })));
        view.tick();
        view.told(QueueNews::Lost("no answer".to_owned()));
        view.tick();
        assert_eq!(view.figures.depth, 7);
        assert_eq!(view.past, [3]);
        assert_eq!(view.lost.as_deref(), Some("no answer"));
        view.told(QueueNews::Figures(json!({ "depth": 8 })));
        assert_eq!(view.lost, None);
    }

    #[test]
    fn the_past_is_bounded() {
        let mut view = View::new("http://a");
        for _ in 0..PAST_MAX + 5 {
            view.tick();
        }
        assert_eq!(view.past.len(), PAST_MAX);
    }
}
