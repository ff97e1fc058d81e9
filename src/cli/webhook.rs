//! `diagramd webhook …`: where one's ends are told, on a server.

use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use serde_json::Value;

use super::output::{self, safe};
use super::server::{Server, talk};
use crate::client::Client;
use crate::domain::webhook::DeliveryState;

/// How long an attempt is waited for, and between two looks.
const ATTEMPT_TIME_MAX: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(200);

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Show where your ends are told
    List(Plain),
    /// Set the address; prints the signing secret when it was never shown
    Set(Set),
    /// Remove the address; the secret stays
    Remove(Plain),
    /// Make another signing secret and print it; the one before signs too for 24 hours
    Rotate(Plain),
    /// Send a test and say what came of it
    Test(Plain),
    /// List your deliveries, newest first
    Deliveries(Deliveries),
    /// Send a message again and say what came of it
    Redeliver(Redeliver),
}

#[derive(Args, Debug)]
pub(super) struct Plain {
    #[command(flatten)]
    server: Server,
}

#[derive(Args, Debug)]
pub(super) struct Set {
    /// An https URL
    url: String,
    #[command(flatten)]
    server: Server,
}

#[derive(Args, Debug)]
pub(super) struct Deliveries {
    /// Only those: pending, delivered or failed
    #[arg(long, value_name = "STATUS")]
    status: Option<DeliveryState>,
    /// How many, 100 at most
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
    #[command(flatten)]
    server: Server,
}

#[derive(Args, Debug)]
pub(super) struct Redeliver {
    /// The delivery's id (msg_…)
    id: String,
    #[command(flatten)]
    server: Server,
}

impl Verb {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(Plain { server }) => {
                let webhook = talk(async { Ok(server.client()?.webhook().await?) })?;
                show(&server, &webhook)
            }
            Self::Set(Set { url, server }) => {
                let webhook = talk(async { Ok(server.client()?.set_webhook(&url).await?) })?;
                show(&server, &webhook)
            }
            Self::Remove(Plain { server }) => {
                let webhook = talk(async { Ok(server.client()?.unset_webhook().await?) })?;
                show(&server, &webhook)
            }
            Self::Rotate(Plain { server }) => {
                let webhook = talk(async { Ok(server.client()?.rotate_webhook_secret().await?) })?;
                if server.json {
                    return output::json(&webhook);
                }
                eprintln!("the new secret, which is not shown again; the one before signs too for 24 hours");
                output::line(&safe(webhook["secret"].as_str().unwrap_or_default()))
            }
            Self::Test(Plain { server }) => {
                let client = server.client()?;
                attempted(&server, &client, &talk(async { Ok(client.test_webhook().await?) })?)
            }
            Self::Deliveries(verb) => verb.run(),
            Self::Redeliver(Redeliver { id, server }) => {
                let client = server.client()?;
                attempted(&server, &client, &talk(async { Ok(client.redeliver(&id).await?) })?)
            }
        }
    }
}

impl Deliveries {
    fn run(self) -> anyhow::Result<()> {
        let client = self.server.client()?;
        let status = self.status.map(DeliveryState::name);
        let page = talk(async { Ok(client.deliveries(status, self.limit).await?) })?;
        if self.server.json {
            return output::json(&page["deliveries"]);
        }
        let deliveries = page["deliveries"].as_array().cloned().unwrap_or_default();
        let rows: Vec<[String; 6]> = deliveries.iter().map(row).collect();
        output::table(["ID", "TYPE", "STATUS", "ATTEMPTS", "CREATED", "LAST"], &rows)
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}

fn row(delivery: &Value) -> [String; 6] {
    let last = match (&delivery["error"], &delivery["responseStatus"]) {
        (Value::String(error), _) => error.clone(),
        (_, status) => text(status),
    };
    [
        text(&delivery["id"]),
        text(&delivery["type"]),
        text(&delivery["status"]),
        text(&delivery["attempts"]),
        text(&delivery["createdAt"]),
        last,
    ]
}

/// A webhook in lines; a secret stands alone on standard output's last line, with words on standard
/// error.
fn show(server: &Server, webhook: &Value) -> anyhow::Result<()> {
    if server.json {
        return output::json(webhook);
    }
    let mut lines = String::new();
    let mut add = |name: &str, value: &Value| {
        if !value.is_null() {
            lines.push_str(&format!("{name:<10} {}\n", safe(&text(value))));
        }
    };
    match &webhook["url"] {
        Value::Null => add("url", &Value::from("none; `diagramd webhook set URL` sets one")),
        url => add("url", url),
    }
    add("disabled", &webhook["disabledAt"]);
    add("secret of", &webhook["secretCreatedAt"]);
    add("old until", &webhook["previousSecretUntil"]);
    add("waiting", &webhook["pending"]);
    output::raw(&lines)?;
    if let Some(secret) = webhook["secret"].as_str() {
        eprintln!("the signing secret, which is not shown again:");
        output::line(&safe(secret))?;
    }
    Ok(())
}

/// Says what came of a delivery once it was attempted more often than before.
fn attempted(server: &Server, client: &Client, asked: &Value) -> anyhow::Result<()> {
    let (id, before) = (text(&asked["id"]), asked["attempts"].as_u64().unwrap_or(0));
    let begin = Instant::now();
    let delivery = talk(async {
        loop {
            let delivery = client.delivery(&id).await?;
            let is_over =
                delivery["attempts"].as_u64().unwrap_or(0) > before || delivery["status"] != "pending";
            if is_over || begin.elapsed() > ATTEMPT_TIME_MAX {
                return Ok(delivery);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    })?;
    if server.json {
        return output::json(&delivery);
    }
    let id = safe(&id);
    match delivery["status"].as_str() {
        Some("delivered") => output::line(&format!("{id} is delivered")),
        Some("failed") => anyhow::bail!("{id} is given up: {}", safe(&text(&delivery["error"]))),
        _ if delivery["error"].is_string() => {
            let (error, next) = (text(&delivery["error"]), text(&delivery["nextAttemptAt"]));
            anyhow::bail!("{id} was not taken: {}; it is sent again at {}", safe(&error), safe(&next))
        }
        _ => anyhow::bail!("{id} waits; `diagramd webhook deliveries` shows what becomes of it"),
    }
}
