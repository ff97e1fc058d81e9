//! `diagramd template …`: the templates in force, from the program and the operator's directory.

use clap::{Args, Subcommand};

use super::exit::UsageError;
use super::input::Sources;
use super::output;
use crate::app;

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// List the templates
    List(List),
    /// Show a template: its variables and its instruction
    Show(Show),
}

#[derive(Args, Debug)]
pub(super) struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
pub(super) struct Show {
    /// The template's name
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Verb {
    pub(super) fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let shelf = app::shelf(&sources.load(Vec::new())?.config)?;
        match self {
            Self::List(List { json: true }) => output::json(&shelf.list()),
            Self::List(List { json: false }) => {
                let rows: Vec<[String; 4]> = shelf.rows();
                output::table(["NAME", "TITLE", "TYPES", "VARIABLES"], &rows)
            }
            Self::Show(Show { name, json }) => {
                let unknown = || {
                    let meant = shelf
                        .nearest(&name)
                        .map_or(String::new(), |meant| format!("; did you mean {meant}?"));
                    UsageError(format!("there is no template {:?}{meant}", output::safe(&name)))
                };
                if json {
                    output::json(&shelf.one(&name).ok_or_else(unknown)?)
                } else {
                    output::raw(&output::safe(&shelf.page(&name).ok_or_else(unknown)?))
                }
            }
        }
    }
}
