//! `diagramd watch`: the queue, its upstreams and the latest requests, live on a terminal.

use std::io::{IsTerminal, stdout};
use std::time::Duration;

use clap::Args;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use super::exit::UsageError;
use super::output;
use super::server::{Server, talk};
use crate::client::{Client, ClientError, QueueNews};
use view::{View, Wish};

mod columns;
mod draw;
mod view;

/// Between two looks at the latest requests, and two pictures of the clock.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Latest requests asked for; more than most terminals have rows.
const REQUESTS_MAX: u32 = 50;
/// News, keys and lists of requests that wait to be shown.
const WAITING_MAX: usize = 16;

#[derive(Args, Debug)]
pub(super) struct Watch {
    #[command(flatten)]
    server: Server,
}

/// What the view is told.
enum Told {
    Queue(QueueNews),
    Requests(Result<Value, ClientError>),
    Paused(Result<Value, ClientError>),
    Terminal(Event),
    /// Another second has gone by.
    Second,
}

impl Watch {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let client = self.server.client()?;
        if self.server.json {
            return talk(lines(client));
        }
        if !stdout().is_terminal() {
            return Err(UsageError(
                "watch draws on a terminal, and standard output is none; --json prints the figures, a line \
                 whenever they change"
                    .to_owned(),
            )
            .into());
        }
        talk(async {
            // A server that refuses or is not there is said so on the terminal as it was.
            client.queue().await?;
            let mut terminal = ratatui::try_init()?;
            let ended = watch(&mut terminal, client, View::new(self.server.url())).await;
            ratatui::restore();
            ended
        })
    }
}

/// Prints the figures, a line of JSON whenever they change, until standard output is closed.
async fn lines(client: Client) -> anyhow::Result<()> {
    let (sender, mut news) = mpsc::channel(WAITING_MAX);
    let follow = client.follow_queue(sender);
    let print = async {
        while let Some(told) = news.recv().await {
            match told {
                QueueNews::Figures(figures) => output::line(&figures.to_string())?,
                QueueNews::Lost(reason) => eprintln!("{}; trying again", output::safe(&reason)),
            }
        }
        Ok(())
    };
    tokio::select! {
        ended = follow => Ok(ended?),
        ended = print => ended,
    }
}

async fn watch(terminal: &mut DefaultTerminal, client: Client, mut view: View) -> anyhow::Result<()> {
    let (sender, mut told) = mpsc::channel(WAITING_MAX);
    let keys = sender.clone();
    // The thread ends with the process: reading a terminal cannot be given up.
    std::thread::Builder::new().name("terminal".to_owned()).spawn(move || {
        while let Ok(event) = event::read() {
            if keys.blocking_send(Told::Terminal(event)).is_err() {
                return;
            }
        }
    })?;
    let mut following = tokio::spawn(follow(client.clone(), sender.clone()));
    tokio::spawn(look(client.clone(), sender.clone()));
    let mut clock = interval(LOOK_EVERY);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        terminal.draw(|frame| draw::draw(frame, &view))?;
        let news = tokio::select! {
            Some(news) = told.recv() => news,
            ended = &mut following => return Ok(ended??),
            _ = clock.tick() => Told::Second,
        };
        let wish = match news {
            Told::Queue(news) => view.told(news),
            Told::Requests(answer) => view.requests(answer),
            Told::Paused(answer) => view.paused(answer),
            Told::Terminal(event) => view.event(&event),
            Told::Second => view.tick(),
        };
        match wish {
            Wish::Nothing => {}
            Wish::Quit => return Ok(()),
            Wish::SetPaused(paused) => {
                let (client, sender) = (client.clone(), sender.clone());
                tokio::spawn(async move {
                    // Who is gone needs no answer.
                    let _ = sender.send(Told::Paused(client.set_paused(paused).await)).await;
                });
            }
        }
    }
}

async fn follow(client: Client, sender: mpsc::Sender<Told>) -> Result<(), ClientError> {
    let (news_sender, mut news) = mpsc::channel(WAITING_MAX);
    let pass_on = async {
        while let Some(told) = news.recv().await {
            if sender.send(Told::Queue(told)).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        ended = client.follow_queue(news_sender) => ended,
        () = pass_on => Ok(()),
    }
}

/// Asks for the latest requests, once a second.
async fn look(client: Client, sender: mpsc::Sender<Told>) {
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if sender.send(Told::Requests(client.latest_requests(REQUESTS_MAX).await)).await.is_err() {
            return;
        }
    }
}
