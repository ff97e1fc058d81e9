//! A service of systemd: what it gives (sockets that are open already) and what it hears (ready,
//! reloading, stopping, and that the scheduler still ticks). Without systemd nothing happens.
//!
//! The protocol: `sd_notify(3)`, `sd_listen_fds(3)`, `sd_watchdog_enabled(3)`.

use std::time::{Duration, Instant};

use anyhow::Context;
use listenfd::ListenFd;
use parking_lot::Mutex;
use sd_notify::NotifyState;
use tokio::net::{TcpListener, UnixListener};
use tokio_util::sync::CancellationToken;

use crate::http::server::Listener;

/// The sockets that the service manager opened, in its order, each with its address in a form that a
/// person can open; none when it opened none.
///
/// # Errors
/// A socket that is neither of TCP nor of Unix, or does not listen.
pub(super) fn inherited() -> anyhow::Result<Vec<(Listener, String)>> {
    let mut given = ListenFd::from_env();
    (0..given.len()).map(|at| one(&mut given, at).with_context(|| socket_fault(at))).collect()
}

fn socket_fault(at: usize) -> String {
    format!(
        "socket {} of the service manager cannot be listened on; give ListenStream= an address or a path",
        at + 1
    )
}

fn one(given: &mut ListenFd, at: usize) -> anyhow::Result<(Listener, String)> {
    // Asking for the wrong kind is an error and leaves it where it is.
    if let Ok(Some(socket)) = given.take_tcp_listener(at) {
        socket.set_nonblocking(true)?;
        let address = format!("http://{}", socket.local_addr()?);
        return Ok((Listener::Tcp(TcpListener::from_std(socket)?), address));
    }
    let socket = given.take_unix_listener(at)?.context("it is gone")?;
    socket.set_nonblocking(true)?;
    let address = socket.local_addr()?;
    let path =
        address.as_pathname().map_or_else(|| "(unnamed)".to_owned(), |path| path.display().to_string());
    Ok((Listener::Unix(UnixListener::from_std(socket)?), format!("unix:{path}")))
}

/// Everything that is served is.
pub(super) fn ready() {
    tell(&[NotifyState::Ready, NotifyState::Status("serving")]);
}

/// How much longer a start may take each time that it is told to go on.
const START_EXTENDED: Duration = Duration::from_secs(60);
/// How often that is told.
const START_TOLD_EVERY: Duration = Duration::from_secs(5);

/// Tells, when it is called again and again, that the start goes on: else it would be ended when its time
/// is up.
pub(super) fn still_starting() -> impl Fn() + Send + Sync {
    let told = Mutex::new(None::<Instant>);
    move || {
        let mut told = told.lock();
        if told.is_some_and(|told| told.elapsed() < START_TOLD_EVERY) {
            return;
        }
        *told = Some(Instant::now());
        let longer = u32::try_from(START_EXTENDED.as_micros()).unwrap_or(u32::MAX);
        tell(&[
            NotifyState::ExtendTimeoutUsec(longer),
            NotifyState::Status("copying the database and bringing it to this version"),
        ]);
    }
}

/// The configuration is read again; [`ready`] ends it.
pub(super) fn reloading() {
    // `Type=notify-reload` asks for the time; older managers pass over it.
    match NotifyState::monotonic_usec_now() {
        Ok(time) => {
            tell(&[NotifyState::Reloading, time, NotifyState::Status("reading the configuration again")])
        }
        Err(reason) => tracing::warn!(%reason, "the service manager was not told of a reload"),
    }
}

/// Running calls finish, nothing is accepted any more.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("stopping: running calls may finish")]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(reason) = sd_notify::notify(states) {
        tracing::warn!(%reason, "the service manager was not told");
    }
}

/// Feeds the service manager's watchdog, twice in its time, for as long as the scheduler ticks; at
/// once over when there is none.
pub(super) async fn feed_watchdog(is_ticking: impl Fn() -> bool, stop: CancellationToken) {
    let Some(period) = sd_notify::watchdog_enabled() else { return };
    let mut ticks = tokio::time::interval(period / 2);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        if is_ticking() {
            tell(&[NotifyState::Watchdog]);
        } else {
            tracing::error!("the scheduler does not tick; the watchdog is not fed");
        }
    }
}
