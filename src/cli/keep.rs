//! `diagramd backup` and `diagramd restore`: the database copied beside a running server, looked at,
//! put back.

use std::io::{IsTerminal, stderr};
use std::path::PathBuf;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tokio_util::sync::CancellationToken;

use super::exit::UsageError;
use super::input::Sources;
use super::interrupt::Interrupts;
use super::output;
use crate::app::{self, Contents, Progress, Requests, Restoring, Stopped};

#[derive(Args, Debug)]
pub(super) struct Backup {
    /// The file to write: a whole database, also usable as storage.url
    file: PathBuf,
    /// Replace the file if it is there
    #[arg(short, long)]
    force: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
pub(super) struct Restore {
    /// A file that `backup` wrote
    file: PathBuf,
    /// Only say whether it can be served, and what is in it
    #[arg(long)]
    check: bool,
    /// Put a database that is in the data directory aside; it is kept under another name
    #[arg(long)]
    replace: bool,
    /// Start with the queue paused, so that no request runs before you have looked
    #[arg(long)]
    paused: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Backup {
    pub(super) fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let config = sources.load(Vec::new())?.config;
        let (file, force) = (self.file, self.force);
        let made = interruptible(move |stop, progress| app::backup(&config, &file, force, stop, progress))?;
        if self.json {
            return output::json(&made);
        }
        output::line(&format!(
            "{} is whole and checked: {}, schema {}, with everything accepted before {}",
            output::safe(&made.file.display().to_string()),
            size(made.bytes),
            made.schema,
            made.as_of
        ))
    }
}

impl Restore {
    pub(super) fn run(self, sources: &Sources) -> anyhow::Result<()> {
        if self.check && (self.replace || self.paused) {
            let message = "--check changes nothing; leave out --replace and --paused, or leave out --check";
            return Err(UsageError(message.to_owned()).into());
        }
        if self.check { self.look() } else { self.put_back(sources) }
    }

    fn look(self) -> anyhow::Result<()> {
        let file = self.file.clone();
        let contents = interruptible(move |stop, _| app::check_backup(&file, stop))?;
        if self.json {
            return output::json(&contents);
        }
        output::line(&format!("{} can be served", output::safe(&contents.file.display().to_string())))?;
        show(&contents)?;
        output::line(&format!(
            "\nTo serve it: stop the server, run `diagramd restore FILE`, start the server.\n\
             Or leave it where it is, with storage.url = {:?}.",
            format!("sqlite:{}", std::path::absolute(&contents.file)?.display())
        ))
    }

    fn put_back(self, sources: &Sources) -> anyhow::Result<()> {
        let config = sources.load(Vec::new())?.config;
        let how = Restoring { replace: self.replace, paused: self.paused };
        let file = self.file.clone();
        let restored =
            interruptible(move |stop, progress| app::restore_backup(&config, &file, how, stop, progress))?;
        if self.json {
            return output::json(&restored);
        }
        let database = &restored.database;
        output::line(&format!("{} is restored", output::safe(&database.file.display().to_string())))?;
        show(database)?;
        if let Some(kept) = &restored.kept {
            output::line(&format!(
                "\nThe database before it is kept: {}",
                output::safe(&kept.display().to_string())
            ))?;
        }
        output::line(&advice(&database.requests))
    }
}

/// What an operator is to know before the server starts on it.
fn advice(requests: &Requests) -> String {
    let again = requests.queued + requests.processing;
    let run = match again {
        0 => String::new(),
        1 => " 1 request that waited or ran then runs when the server starts, also if it ended since."
            .to_owned(),
        _ => format!(
            " {again} requests that waited or ran then run when the server starts, also those that ended since."
        ),
    };
    format!("\nKeys and users are as they were then: revoke again what was revoked since.{run}")
}

fn show(contents: &Contents) -> anyhow::Result<()> {
    let Requests { queued, processing, completed, failed, cancelled, expired } = contents.requests;
    let schema = if contents.schema == contents.schema_served {
        contents.schema.to_string()
    } else {
        format!(
            "{}; becomes {} when it is opened, and a copy is kept",
            contents.schema, contents.schema_served
        )
    };
    let queue = if contents.paused { "; the queue is paused" } else { "" };
    output::line(&format!(
        "  waiting          {queued} and {processing} under way{queue}\n  \
           ended            {completed} completed, {failed} failed, {cancelled} cancelled, {expired} expired\n  \
           newest request   {}\n  \
           users            {}, with {} keys\n  \
           size             {}\n  \
           schema           {schema}",
        output::or_dash(contents.newest_request),
        contents.users,
        contents.keys,
        size(contents.bytes),
    ))
}

/// Bytes as people read them: `1.4 MB`.
fn size(bytes: u64) -> String {
    let units = [("GB", 1_000_000_000_u64), ("MB", 1_000_000), ("kB", 1000)];
    match units.into_iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes} bytes"),
    }
}

/// Runs `work` on a thread of its own. The first Ctrl-C or SIGTERM asks it to stop and to tidy up,
/// the second waits for nothing.
fn interruptible<T: Send + 'static>(
    work: impl FnOnce(&CancellationToken, &mut dyn FnMut(Progress)) -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let stop = CancellationToken::new();
    let asked = stop.clone();
    let outcome = runtime.block_on(async {
        let mut interrupts = Interrupts::listen()?;
        let mut working = tokio::task::spawn_blocking(move || {
            let bar = Bar::new();
            work(&asked, &mut |progress| bar.show(progress))
        });
        let interrupt = tokio::select! {
            done = &mut working => return done?,
            interrupt = interrupts.next() => interrupt,
        };
        stop.cancel();
        tokio::select! {
            done = &mut working => match done? {
                Err(reason) if reason.is::<Stopped>() => Err(interrupt.because(reason.to_string())),
                // It was done before it was asked to stop.
                other => other,
            },
            _ = interrupts.next() => Err(interrupt.because("stopped; what was half written lies beside the file, and the next run removes it")),
        }
    });
    runtime.shutdown_background();
    outcome
}

/// A bar on a terminal, nothing elsewhere: a backup by a timer says what it has to say at its end.
struct Bar(Option<ProgressBar>);

impl Bar {
    fn new() -> Self {
        let style = ProgressStyle::with_template("{spinner} {bar:24.cyan/black.bright} {msg}");
        Self(stderr().is_terminal().then(|| ProgressBar::new(1)).zip(style.ok()).map(|(bar, style)| {
            bar.set_style(style);
            bar.set_message("copying");
            bar
        }))
    }

    fn show(&self, progress: Progress) {
        let Some(bar) = &self.0 else { return };
        match progress {
            Progress::Copying(done, of) => {
                bar.set_length(of);
                bar.set_position(done);
            }
            Progress::Checking => bar.set_message("checking"),
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_as_people_read_them() {
        for (bytes, shown) in
            [(7, "7 bytes"), (1_400_000, "1.4 MB"), (999_999, "999.9 kB"), (2_000_000_000, "2.0 GB")]
        {
            assert_eq!(size(bytes), shown);
        }
    }
}
