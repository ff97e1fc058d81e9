//! Where verbs take the configuration from: the flags that every verb has.

use std::path::PathBuf;

use clap::Args;

use crate::config::{Config, Fault, Faults, LoadOptions, Loaded, Override};

/// The file that is read when none is named.
const FALLBACK_FILE: &str = "config.toml";

/// Flags of every verb.
#[derive(Args, Debug)]
pub(super) struct Sources {
    /// Configuration file [default: what DIAGRAMD_CONFIG names, else config.toml if it exists]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Configuration", display_order = 900)]
    config: Option<PathBuf>,
    /// Data directory, instead of server.data_dir of the configuration
    #[arg(long, global = true, value_name = "DIR", help_heading = "Configuration", display_order = 901)]
    data_dir: Option<String>,
}

impl Sources {
    /// The configuration, with the flags of the verb over it.
    pub(super) fn load(&self, flags: Vec<Override>) -> Result<Loaded, Faults> {
        Config::load(self.options(flags))
    }

    /// As [`Sources::load`], with the faults that `look` finds among its own.
    pub(super) fn load_with(&self, look: impl FnOnce(&Config) -> Vec<Fault>) -> Result<Loaded, Faults> {
        Config::load_with(self.options(Vec::new()), look)
    }

    /// As [`Sources::load`], but upstreams that lack their key are left out.
    pub(super) fn load_for_trying_out(&self, flags: Vec<Override>) -> Result<Loaded, Faults> {
        Config::load(LoadOptions { dev: true, ..self.options(flags) })
    }

    fn options(&self, flags: Vec<Override>) -> LoadOptions {
        let data_dir = self.data_dir.iter().map(|dir| Override {
            path: "server.data_dir",
            value: dir.clone(),
            flag: "--data-dir",
        });
        // Variables that are not text cannot be ours.
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        LoadOptions {
            file: self.config.clone(),
            fallback_file: Some(PathBuf::from(FALLBACK_FILE)),
            environment,
            overrides: data_dir.chain(flags).collect(),
            dev: false,
        }
    }
}
