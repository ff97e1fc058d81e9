//! `serve`: the engine behind HTTP, until a signal.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use arc_swap::ArcSwap;
use tokio::net::{TcpListener, UnixListener};
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Listen, Loaded};
use crate::http::api::Api;
use crate::http::call_limits::CallLimits;
use crate::http::live::Live;
use crate::http::observed;
use crate::http::readiness::Readiness;
use crate::http::server::{self, Door, Listener};
use crate::queue::Observe;
use crate::store::StoreError;
use crate::store::sqlite::Watch;

use super::engine::{BacklogUse, Engine, now};
use super::signals::{Signals, Wish};
use super::traces::Traces;
use super::{alerting, dev, figures, links, reload, service, wiring};

/// Open files beside the connections: the database, its readers, upstreams, pipes.
const OTHER_FILES: u64 = 256;
/// What clients get to hear that the server stops when the grace is used up.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How to serve.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServeOptions {
    /// Print one ready key per tier and where to go.
    pub dev: bool,
}

/// Serves until SIGTERM or SIGINT; a second one ends at once.
///
/// # Errors
/// When anything that serving needs cannot be had: the data directory, the address, an
/// upstream's settings.
pub async fn serve(loaded: Loaded, options: ServeOptions) -> anyhow::Result<()> {
    let mut signals = Signals::listen()?;
    let config = loaded.config.clone();
    let logs = crate::telemetry::logs::start(wiring::log_format(&config), &config.log.level)?;
    raise_open_files(config.server.max_connections);
    let Some(mut engine) = start(&config, &mut signals).await? else { return Ok(()) };
    let (main, address) = listeners(&config.server.listen).await?;
    let mut listeners: Vec<_> = main.into_iter().map(|listener| (Door::Main, listener)).collect();
    if let Some(own) = config.metrics.listen {
        let (listener, address) = bind(&Listen::Tcp(own)).await.context("metrics.listen cannot be used")?;
        listeners.push((Door::Figures, listener));
        tracing::info!(figures = address, "the figures for Prometheus have a listener of their own");
    }
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    wiring::say_upstreams(&config, &loaded.warnings);
    let alerting = alerting::prepare(&config)?;
    let mut traces = Traces::prepare(&config)?;
    let api = Arc::new(api(&config, &engine, &alerting, &traces, options)?);
    traces.start();
    // Who connects meanwhile waits for the answer: the listener stands.
    engine.begin().await?;
    alerting.start(&config, &mut engine);
    let stop = CancellationToken::new();
    let mut http =
        tokio::spawn(server::serve(Arc::clone(&api), listeners, stop.clone(), config.server.shutdown_grace));
    tracing::info!(address, version = env!("CARGO_PKG_VERSION"), "serving");
    let page = links::served_url(&config, &address);
    if options.dev {
        dev::welcome(&engine.accounts, &address, &page).await?;
    } else {
        dev::retire(&engine.accounts).await?;
        links::offer_setup(&engine.accounts, &page).await?;
    }

    service::ready();
    let ticks = Arc::clone(&engine.scheduler);
    tokio::spawn(service::feed_watchdog(move || ticks.is_ticking(), stop.clone()));

    let (scheduler, queue) = (Arc::clone(&engine.scheduler), engine.queue.clone());
    let mut running = reload::Running { loaded, logs, scheduler, queue, alerting, api: Arc::clone(&api) };
    loop {
        tokio::select! {
            wish = signals.next() => match wish {
                Wish::Reload => {
                    service::reloading();
                    running.reload();
                    service::ready();
                }
                Wish::Stop => break,
            },
            ended = &mut http => {
                ended.context("the HTTP server ended unexpectedly")?;
                break;
            }
        }
    }
    service::stopping();
    engine.drain().await;
    tracing::info!("stopping: nothing is accepted, running calls may finish; a second signal ends them");
    // One grace period and one second signal for everything that is waited for.
    let hurry = CancellationToken::new();
    let watching = tokio::spawn(hurry_up(signals, config.server.shutdown_grace, hurry.clone()));
    engine.finish(hurry.clone().cancelled_owned()).await;
    stop.cancel();
    if !http.is_finished() {
        // Answers and good-byes get what is left of the grace, and a moment in any case.
        let too_long = async {
            hurry.cancelled().await;
            tokio::time::sleep(LAST_WORDS).await;
        };
        tokio::select! {
            ended = &mut http => ended.context("the HTTP server did not end well")?,
            () = too_long => {
                api.live.cut().cancel();
                http.await.context("the HTTP server did not end well")?;
            }
        }
    }
    watching.abort();
    traces.finish(tokio::time::sleep(LAST_WORDS)).await;
    tracing::info!("stopped");
    Ok(())
}

/// The engine; `None` when a signal asked to stop before there was one. An older database may take
/// long to copy and to migrate: the service manager hears that it goes on, and who stops it finds it
/// as it was.
async fn start(config: &Config, signals: &mut Signals) -> anyhow::Result<Option<Engine>> {
    let stop = CancellationToken::new();
    let watch = Watch::new(stop.clone(), service::still_starting());
    let mut starting = Box::pin(Engine::start(config, BacklogUse::Run, watch));
    tokio::select! {
        started = &mut starting => return started.map(Some),
        () = signals.stop() => stop.cancel(),
    }
    match starting.await {
        Ok(engine) => {
            engine.drain().await;
            engine.finish(std::future::ready(())).await;
        }
        Err(reason)
            if reason
                .downcast_ref::<StoreError>()
                .is_some_and(|reason| matches!(reason, StoreError::Closed)) => {}
        Err(reason) => return Err(reason),
    }
    tracing::info!("stopped before anything was served");
    Ok(None)
}

