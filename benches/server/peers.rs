//! What the figures stand beside: a bare hyper echo, the disk's own fsync, Express with BullMQ.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::Failure;

/// Set for the process that plays a peer.
pub const ROLE_VARIABLE: &str = "DIAGRAMD_BENCH_ROLE";

/// A peer in a process of its own, killed when dropped.
pub struct Peer {
    children: Vec<Child>,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Drop for Peer {
    fn drop(&mut self) {
        for child in &mut self.children {
            // It may have ended already.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// What hyper alone does with the same request: reads the body, answers it.
///
/// # Errors
/// When the process does not start.
pub fn echo() -> Result<Peer, Failure> {
    let mut child =
        Command::new(std::env::current_exe()?).env(ROLE_VARIABLE, "echo").stdout(Stdio::piped()).spawn()?;
    let address = first_line(&mut child)?.parse()?;
    Ok(Peer { children: vec![child], address })
}

/// Serves as the peer that this process was started for.
///
/// # Errors
/// When the role is unknown or no port is to be had.
pub async fn play(role: &OsStr) -> Result<(), Failure> {
    if role != "echo" {
        return Err(format!("no such role: {}", role.display()).into());
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = service_fn(|request: Request<Incoming>| async move {
            let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            Ok::<_, Infallible>(Response::new(Full::new(body)))
        });
        tokio::spawn(async move {
            // A client that goes away ends its connection; the peer goes on.
            drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

/// Express and BullMQ on a Redis that syncs every write, as `benches/bullmq` has it; `None` when
/// Node's packages or Redis are not installed.
///
/// # Errors
/// When they are, and do not start.
pub fn bullmq(dir: &Path) -> Result<Option<Peer>, Failure> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/bullmq");
    if !here.join("node_modules").is_dir() {
        return Ok(None);
    }
    let socket = dir.join("redis.sock");
    let redis = Command::new("redis-server")
        .args(["--port", "0", "--appendonly", "yes", "--appendfsync", "always", "--save", "", "--unixsocket"])
        .arg(&socket)
        .arg("--dir")
        .arg(dir)
        .stdout(Stdio::null())
        .spawn();
    let Ok(redis) = redis else { return Ok(None) };
    let mut express =
        Command::new("node").arg(here.join("server.mjs")).arg(&socket).stdout(Stdio::piped()).spawn()?;
    let line = first_line(&mut express);
    let mut peer = Peer { children: vec![express, redis], address: SocketAddr::from(([127, 0, 0, 1], 0)) };
    peer.address.set_port(line?.parse()?);
    Ok(Some(peer))
}

/// What a peer says on standard output once it listens.
fn first_line(child: &mut Child) -> Result<String, Failure> {
    let mut line = String::new();
    BufReader::new(child.stdout.take().ok_or("no standard output")?).read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

/// How long an append of 4 KiB and its `fdatasync` take in `dir`, 400 times.
///
/// # Errors
/// When the file cannot be written.
pub fn fsync_times(dir: &Path) -> Result<Vec<Duration>, Failure> {
    let mut file = std::fs::File::create(dir.join("fsync"))?;
    let mut times = Vec::new();
    for _ in 0..400 {
        let begin = Instant::now();
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        times.push(begin.elapsed());
    }
    Ok(times)
}
