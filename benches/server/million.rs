//! A million requests queued: the server's memory, its start, a kill -9 and the first call after
//! it, and how fast new requests still live their lives.

use std::path::Path;
use std::time::{Duration, Instant};

use diagramd::app::{BacklogUse, Engine};
use diagramd::config::{Config, LoadOptions};
use diagramd::domain::{DiagramType, Origin, Tier};
use diagramd::queue::SubmitRequest;
use tokio::task::JoinSet;

use super::process::{Server, WIDE_OPEN};
use super::statistics::short;
use super::upstream::{Script, Seen, Upstream};
use super::{Failure, lives, load, row};

const USERS: usize = 1000;
const EACH: usize = 1000;
const IN_FLIGHT: u32 = 8;

/// Prints the figures with a million queued.
pub async fn measure() -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let filling = Instant::now();
    fill(dir.path()).await?;
    let rate = (USERS * EACH) as f64 / filling.elapsed().as_secs_f64();
    row("filling the queue in process, durable", &format!("{rate:.0}/s"), "");
    restart(dir.path()).await?;

    let server = Server::start(dir.path(), &format!("{WIDE_OPEN}\n{}", lives::OFFLINE))?;
    let lives = lives::a_second(dir.path(), &server, lives::SHORT, load::UNCHECKED).await?;
    row(
        "full lives of everybody, short results, a million queued",
        &format!("{:.0}/s", lives.all),
        "target: at most 20 % below the same with an empty queue",
    );
    row("of these the one who submits", &format!("{:.0}/s", lives.own), "the others' million runs beside it");
    Ok(())
}

async fn restart(dir: &Path) -> Result<(), Failure> {
    let mut upstream =
        Upstream::start(Script { lines: 5, pause: Duration::ZERO, rest: Duration::ZERO }).await?;
    upstream.open.send(false)?;
    let config = format!("{WIDE_OPEN}\n{}", upstream.section(IN_FLIGHT));
    let mut server = Server::start(dir, &config)?;
    for _ in 0..IN_FLIGHT {
        call(&mut upstream).await?;
    }
    row("a million queued: the server's memory", &format!("{:.0} MB", server.resident() as f64 / 1e6), "");
    let killed = Instant::now();
    server.kill()?;
    let _again = Server::start(dir, &config)?;
    let first = call(&mut upstream).await? - killed;
    let mut last = first;
    for _ in 1..IN_FLIGHT {
        last = call(&mut upstream).await? - killed;
    }
    row("a million queued: kill -9 to the first call", &short(first), "target 5 s");
    row("a million queued: kill -9 to all 8 running calls again", &short(last), "target 2 s");
    Ok(())
}

async fn call(upstream: &mut Upstream) -> Result<Instant, Failure> {
    loop {
        if let Seen::Call(at) = upstream.seen.recv().await.ok_or("the upstream ended")? {
            return Ok(at);
        }
    }
}

/// Submits a million requests of free users through the queue, while nothing is claimed.
async fn fill(dir: &Path) -> Result<(), Failure> {
    std::fs::write(dir.join("config.toml"), format!("{WIDE_OPEN}\n{}", lives::OFFLINE))?;
    let options = LoadOptions { file: Some(dir.join("config.toml")), ..LoadOptions::default() };
    let mut config = Config::load(options).map_err(|faults| faults.to_string())?.config;
    config.server.data_dir = dir.join("data");
    let engine = Engine::start(&config, BacklogUse::Run, diagramd::store::sqlite::Watch::default()).await?;
    engine.queue.set_paused(true).await?;
    let mut users = Vec::new();
    for n in 0..USERS {
        let accounts = engine.accounts.clone();
        let made =
            tokio::task::spawn_blocking(move || accounts.ensure_user(&format!("user-{n}"), Some(Tier::Free)));
        users.push(made.await??.id);
    }
    let mut filling = JoinSet::new();
    for user in users {
        let queue = engine.queue.clone();
        filling.spawn(async move {
            for n in 0..EACH {
                let request = SubmitRequest {
                    prompt: format!("step {n}, then the next"),
                    diagram_type: Some(DiagramType::Plantuml),
                    ..SubmitRequest::default()
                };
                queue
                    .submit(user, Tier::Free, request, None, Origin::default())
                    .await
                    .map_err(|reason| format!("{reason:?}"))?;
            }
            Ok::<_, String>(())
        });
    }
    while let Some(filled) = filling.join_next().await {
        filled??;
    }
    engine.queue.set_paused(false).await?;
    engine.drain().await;
    engine.finish(std::future::ready(())).await;
    Ok(())
}
