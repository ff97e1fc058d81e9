//! What the server adds between a client and the upstream, with room: to the first byte there, and
//! to each line on its way back.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use http_body_util::BodyExt;
use hyper::Method;
use serde_json::Value;

use super::process::{Server, WIDE_OPEN, key};
use super::sockets::{Socket, open};
use super::statistics::{percentile, short, spread};
use super::upstream::{Script, Seen, Upstream};
use super::{Failure, load, peers, row};

const REQUESTS: usize = 100;
const SCRIPT: Script = Script { lines: 20, pause: Duration::from_millis(3), rest: Duration::ZERO };
const PROMPT: &str = "User logs in, then the dashboard is shown";

/// Times of one request: to the upstream, and of each line back.
#[derive(Default)]
struct Times {
    there: Vec<Duration>,
    back: Vec<Duration>,
}

/// Prints both, through the server and without it.
pub async fn measure() -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let mut upstream = Upstream::start(SCRIPT).await?;
    let server = Server::start(dir.path(), &format!("{WIDE_OPEN}\n{}", upstream.section(8)))?;
    let user = key(dir.path(), "bench", "enterprise", &[])?;
    let mut fsync = peers::fsync_times(dir.path())?;
    let mut through = through(&server, &mut upstream, &user).await?;
    let mut direct = direct(&mut upstream).await?;
    let limit = percentile(&mut fsync, 50) + Duration::from_millis(3);
    row(
        "submit to the upstream's first byte, with room",
        &spread(&mut through.there),
        &format!(
            "direct {}; the disk's fsync {}; target p99 {}",
            spread(&mut direct.there),
            spread(&mut fsync),
            short(limit)
        ),
    );
    row(
        "each line from the upstream to its WebSocket",
        &spread(&mut through.back),
        &format!("direct {}; target: p99 1 ms more", spread(&mut direct.back)),
    );
    Ok(())
}

async fn through(server: &Server, upstream: &mut Upstream, user: &str) -> Result<Times, Failure> {
    let mut times = Times::default();
    let mut connection = load::connect(server.address).await?;
    let mut socket = open(server.address).await?;
    for _ in 0..REQUESTS {
        upstream.open.send(false)?;
        let submit = load::request(
            Method::POST,
            "/api/diagram/generate",
            user,
            load::submission(PROMPT, load::UNCHECKED),
        )?;
        let begin = Instant::now();
        let answer = load::call(&mut connection, submit).await?;
        let id = answer["requestId"].as_str().ok_or("no requestId")?;
        times.there.push(called(upstream).await? - begin);
        socket.subscribe(id).await?;
        while socket.next().await?["type"] != "subscribed" {}
        upstream.open.send(true)?;
        let arrived = lines_over_socket(&mut socket).await?;
        times.back.extend(since_sent(upstream, &arrived).await?);
    }
    Ok(times)
}

async fn direct(upstream: &mut Upstream) -> Result<Times, Failure> {
    let mut times = Times::default();
    let mut connection = load::connect(upstream.address).await?;
    for _ in 0..REQUESTS {
        connection.ready().await?;
        let begin = Instant::now();
        let request =
            load::request(Method::POST, "/v1/messages", "k", load::submission(PROMPT, load::UNCHECKED))?;
        let answer = connection.send_request(request).await?;
        times.there.push(called(upstream).await? - begin);
        let mut body = answer.into_body().into_data_stream();
        let mut arrived = Vec::new();
        while let Some(piece) = body.next().await {
            arrived.extend(vec![Instant::now(); lines_in(&String::from_utf8_lossy(&piece?))]);
        }
        times.back.extend(since_sent(upstream, &arrived).await?);
    }
    Ok(times)
}

/// When each line of the diagram arrived, until the request has ended.
async fn lines_over_socket(socket: &mut Socket) -> Result<Vec<Instant>, Failure> {
    let mut arrived = Vec::new();
    loop {
        let message: Value = socket.next().await?;
        match message["type"].as_str() {
            Some("delta") => {
                let text = message["text"].as_str().unwrap_or_default();
                arrived.extend(vec![Instant::now(); lines_in(text)]);
            }
            Some("completed") => return Ok(arrived),
            Some("failed") => return Err(message.to_string().into()),
            _ => {}
        }
    }
}

fn lines_in(text: &str) -> usize {
    text.matches(" --> ").count()
}

/// When the next call reached the upstream.
async fn called(upstream: &mut Upstream) -> Result<Instant, Failure> {
    loop {
        if let Seen::Call(at) = upstream.seen.recv().await.ok_or("the upstream ended")? {
            return Ok(at);
        }
    }
}

/// How long each line was on its way.
async fn since_sent(upstream: &mut Upstream, arrived: &[Instant]) -> Result<Vec<Duration>, Failure> {
    let mut times = Vec::new();
    loop {
        match upstream.seen.recv().await.ok_or("the upstream ended")? {
            Seen::Line(n, at) => {
                times.push(*arrived.get(n).ok_or("a line did not arrive")? - at);
            }
            Seen::End(_) => return Ok(times),
            Seen::Call(_) => return Err("a call that nobody made".into()),
        }
    }
}
