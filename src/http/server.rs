//! The accept loop. Listeners and the stop signal come from outside; a connection needs a permit
//! before it is accepted. At the stop calls are answered and sockets told, within bounds.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::address::Peer;
use super::api::Api;
use super::dispatch;
use super::stall::Stalling;

/// A client that sends its head more slowly is cut off. Also the longest rest between two calls.
const HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// Bytes of a head.
const HEAD_BYTES_MAX: usize = 32 << 10;
/// Headers of a head.
const HEADERS_MAX: usize = 64;
/// What a connection without a call gets at the stop, to flush its last answer.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// Connections of the figures' own listener: a server that has all the connections it may is to
/// be looked at all the same.
const FIGURES_CONNECTIONS_MAX: usize = 16;
/// After a failed accept (no file descriptors left, say).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where connections come from.
#[derive(Debug)]
pub enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// A Unix socket.
    Unix(UnixListener),
}

/// What is behind a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Everything.
    Main,
    /// `/metrics` alone.
    Figures,
}

/// Serves until `stop` fires, then lets running calls finish and tells sockets, for at most
/// `grace` or until the connections are cut; what is still open then is closed. When this
/// returns, nothing of a connection runs any more.
pub async fn serve(
    api: Arc<Api>,
    listeners: Vec<(Door, Listener)>,
    stop: CancellationToken,
    grace: Duration,
) {
    let main_permits = Arc::new(Semaphore::new(api.options.max_connections));
    let mut accepting = JoinSet::new();
    for (door, listener) in listeners {
        let permits = match door {
            Door::Main => Arc::clone(&main_permits),
            Door::Figures => Arc::new(Semaphore::new(FIGURES_CONNECTIONS_MAX)),
        };
        accepting.spawn(accept(Arc::clone(&api), door, listener, permits, stop.clone()));
    }
    while accepting.join_next().await.is_some() {}
    let (tasks, cut) = (api.live.tasks(), api.live.cut());
    tasks.close();
    tokio::select! {
        () = tasks.wait() => return,
        () = tokio::time::sleep(grace) => {}
        () = cut.cancelled() => {}
    }
    tracing::warn!(
        connections = tasks.len(),
        "connections were still open at the end of the grace; they are cut"
    );
    cut.cancel();
    tasks.wait().await;
}

async fn accept(
    api: Arc<Api>,
    door: Door,
    listener: Listener,
    permits: Arc<Semaphore>,
    stop: CancellationToken,
) {
    loop {
        let permit = tokio::select! {
            permit = Arc::clone(&permits).acquire_owned() => permit,
            () = stop.cancelled() => return,
        };
        let Ok(permit) = permit else { return };
        tokio::select! {
            () = stop.cancelled() => return,
            accepted = next(&listener) => match accepted {
                Ok(Accepted::Tcp(stream, peer)) => spawn(&api, (door, peer), stream, permit, &stop),
                Ok(Accepted::Unix(stream)) => spawn(&api, (door, Peer::Unix), stream, permit, &stop),
                Err(reason) => {
                    tracing::warn!(%reason, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
}

enum Accepted {
    Tcp(tokio::net::TcpStream, Peer),
    Unix(tokio::net::UnixStream),
}

async fn next(listener: &Listener) -> std::io::Result<Accepted> {
    match listener {
        Listener::Tcp(listener) => {
            let (stream, address) = listener.accept().await?;
            stream.set_nodelay(true)?;
            Ok(Accepted::Tcp(stream, Peer::Tcp(address.ip())))
        }
        Listener::Unix(listener) => Ok(Accepted::Unix(listener.accept().await?.0)),
    }
}

fn spawn<S>(
    api: &Arc<Api>,
    from: (Door, Peer),
    stream: S,
    permit: OwnedSemaphorePermit,
    stop: &CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (api, stop) = (Arc::clone(api), stop.clone());
    let cut = api.live.cut().clone();
    api.live.tasks().clone().spawn(async move {
        tokio::select! {
            ended = connection(api, from, stream, stop) => if let Err(reason) = ended {
                tracing::debug!(%reason, "a connection ended badly");
            },
            () = cut.cancelled() => {}
        }
        drop(permit);
    });
}

async fn connection<S>(
    api: Arc<Api>,
    (door, peer): (Door, Peer),
    stream: S,
    stop: CancellationToken,
) -> hyper::Result<()>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (stream, is_stalled) = Stalling::new(stream);
    let is_answering = Arc::new(AtomicBool::new(false));
    let service = {
        let (stop, is_answering) = (stop.clone(), Arc::clone(&is_answering));
        service_fn(move |request| {
            let (api, stop, is_answering) = (Arc::clone(&api), stop.clone(), Arc::clone(&is_answering));
            async move {
                is_answering.store(true, Ordering::Release);
                let answer = match door {
                    Door::Main => dispatch::answer(&api, peer, stop, request).await,
                    Door::Figures => dispatch::answer_figures(&api, &request),
                };
                is_answering.store(false, Ordering::Release);
                Ok::<_, Infallible>(answer)
            }
        })
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    loop {
        match tokio::time::timeout(LAST_WORDS, connection.as_mut()).await {
            Ok(ended) => return ended,
            // Its answer is being made, or on its way to a client that reads slowly.
            Err(_) if is_answering.load(Ordering::Acquire) || is_stalled.now() => {}
            // Never used: hyper would wait for its first call.
            Err(_) => return Ok(()),
        }
    }
}