/// Fires `hurry` at the end of the grace period, or at the next signal to stop.
async fn hurry_up(mut signals: Signals, grace: Duration, hurry: CancellationToken) {
    if tokio::time::timeout(grace, signals.stop()).await.is_ok() {
        tracing::warn!("a second signal: running calls are closed, their requests wait on disk");
    }
    hurry.cancel();
}

fn api(
    config: &Config,
    engine: &Engine,
    alerting: &alerting::Alerting,
    traces: &Traces,
    serving: ServeOptions,
) -> anyhow::Result<Api> {
    let scheduler = Arc::clone(&engine.scheduler);
    let live = Arc::new(Live::new(config.server.max_connections));
    let figures = figures::begin(config, engine, &live, &alerting.alerts, traces.counts());
    let tracer = traces.tracer();
    if let Some(outbox) = engine.outbox() {
        let (delivered, tracer) = (figures.delivered, tracer.clone());
        outbox.listen(Arc::new(move |attempt| {
            delivered(attempt);
            tracer.iter().for_each(|tracer| tracer.delivered(attempt));
        }));
    }
    let ends = Arc::new(alerting::Ends(Arc::clone(&alerting.alerts)));
    let mut observers: Vec<Arc<dyn Observe>> = vec![figures.requests, ends];
    observers.extend(tracer.clone().map(|tracer| tracer as Arc<dyn Observe>));
    engine.queue.observe(observers);
    let count = figures.answered;
    Ok(Api {
        queue: engine.queue.clone(),
        reader: engine.reader.clone(),
        bus: engine.bus.clone(),
        accounts: engine.accounts.clone(),
        webhooks: engine.webhooks.clone(),
        templates: Arc::clone(&engine.templates),
        checker: Arc::clone(&engine.checker),
        artist: Arc::clone(&engine.artist),
        auth: wiring::auth(config, engine.accounts.clone(), engine.secret)?,
        calls: CallLimits::new(&config.server),
        readiness: Readiness::default(),
        live,
        options: config.server.clone(),
        is_in_development: serving.dev,
        effective_config: ArcSwap::from_pointee(crate::config::show_json(config)),
        clock: now,
        scheduler_ticks: Box::new(move || scheduler.is_ticking()),
        sample: traces.sample(config),
        answered: Box::new(move |answer| {
            count(answer);
            tracer.iter().for_each(|tracer| tracer.answered(answer));
        }),
        figures: observed::Figures {
            token: config.metrics.token.clone(),
            has_own_listener: config.metrics.listen.is_some(),
            write: figures.write,
        },
    })
}

/// What to accept on, and the first address in a form that a person can open: the service manager's
/// sockets when it gives some, else the configured address.
async fn listeners(listen: &Listen) -> anyhow::Result<(Vec<Listener>, String)> {
    let inherited = service::inherited()?;
    let Some((_, address)) = inherited.first() else {
        let (listener, address) = bind(listen).await?;
        return Ok((vec![listener], address));
    };
    let address = address.clone();
    tracing::info!(
        sockets = inherited.len(),
        address,
        "the service manager's sockets are used, not server.listen"
    );
    Ok((inherited.into_iter().map(|(listener, _)| listener).collect(), address))
}

/// Listens, and tells where in a form that a person can open.
async fn bind(listen: &Listen) -> anyhow::Result<(Listener, String)> {
    match listen {
        Listen::Tcp(address) => {
            let listener =
                TcpListener::bind(address).await.map_err(|reason| cannot_listen(address, &reason))?;
            let bound: SocketAddr = listener.local_addr()?;
            Ok((Listener::Tcp(listener), format!("http://{bound}")))
        }
        Listen::Unix(path) => {
            remove_stale_socket(path)?;
            let listener =
                UnixListener::bind(path).with_context(|| format!("cannot listen on {}", path.display()))?;
            Ok((Listener::Unix(listener), format!("unix:{}", path.display())))
        }
    }
}

fn cannot_listen(address: &SocketAddr, reason: &std::io::Error) -> anyhow::Error {
    let advice = match reason.kind() {
        ErrorKind::AddrInUse => {
            "another program listens there; stop it, or choose another port with --listen"
        }
        ErrorKind::AddrNotAvailable => "no interface of this machine has that address",
        ErrorKind::PermissionDenied => {
            "ports below 1024 need a privilege; choose another, or put a proxy in front"
        }
        _ => "see the reason",
    };
    anyhow::anyhow!("cannot listen on {address}: {advice} ({reason})")
}

/// A socket that nobody answers on is a leftover of a crash. Anything else at the path stays.
fn remove_stale_socket(path: &Path) -> anyhow::Result<()> {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    let refused = || match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => false,
        Err(reason) => reason.kind() == ErrorKind::ConnectionRefused,
    };
    if is_socket && refused() {
        std::fs::remove_file(path).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// Every connection is an open file, and the usual limit of 1024 is for programs that use select.
fn raise_open_files(max_connections: usize) {
    // WebSockets have left HTTP and its limit: as many again.
    let connections = u64::try_from(max_connections).unwrap_or(u64::MAX).saturating_mul(2);
    let wanted = connections.saturating_add(OTHER_FILES);
    match rlimit::increase_nofile_limit(wanted) {
        Ok(limit) if limit >= wanted => {}
        Ok(limit) => tracing::warn!(
            limit,
            "the system allows fewer open files than server.max_connections needs; raise LimitNOFILE or ulimit -n"
        ),
        Err(reason) => tracing::warn!(%reason, "the limit of open files could not be raised"),
    }
}
