//! Ten thousand WebSockets: memory, an idle half minute, one end told to all.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use hyper::Method;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::process::{Server, WIDE_OPEN, key};
use super::statistics::{percentile, short, spread};
use super::upstream::{Script, Seen, Upstream};
use super::{Failure, load, row};

const SOCKETS: usize = 10_000;
/// Opened at once, so that the listener's backlog is not what is measured.
const AT_ONCE: usize = 100;
/// The rest lets what was written before the end arrive first.
const SCRIPT: Script = Script { lines: 1, pause: Duration::ZERO, rest: Duration::from_secs(3) };
/// Longer than the time between two pings.
const IDLE: Duration = Duration::from_secs(35);

/// A client's side.
pub struct Socket(WebSocketStream<TcpStream>);

/// Opens one.
///
/// # Errors
/// When the server does not accept it.
pub async fn open(address: SocketAddr) -> Result<Socket, Failure> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let small = WebSocketConfig::default().read_buffer_size(2 << 10).write_buffer_size(0);
    let url = format!("ws://{address}/ws");
    let (stream, _) = tokio_tungstenite::client_async_with_config(url, stream, Some(small)).await?;
    Ok(Socket(stream))
}

impl Socket {
    /// Asks to watch a request.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn subscribe(&mut self, id: &str) -> Result<(), Failure> {
        Ok(self.0.send(Message::text(json!({ "type": "subscribe", "requestId": id }).to_string())).await?)
    }

    /// The next message; pings are answered on the way.
    ///
    /// # Errors
    /// When the connection ends.
    pub async fn next(&mut self) -> Result<Value, Failure> {
        Ok(serde_json::from_str(&self.next_text().await?)?)
    }

    /// The next message as it came: ten thousand clients on the server's own cores parse nothing.
    async fn next_text(&mut self) -> Result<Utf8Bytes, Failure> {
        loop {
            match self.0.next().await.ok_or("the socket ended")?? {
                Message::Text(text) => return Ok(text),
                Message::Close(reason) => return Err(format!("closed: {reason:?}").into()),
                _ => {}
            }
        }
    }
}

/// Prints what ten thousand of them cost.
pub async fn measure() -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let mut upstream = Upstream::start(SCRIPT).await?;
    let server = Server::start(dir.path(), &format!("{WIDE_OPEN}\n{}", upstream.section(8)))?;
    let user = key(dir.path(), "bench", "enterprise", &[])?;
    upstream.open.send(false)?;
    let mut connection = load::connect(server.address).await?;
    let submit = load::request(
        Method::POST,
        "/api/diagram/generate",
        &user,
        load::submission("a then b", load::UNCHECKED),
    )?;
    let id =
        load::call(&mut connection, submit).await?["requestId"].as_str().ok_or("no requestId")?.to_owned();

    let before = server.resident();
    let sockets = subscribed(server.address, &id).await?;
    let each = server.resident().saturating_sub(before) as f64 / SOCKETS as f64 / 1024.0;
    row(&format!("{SOCKETS} WebSockets: memory each"), &format!("{each:.1} KiB"), "target 20 KiB");

    let ends: JoinSet<Result<Instant, Failure>> = sockets
        .into_iter()
        .map(|mut socket| async move {
            while !socket.next_text().await?.contains("\"type\":\"completed\"") {}
            Ok(Instant::now())
        })
        .collect();
    let (cpu, begin) = (server.cpu(), Instant::now());
    tokio::time::sleep(IDLE).await;
    let share = (server.cpu() - cpu).as_secs_f64() / begin.elapsed().as_secs_f64() * 100.0;
    row(
        &format!("{SOCKETS} WebSockets: idle, pings included"),
        &format!("{share:.1} % of a core"),
        "target 5 %",
    );

    upstream.open.send(true)?;
    let end = loop {
        if let Seen::End(at) = upstream.seen.recv().await.ok_or("the upstream ended")? {
            break at;
        }
    };
    let mut times = Vec::new();
    for told in ends.join_all().await {
        times.push(told? - end);
    }
    row(
        &format!("one end told to {SOCKETS} WebSockets"),
        &format!("{}, last {}", spread(&mut times), short(percentile(&mut times, 100))),
        "target p99 200 ms",
    );
    Ok(())
}

/// Sockets that have been told that they watch the request.
async fn subscribed(address: SocketAddr, id: &str) -> Result<Vec<Socket>, Failure> {
    let opened: Vec<Result<Socket, Failure>> = futures_util::stream::iter(0..SOCKETS)
        .map(|_| async {
            let mut socket = open(address).await?;
            socket.subscribe(id).await?;
            while socket.next().await?["type"] != "subscribed" {}
            Ok(socket)
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    opened.into_iter().collect()
}
