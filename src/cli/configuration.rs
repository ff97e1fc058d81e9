//! `diagramd config …`: whether the configuration is right, what is in force, every key there is.

use clap::{Args, Subcommand};

use super::input::Sources;
use super::output;
use crate::{app, config};

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Report every fault of the configuration at once
    Check,
    /// Print the configuration in force, secrets masked
    Show(Show),
    /// Print a commented file with every key and its default
    Default,
}

#[derive(Args, Debug)]
pub(super) struct Show {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Verb {
    pub(super) fn run(self, sources: &Sources) -> anyhow::Result<()> {
        match self {
            Self::Check => check(sources),
            Self::Show(Show { json: false }) => output::raw(&config::show(&sources.load(Vec::new())?.config)),
            Self::Show(Show { json: true }) => {
                output::json(&config::show_json(&sources.load(Vec::new())?.config))
            }
            Self::Default => output::raw(config::default_toml()),
        }
    }
}

fn check(sources: &Sources) -> anyhow::Result<()> {
    let loaded = sources.load_with(|config| {
        let files = [app::shelf(config).err(), app::check_render(config).err()];
        files.into_iter().flatten().flat_map(|faults| faults.all().to_vec()).collect()
    })?;
    let render = app::check_render(&loaded.config)?;
    for warning in loaded.warnings.iter().chain(&render) {
        eprintln!("warning: {warning}");
    }
    let file =
        loaded.file.map_or_else(|| "no file, the defaults".to_owned(), |file| file.display().to_string());
    output::line(&format!("the configuration is good ({file})"))
}
