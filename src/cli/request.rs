//! `diagramd status` and `diagramd cancel`: one request on a server.

use clap::Args;

use super::output::{self, safe};
use super::server::{Server, talk};
use crate::client;

#[derive(Args, Debug)]
pub(super) struct Status {
    /// The request's id (req_…)
    id: String,
    #[command(flatten)]
    server: Server,
}

#[derive(Args, Debug)]
pub(super) struct Cancel {
    /// The request's id (req_…)
    id: String,
    #[command(flatten)]
    server: Server,
}

impl Status {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let client = self.server.client()?;
        if self.server.json {
            return output::json(&talk(async { Ok(client.status_json(&self.id).await?) })?);
        }
        let status = talk(async { Ok(client.status(&self.id).await?) })?;
        output::raw(&describe(&status))
    }
}

fn describe(status: &client::Status) -> String {
    let mut text = String::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            text.push_str(&format!("{name:<10} {}\n", safe(&value)));
        }
    };
    let cached = if status.cached { " (from the cache)" } else { "" };
    add("request", Some(status.request_id.clone()));
    add("status", Some(format!("{}{cached}", status.status.name())));
    add("type", Some(status.diagram_type.clone()));
    add("position", status.position.map(|position| position.to_string()));
    let wait = |seconds| if status.paused { "paused".to_owned() } else { format!("about {seconds} s") };
    add("wait", status.estimated_wait_seconds.map(wait));
    add("attempts", (status.attempts > 0).then(|| status.attempts.to_string()));
    add("created", Some(status.created_at.clone()));
    add("retry", status.retry_at.clone());
    add("ended", status.completed_at.clone());
    add("model", status.model.clone());
    add("provider", status.provider.clone());
    add("title", status.title.clone());
    add("validation", status.validation.as_ref().map(verdict));
    if let Some(usage) = &status.usage {
        let cost = usage.cost_usd.as_ref().map_or("unknown cost".to_owned(), |cost| output::dollars(cost));
        add("usage", Some(format!("{} tokens in, {} out, {cost}", usage.input_tokens, usage.output_tokens)));
    }
    if let Some(error) = &status.error {
        add("error", Some(format!("{} ({})", error.message, error.code)));
    }
    if let Some(result) = &status.result {
        text.push_str(&format!("\n{}\n", safe(result.trim_end())));
    }
    text
}

/// The verdict, and what it rests on first.
fn verdict(verdict: &client::Verdict) -> String {
    let name = verdict.status.name();
    match verdict.errors.first() {
        None => name.to_owned(),
        Some(error) => format!("{name}: line {}, column {}: {}", error.line, error.column, error.message),
    }
}

impl Cancel {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let client = self.server.client()?;
        let answer = talk(async { Ok(client.cancel(&self.id).await?) })?;
        if self.server.json {
            return output::json(&answer);
        }
        output::line(&format!("{} is cancelled", safe(&self.id)))
    }
}
