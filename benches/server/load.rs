//! Calls over HTTP: one of them, or many connections of them for a while.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use super::Failure;

/// A connection that one call after another goes over.
pub type Connection = SendRequest<Full<Bytes>>;

/// Whether a load goes on.
pub type GoesOn = Arc<dyn Fn() -> bool + Send + Sync>;

/// Opens a connection.
///
/// # Errors
/// When nobody listens.
pub async fn connect(address: SocketAddr) -> Result<Connection, Failure> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

/// A request with a key and, when `body` is not empty, JSON.
///
/// # Errors
/// When the path is not one.
pub fn request(method: Method, path: &str, key: &str, body: String) -> Result<Request<Full<Bytes>>, Failure> {
    let request = Request::builder().method(method).uri(path).header("host", "localhost");
    let request = request.header("x-api-key", key).header("content-type", "application/json");
    Ok(request.body(Full::new(Bytes::from(body)))?)
}

/// A language that nothing here checks: what is measured is the way there and back.
pub const UNCHECKED: &str = "plantuml";
/// The language whose own parser checks every result.
pub const CHECKED: &str = "mermaid";

/// The body of a submission.
pub fn submission(prompt: &str, diagram_type: &str) -> String {
    serde_json::json!({ "prompt": prompt, "diagramType": diagram_type }).to_string()
}

/// One call; its answer as JSON.
///
/// # Errors
/// When the connection breaks or the answer is not a success.
pub async fn call(connection: &mut Connection, request: Request<Full<Bytes>>) -> Result<Value, Failure> {
    connection.ready().await?;
    let answer = connection.send_request(request).await?;
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    if !status.is_success() {
        return Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into());
    }
    Ok(serde_json::from_slice(&body).unwrap_or_default())
}

/// Sends `request` over and over, on each of `connections`, for `span`.
///
/// Returns answers a second, and how long each took.
///
/// # Errors
/// When an answer is not a success.
pub async fn rate(
    address: SocketAddr,
    connections: usize,
    span: Duration,
    request: &Request<Full<Bytes>>,
) -> Result<(f64, Vec<Duration>), Failure> {
    let begin = Instant::now();
    let goes_on: GoesOn = Arc::new(move || begin.elapsed() < span);
    let answers = answers(address, connections, &goes_on, request).await?;
    let rate = answers.len() as f64 / begin.elapsed().as_secs_f64();
    Ok((rate, answers.into_iter().map(|(_, took)| took).collect()))
}

/// As [`rate`], for as long as `goes_on` says.
///
/// Returns when each answer came, and how long it took.
///
/// # Errors
/// When an answer is not a success.
pub async fn answers(
    address: SocketAddr,
    connections: usize,
    goes_on: &GoesOn,
    request: &Request<Full<Bytes>>,
) -> Result<Vec<(Instant, Duration)>, Failure> {
    let mut senders = Vec::new();
    for _ in 0..connections {
        senders.push(connect(address).await?);
    }
    let mut clients = tokio::task::JoinSet::new();
    for mut sender in senders {
        let (template, goes_on) = (request.clone(), Arc::clone(goes_on));
        clients.spawn(async move {
            let mut times = Vec::new();
            while goes_on() {
                sender.ready().await?;
                let sent = Instant::now();
                let answer = sender.send_request(template.clone()).await?;
                let status = answer.status();
                let body = answer.into_body().collect().await?.to_bytes();
                if !status.is_success() {
                    return Err(Failure::from(format!("{status}: {}", String::from_utf8_lossy(&body))));
                }
                times.push((Instant::now(), sent.elapsed()));
            }
            Ok(times)
        });
    }
    let mut answers = Vec::new();
    while let Some(client) = clients.join_next().await {
        answers.extend(client??);
    }
    Ok(answers)
}
