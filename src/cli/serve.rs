//! `diagramd serve`.

use clap::Args;

use super::input::Sources;
use crate::app::{self, ServeOptions};
use crate::config::Override;

#[derive(Args, Debug)]
pub(super) struct Serve {
    /// Where to listen: host:port or unix:/path, instead of server.listen of the configuration
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// For trying it out: print one ready key per tier and the address; without a model's key, draft offline
    #[arg(long)]
    dev: bool,
}

impl Serve {
    pub(super) fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let listen = self.listen.map(|value| Override { path: "server.listen", value, flag: "--listen" });
        let flags = listen.into_iter().collect();
        let loaded = if self.dev { sources.load_for_trying_out(flags)? } else { sources.load(flags)? };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let served = runtime.block_on(Box::pin(app::serve(loaded, ServeOptions { dev: self.dev })));
        // All that must be done is done. A name that is still being looked up is waited for by nobody.
        runtime.shutdown_background();
        served
    }
}
