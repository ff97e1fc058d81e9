//! `diagramd completions` and `diagramd man`: the command line about itself.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, output};

#[derive(Args, Debug)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

#[derive(Args, Debug)]
pub(super) struct Man {
    /// Write one page a verb into this directory instead
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Completions {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "diagramd", &mut script);
        output::raw(&String::from_utf8(script)?)
    }
}

impl Man {
    pub(super) fn run(self) -> anyhow::Result<()> {
        if let Some(dir) = self.dir {
            std::fs::create_dir_all(&dir)
                .with_context(|| format!("the directory {} cannot be made", dir.display()))?;
            return clap_mangen::generate_to(Cli::command(), &dir)
                .with_context(|| format!("the pages cannot be written into {}", dir.display()));
        }
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page)?;
        output::raw(&String::from_utf8(page)?)
    }
}
