//! The server that a verb talks to: its flags, and a runtime to talk in.

use std::future::Future;

use clap::Args;

use super::exit::UsageError;
use crate::client::Client;

/// Flags of verbs that talk to a server.
#[derive(Args, Debug)]
pub(super) struct Server {
    /// The server's URL
    #[arg(long, value_name = "URL", env = "DIAGRAMD_URL", default_value = "http://127.0.0.1:3000")]
    #[arg(help_heading = "Server")]
    server: String,
    #[command(flatten)]
    key: Key,
    /// Print JSON, as the server sent it
    #[arg(long)]
    pub(super) json: bool,
}

/// The key to ask with.
#[derive(Args, Debug)]
pub(super) struct Key {
    /// An API key of that server; `diagramd key create` makes one
    #[arg(long, value_name = "KEY", env = "DIAGRAMD_KEY", hide_env_values = true, help_heading = "Server")]
    key: Option<String>,
}

impl Server {
    /// Its URL, as it was given.
    pub(super) fn url(&self) -> &str {
        &self.server
    }

    /// Connects nothing yet; only the URL and the key are checked.
    pub(super) fn client(&self) -> anyhow::Result<Client> {
        self.key.client(&self.server)
    }
}

impl Key {
    /// A client of `server` with this key.
    pub(super) fn client(&self, server: &str) -> anyhow::Result<Client> {
        let key = self.key.as_deref().filter(|key| !key.is_empty());
        Ok(Client::new(server, key).map_err(|error| UsageError(error.to_string()))?)
    }
}

/// Runs one conversation to its end.
pub(super) fn talk<T>(conversation: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(conversation)
}
