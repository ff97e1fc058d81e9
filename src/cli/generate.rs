//! `diagramd generate`: one diagram, from a server or made in this process.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::exit::UsageError;
use super::input::Sources;
use super::interrupt::{Interrupt, Interrupts};
use super::output;
use super::pace::Pace;
use super::server::{Key, talk};
use super::source;
use super::variables::{self, Given};
use crate::app::{self, Cancelled, DrawRequest, Format, Generated};
use crate::client::{Client, ClientError, GenerateRequest, Progress, Status, Verdict};
use crate::config::Loaded;
use crate::domain::{BASE_SOURCE_BYTES_MAX, DiagramType, JobState, ValidationStatus};

/// How long Ctrl-C waits for the server to take the cancellation.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Args, Debug)]
pub(super) struct Generate {
    /// What to draw
    prompt: String,
    /// The language: mermaid, graphviz, plantuml or d2; without it that of --base, else mermaid
    #[arg(short = 't', long = "type", value_name = "TYPE")]
    diagram_type: Option<DiagramType>,
    /// A diagram to change as the prompt says
    #[arg(long, value_name = "FILE")]
    base: Option<PathBuf>,
    /// A template to follow; `diagramd template list` names them
    #[arg(long, value_name = "NAME")]
    template: Option<String>,
    /// A variable of the template; @FILE takes the text of a file; a list may be given again
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variables::given, requires = "template")]
    variables: Vec<Given>,
    /// Write the diagram here instead of its text to standard output: a picture when the name ends
    /// in .svg or .png, else the text
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// A server to ask; without one the diagram is made in this process, on the data directory
    #[arg(long, value_name = "URL", env = "DIAGRAMD_URL", help_heading = "Server")]
    server: Option<String>,
    #[command(flatten)]
    key: Key,
}

impl Generate {
    pub(super) fn run(self, sources: &Sources) -> anyhow::Result<()> {
        if self.prompt.trim().is_empty() {
            return Err(UsageError("the prompt is empty; say what to draw".to_owned()).into());
        }
        if let Some(file) = &self.output {
            check_output(file)?;
        }
        match self.server.as_deref().filter(|server| !server.is_empty()) {
            Some(server) => {
                let client = self.key.client(server)?;
                let draw = |source: &str, format: Format| {
                    let picture = async { Ok(client.render(self.language(), source, format.name()).await?) };
                    talk(picture)
                };
                self.try_drawing(draw)?;
                self.finish(&talk(self.by_server(&client))?, draw)
            }
            None => {
                let loaded = sources.load(Vec::new())?;
                let draw = |source: &str, format: Format| {
                    let request = DrawRequest::plain(self.language(), source, format);
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                    runtime.block_on(app::draw_in_process(&loaded.config, &request))
                };
                self.try_drawing(draw)?;
                self.finish(&self.in_process(loaded.clone())?, draw)
            }
        }
    }

    /// The picture to write, if one is wanted.
    fn picture(&self) -> Option<(&Path, Format)> {
        self.output.as_deref().and_then(|file| Some((file, source::format_of(file)?)))
    }

    /// Draws something small of the same language, so that nobody pays for a diagram whose picture
    /// cannot be drawn here.
    fn try_drawing(&self, draw: impl Fn(&str, Format) -> anyhow::Result<Vec<u8>>) -> anyhow::Result<()> {
        let Some((file, format)) = self.picture() else { return Ok(()) };
        let drawn = draw(source::sample(self.language()), format);
        drawn.map(drop).with_context(|| {
            format!(
                "nothing was asked for, since {} could not be drawn; without -o the text comes",
                file.display()
            )
        })
    }

    /// Says what is to be said of the diagram, and writes it where it is wanted.
    fn finish(
        &self,
        generated: &Generated,
        draw: impl FnOnce(&str, Format) -> anyhow::Result<Vec<u8>>,
    ) -> anyhow::Result<()> {
        if generated.validation == ValidationStatus::Invalid {
            eprintln!("warning: the diagram does not parse");
            for error in &generated.errors {
                eprintln!("{}: {}", source::place("diagram", error), output::safe(&error.message));
            }
        }
        for mend in &generated.mends {
            eprintln!("repaired: {}", output::safe(mend));
        }
        let Some((file, format)) = self.picture() else { return self.write(&generated.source) };
        match draw(&generated.source, format) {
            Ok(picture) => {
                std::fs::write(file, picture).with_context(|| format!("{} cannot be written", file.display()))
            }
            Err(reason) => {
                // It was made, and may have been paid for: it is not lost with its picture.
                output::line(generated.source.trim_end_matches('\n'))?;
                Err(source::explained("the diagram above", reason))
            }
        }
    }

    fn in_process(&self, loaded: Loaded) -> anyhow::Result<Generated> {
        for warning in &loaded.warnings {
            eprintln!("warning: {warning}");
        }
        let templates = || Ok(app::shelf(&loaded.config)?.list());
        let request = self.request(templates)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let generated = runtime.block_on(Box::pin(in_this_process(loaded, request)));
        // After a second Ctrl-C nothing is waited for.
        runtime.shutdown_background();
        generated
    }

    /// What is asked; `templates` gives them all, and is asked only when one is to be followed.
    fn request(&self, templates: impl FnOnce() -> anyhow::Result<Value>) -> anyhow::Result<GenerateRequest> {
        let template = self.template.as_ref().map(|name| {
            let variables = variables::values(name, &self.variables, &templates()?)?;
            anyhow::Ok((name.clone(), variables))
        });
        let base_source = self.base.as_deref().map(base_source).transpose()?;
        Ok(GenerateRequest {
            prompt: self.prompt.clone(),
            diagram_type: self.language(),
            base_source,
            template: template.transpose()?,
        })
    }

