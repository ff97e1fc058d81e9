//! `diagramd health`: may a server be sent work? For health checks of containers, and scripts.

use clap::Args;
use serde_json::json;

use super::exit::UsageError;
use super::output;
use super::server::talk;
use crate::client::{Client, ClientError};

#[derive(Args, Debug)]
pub(super) struct Health {
    /// The server's URL
    #[arg(long, value_name = "URL", env = "DIAGRAMD_URL", default_value = "http://127.0.0.1:3000")]
    #[arg(help_heading = "Server")]
    server: String,
    /// Print JSON, also of a server that is not ready
    #[arg(long)]
    json: bool,
}

impl Health {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let client = Client::new(&self.server, None).map_err(|error| UsageError(error.to_string()))?;
        let found = talk(async { Ok(client.ready().await) })?;
        if self.json {
            let detail = found.as_ref().err().map(ToString::to_string);
            output::json(&json!({ "server": self.server, "status": status(&found), "detail": detail }))?;
        }
        found?;
        if self.json { Ok(()) } else { output::line(&format!("{} is ready", output::safe(&self.server))) }
    }
}

/// What was found, in a word for programs.
fn status<T>(found: &Result<T, ClientError>) -> &'static str {
    match found {
        Ok(_) => "ready",
        Err(ClientError::Refused(_)) => "not_ready",
        Err(ClientError::Unreachable { .. } | ClientError::Lost { .. }) => "unreachable",
        Err(ClientError::Foreign { .. }) => "foreign",
    }
}
