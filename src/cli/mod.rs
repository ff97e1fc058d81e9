//! The verbs of the command line: the parser, and one file a verb.
//!
//! Called by main. Verbs parse, call a room (or the server's API through `client`), and print;
//! rules live in the rooms.

use clap::{Parser, Subcommand};

mod about;
mod configuration;
mod exit;
mod export;
mod figures;
mod generate;
mod health;
mod input;
mod interrupt;
mod invoice;
mod keep;
mod key;
mod output;
mod pace;
mod plan;
mod render;
mod request;
mod serve;
mod server;
mod sink;
mod source;
mod template;
mod tier;
mod user;
mod validate;
mod variables;
mod watch;
mod webhook;

pub use exit::{DONE, FAILED, FAULTY, USAGE, failure};
use input::Sources;

/// Turns prompts into diagrams: an API server with a durable fair queue, and its tools.
#[derive(Debug, Parser)]
#[command(name = "diagramd", version, propagate_version = false, disable_help_subcommand = true)]
#[command(subcommand_required = true, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "\
To try it out:    diagramd generate \"Order arrives; if in stock ship it, otherwise back-order\"
To run a server:  diagramd serve --dev
To configure it:  diagramd config default > config.toml

Exit status: 0 done, 1 failed, 2 usage, 78 bad configuration, 130 interrupted.")]
pub struct Cli {
    #[command(flatten)]
    sources: Sources,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the server
    Serve(serve::Serve),
    /// Check and show the configuration
    #[command(subcommand)]
    Config(configuration::Verb),
    /// Make, list and revoke API keys
    #[command(subcommand)]
    Key(key::Verb),
    /// List and change users
    #[command(subcommand)]
    User(user::Verb),
    /// Show the tiers
    #[command(subcommand)]
    Tier(tier::Verb),
    /// Show the templates
    #[command(subcommand)]
    Template(template::Verb),
    /// Make a diagram
    Generate(generate::Generate),
    /// Show where a request stands
    Status(request::Status),
    /// Cancel a request
    Cancel(request::Cancel),
    /// Show your limits and what you used of them
    Usage(figures::Usage),
    /// Show the whole queue (admins)
    Queue(figures::Queue),
    /// Show figures over a time (admins)
    Stats(figures::Stats),
    /// Watch the queue live (admins)
    Watch(watch::Watch),
    /// Say whether a server is ready for work
    Health(health::Health),
    /// Say how long people would have waited on another plan
    Plan(plan::Plan),
    /// Have ends told to an application of yours
    #[command(subcommand)]
    Webhook(webhook::Verb),
    /// Draw a diagram that you have
    Render(render::Render),
    /// Check a diagram that you have
    Validate(validate::Validate),
    /// Copy the database into a file, while a server runs or not
    Backup(keep::Backup),
    /// Put a backup back, or say whether it can be
    Restore(keep::Restore),
    /// Write usage for your books
    #[command(subcommand)]
    Export(export::Verb),
    /// Write what users owe for a month, and what they cost
    Invoice(invoice::Invoice),
    /// Print a completion script for a shell
    Completions(about::Completions),
    /// Print the manual page
    Man(about::Man),
    /// Print the version
    Version,
}

/// Runs the verb.
///
/// # Errors
/// What [`failure`] turns into an exit status and a message.
pub fn run(cli: Cli) -> anyhow::Result<()> {
    let Cli { sources, verb } = cli;
    match verb {
        Verb::Serve(verb) => verb.run(&sources),
        Verb::Config(verb) => verb.run(&sources),
        Verb::Key(verb) => verb.run(&sources),
        Verb::User(verb) => verb.run(&sources),
        Verb::Tier(verb) => verb.run(&sources),
        Verb::Template(verb) => verb.run(&sources),
        Verb::Generate(verb) => verb.run(&sources),
        Verb::Status(verb) => verb.run(),
        Verb::Cancel(verb) => verb.run(),
        Verb::Usage(verb) => verb.run(),
        Verb::Queue(verb) => verb.run(),
        Verb::Stats(verb) => verb.run(),
        Verb::Watch(verb) => verb.run(),
        Verb::Health(verb) => verb.run(),
        Verb::Plan(verb) => verb.run(&sources),
        Verb::Webhook(verb) => verb.run(),
        Verb::Render(verb) => verb.run(&sources),
        Verb::Validate(verb) => verb.run(&sources),
        Verb::Backup(verb) => verb.run(&sources),
        Verb::Restore(verb) => verb.run(&sources),
        Verb::Export(verb) => verb.run(&sources),
        Verb::Invoice(verb) => verb.run(&sources),
        Verb::Completions(verb) => verb.run(),
        Verb::Man(verb) => verb.run(),
        Verb::Version => output::line(concat!("diagramd ", env!("CARGO_PKG_VERSION"))),
    }
}