    /// The language asked for, else that of the diagram to change.
    fn language(&self) -> DiagramType {
        let of_base = || self.base.as_deref().map(source::type_of);
        self.diagram_type.or_else(of_base).unwrap_or_default()
    }

    async fn by_server(&self, client: &Client) -> anyhow::Result<Generated> {
        let known = match (&self.template, self.variables.is_empty()) {
            (Some(_), false) => client.templates().await?,
            (Some(_), true) | (None, _) => Value::Null,
        };
        by_server(client, &self.request(|| Ok(known))?).await
    }

    fn write(&self, text: &str) -> anyhow::Result<()> {
        let text = text.trim_end_matches('\n');
        match &self.output {
            None => output::line(text),
            Some(file) => std::fs::write(file, format!("{text}\n"))
                .with_context(|| format!("{} cannot be written", file.display())),
        }
    }
}

/// The text of a diagram to change.
fn base_source(file: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let limit = u64::try_from(BASE_SOURCE_BYTES_MAX + 1).unwrap_or(u64::MAX);
    let read = std::fs::File::open(file).and_then(|file| file.take(limit).read_to_string(&mut text));
    read.with_context(|| format!("{} cannot be read", file.display()))?;
    if text.len() > BASE_SOURCE_BYTES_MAX {
        bail!("{} has more than {BASE_SOURCE_BYTES_MAX} bytes, which is too large to change", file.display());
    }
    Ok(text)
}

/// What would fail after the diagram is made, found out before.
fn check_output(file: &Path) -> anyhow::Result<()> {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    if parent.is_some_and(|parent| !parent.is_dir()) {
        bail!("{} cannot be written: its directory does not exist", file.display());
    }
    Ok(())
}

/// The first Ctrl-C cancels the request and waits until that is on disk, the second waits for nothing.
async fn in_this_process(loaded: Loaded, request: GenerateRequest) -> anyhow::Result<Generated> {
    let mut interrupts = Interrupts::listen()?;
    let cancel = CancellationToken::new();
    let mut pace = Pace::new();
    let mut show = |progress: Progress| pace.show(&progress);
    let mut work = std::pin::pin!(app::generate_in_process(loaded, request, &mut show, cancel.clone()));
    let interrupt = tokio::select! {
        generated = &mut work => return generated,
        interrupt = interrupts.next() => interrupt,
    };
    cancel.cancel();
    tokio::select! {
        generated = &mut work => match generated {
            Err(reason) if reason.is::<Cancelled>() => Err(interrupt.because(reason.to_string())),
            // It ended before it could be cancelled.
            ended => ended,
        },
        _ = interrupts.next() => Err(interrupt.because(
            "ended at once; the request stays on the data directory and goes on when that is used next",
        )),
    }
}

async fn by_server(client: &Client, request: &GenerateRequest) -> anyhow::Result<Generated> {
    let mut interrupts = Interrupts::listen()?;
    let key = format!("{:032x}", rand::random::<u128>());
    let mut submitting = std::pin::pin!(client.generate(request, &key));
    let accepted = tokio::select! {
        accepted = &mut submitting => accepted,
        interrupt = interrupts.next() => {
            let Ok(Ok(accepted)) = tokio::time::timeout(CANCEL_TIMEOUT, submitting).await else {
                return Err(interrupt.because("cancelled; the server did not say that it had taken the request"));
            };
            return Err(cancel(client, &accepted.request_id, interrupt).await);
        }
    };
    let id = accepted
        .map_err(|error| match error {
            lost @ ClientError::Lost { .. } => {
                anyhow::Error::from(lost).context("it is not known whether the server took the request")
            }
            other => other.into(),
        })?
        .request_id;
    let mut pace = Pace::new();
    pace.say(&format!("accepted as {id}"));
    let mut show = |progress: Progress| pace.show(&progress);
    let status = tokio::select! {
        status = client.follow(&id, &mut show) => {
            status.with_context(|| format!("{id} goes on; ask again with `diagramd status {id}`"))?
        }
        interrupt = interrupts.next() => {
            drop(pace);
            return Err(cancel(client, &id, interrupt).await);
        }
    };
    ended(status)
}

/// Cancels the request; what is said of it.
async fn cancel(client: &Client, id: &str, interrupt: Interrupt) -> anyhow::Error {
    interrupt.because(match tokio::time::timeout(CANCEL_TIMEOUT, client.cancel(id)).await {
        Ok(Ok(_)) => format!("cancelled {id}"),
        Ok(Err(error)) => format!("{id} was not cancelled: {error}"),
        Err(_) => format!("{id} was not cancelled: the server did not answer; try `diagramd cancel {id}`"),
    })
}

fn ended(status: Status) -> anyhow::Result<Generated> {
    match status.status {
        JobState::Completed => {}
        JobState::Failed => match status.error {
            Some(error) => bail!("{} ({})", error.message, error.code),
            None => bail!("the request failed"),
        },
        JobState::Expired => bail!("the request's deadline passed while it waited"),
        JobState::Cancelled => bail!("the request was cancelled"),
        JobState::Queued | JobState::Processing => bail!("the request has not ended"),
    }
    let Some(source) = status.result else { bail!("the server's answer has no diagram in it") };
    let Verdict { status: validation, errors, mends } = status.validation.unwrap_or(Verdict {
        status: ValidationStatus::Unchecked,
        errors: Vec::new(),
        mends: Vec::new(),
    });
    Ok(Generated { source, validation, errors, mends })
}
