//! Live progress of one request on standard error: on a terminal a bar that fills as the place in
//! the queue goes down, then a moving line; plain lines otherwise.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::output::safe;
use crate::client::Progress;

/// Shows progress until it is dropped.
pub(super) struct Pace {
    bar: Option<ProgressBar>,
    /// The worst place so far, while the request waits.
    farthest: u64,
    last: String,
    chars: usize,
}

impl Pace {
    /// Chooses by what standard error is.
    pub(super) fn new() -> Self {
        let bar = stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self { bar, farthest: 0, last: String::new(), chars: 0 }
    }

    /// Shows the news; the same line twice is shown once.
    pub(super) fn show(&mut self, progress: &Progress) {
        if let Progress::Delta { text } = progress {
            self.chars += text.chars().count();
            if let Some(bar) = &self.bar {
                bar.set_message(format!("writing, {} characters", self.chars));
            }
            return;
        }
        self.chars = 0;
        self.show_place(progress);
        self.say(&sentence(progress));
    }

    /// Fills the bar by how much of the queue has gone; what does not wait has none.
    fn show_place(&mut self, progress: &Progress) {
        let Some(bar) = &self.bar else { return };
        let Progress::Queued { position, .. } = progress else {
            bar.set_style(ProgressStyle::default_spinner());
            self.farthest = 0;
            return;
        };
        if self.farthest == 0
            && let Ok(style) = ProgressStyle::with_template("{spinner} {bar:24.cyan/black.bright} {msg}")
        {
            bar.set_style(style);
        }
        self.farthest = self.farthest.max(*position);
        bar.set_length(self.farthest);
        bar.set_position(self.farthest - position);
    }

    /// Shows a line of its own.
    pub(super) fn say(&mut self, line: &str) {
        let line = safe(line);
        if line == self.last {
            return;
        }
        match &self.bar {
            Some(bar) => bar.set_message(line.clone()),
            None => eprintln!("{line}"),
        }
        self.last = line;
    }
}

impl Drop for Pace {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn sentence(progress: &Progress) -> String {
    match progress {
        Progress::Queued { position, paused: true, .. } => {
            format!("queued, position {position}; the queue is paused, and goes on when it is resumed")
        }
        Progress::Queued { position, estimated_wait_seconds, .. } => {
            format!("queued, position {position}, about {estimated_wait_seconds} s")
        }
        Progress::Processing { attempt: 0 | 1, model } if model.is_empty() => "processing".to_owned(),
        Progress::Processing { attempt: 0 | 1, model } => format!("processing by {model}"),
        Progress::Processing { attempt, model } => format!("processing by {model}, attempt {attempt}"),
        Progress::Delta { .. } => "writing".to_owned(),
        Progress::Validating => "checking the diagram".to_owned(),
        Progress::Repairing => "mending the diagram".to_owned(),
        Progress::Retrying { attempt, reason } => {
            // A call that a stopped upstream refused is not counted, but it was tried.
            format!("attempt {} failed: {reason}; waiting to try again", (*attempt).max(1))
        }
    }
}
