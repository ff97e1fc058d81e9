//! The server's figures, each beside its peer or its limit, measured in this run: `cargo bench`.
//!
//! Prints a Markdown table. Nothing here passes or fails.

use std::convert::Infallible;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use diagramd::accounts::Accounts;
use diagramd::app::Engine;
use diagramd::config::{Config, LoadOptions, Override};
use diagramd::domain::lane::{LaneSpec, RetryPolicy};
use diagramd::domain::tier::Tiers;
use diagramd::domain::user::Role;
use diagramd::domain::{Change, JobId, JobSeq, LaneName, QueuedJob, Tier, Timestamp, UserId};
use diagramd::http::api::{Api, HttpOptions};
use diagramd::http::auth::Auth;
use diagramd::http::call_limits::CallLimits;
use diagramd::http::readiness::Readiness;
use diagramd::http::server::{self, Listener};
use diagramd::scheduler::core::Core;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const CONNECTIONS: usize = 64;
const MEASURED: Duration = Duration::from_secs(4);
const MILLION: i64 = 1_000_000;

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn main() -> Result<(), Failure> {
    println!("| what | measured | beside |\n|---|---|---|");
    scheduler_at_a_million();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(over_http())
}

/// Resident memory in bytes, from `/proc/self/statm` (pages of 4 KiB).
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

fn percentile(samples: &mut [Duration], percent: usize) -> Duration {
    samples.sort_unstable();
    samples
        .get((samples.len() * percent / 100).min(samples.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}

fn scheduler_at_a_million() {
    let lane = LaneSpec {
        name: LaneName::from("lane"),
        model: "m".into(),
        max_concurrent: 1000,
        requests_per_minute: 0,
        tokens_per_minute: 0,
        input_tokens_per_minute: 0,
        output_tokens_per_minute: 0,
        network_margin: Duration::from_secs(1),
    };
    let retry = RetryPolicy { max_attempts: 6, base: Duration::from_secs(1), cap: Duration::from_secs(300) };
    let before = resident();
    let mut core = Core::new(vec![lane], Tiers::default(), retry, || 0.5);
    for n in 0..MILLION {
        let user = n % 10_000;
        let job = QueuedJob {
            seq: JobSeq(n),
            id: JobId((n as u128).to_be_bytes()),
            user: UserId(user),
            tier: Tier::ALL[(user % 4) as usize],
            estimated_input: 900,
            max_tokens: 2048,
            model: None,
            run: 0,
            strikes: 0,
            created_at: Timestamp(0),
            retry_at: None,
            deadline_at: None,
        };
        core.committed(&Change::Queued(job), Timestamp(0));
    }
    let memory = (resident() - before) / (1 << 20);
    let mut places: Vec<Duration> = (0..20_000)
        .map(|n| {
            let begin = Instant::now();
            std::hint::black_box(core.place(JobSeq(n * 7919 % MILLION), Timestamp(1)));
            begin.elapsed()
        })
        .collect();
    let mut actions = Vec::new();
    let begin = Instant::now();
    for _ in 0..4 {
        core.step(Timestamp(1), &mut actions);
    }
    let decision = begin.elapsed() / u32::try_from(actions.len().max(1)).unwrap_or(1);
    println!("| one decision, a million queued | {decision:?} | limit 10 µs |");
    println!(
        "| one place, a million queued, p50 / p99 | {:?} / {:?} | limit 5 µs |",
        percentile(&mut places, 50),
        percentile(&mut places, 99)
    );
    println!("| memory of a million queued | {memory} MB | limit 150 MB |");
}

async fn over_http() -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let fsync = fsync_time(dir.path())?;
    let (engine, address, key) = start(dir.path()).await?;
    // The queue is paused: what is measured is acceptance alone.
    engine.queue.set_paused(true).await?;
    let body = r#"{"prompt":"User logs in, then the dashboard is shown","diagramType":"mermaid"}"#;
    let request = || {
        Request::post("/api/diagram/generate")
            .header("host", "localhost")
            .header("x-api-key", &key)
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from_static(body.as_bytes())))
    };
    let (echo, _) = rate(echo_server().await?, CONNECTIONS, request).await?;
    let (submits, mut times) = rate(address, CONNECTIONS, request).await?;
    println!(
        "| durable submits, {CONNECTIONS} connections | {submits:.0}/s, p50 {:?}, p99 {:?} | bare hyper echo {echo:.0}/s: {:.0} % |",
        percentile(&mut times, 50),
        percentile(&mut times, 99),
        submits / echo * 100.0
    );
    let (serial, mut times) = rate(address, 1, request).await?;
    println!(
        "| one serial client | {serial:.0}/s, p50 {:?} | fsync p50 {fsync:?} |",
        percentile(&mut times, 50)
    );
    let waiting = engine.queue.overview().map_or(0, |overview| overview.depth);
    let begin = Instant::now();
    engine.queue.set_paused(false).await?;
    let drained = MEASURED + MEASURED;
    tokio::time::sleep(drained).await;
    let left = engine.queue.overview().map_or(0, |overview| overview.depth);
    let lives = (waiting - left) as f64 / begin.elapsed().as_secs_f64();
    println!("| claims and settlements, offline lane, {waiting} waiting | {lives:.0}/s | limit 5,000/s |");
    engine.drain();
    engine.finish(std::future::ready(())).await;
    Ok(())
}

/// The median of a 4 KiB append and `fdatasync` in `dir`.
fn fsync_time(dir: &std::path::Path) -> Result<Duration, Failure> {
    let mut file = std::fs::File::create(dir.join("fsync"))?;
    let mut times = Vec::new();
    for _ in 0..200 {
        let begin = Instant::now();
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        times.push(begin.elapsed());
    }
    Ok(percentile(&mut times, 50))
}

async fn start(dir: &std::path::Path) -> Result<(Engine, std::net::SocketAddr, String), Failure> {
    let set = |path, value: &str| Override { path, value: value.to_owned(), flag: "--bench" };
    let options = LoadOptions {
        overrides: vec![
            set("server.data_dir", &dir.join("data").to_string_lossy()),
            set("server.api_requests_per_minute", "0"),
            set("queue.max_queued", "10000000"),
            set("tiers.enterprise.requests_per_hour", "4000000000"),
            set("tiers.enterprise.requests_per_day", "4000000000"),
            set("tiers.enterprise.max_queued", "4000000000"),
            set("tiers.enterprise.max_concurrent", "1000"),
        ],
        ..LoadOptions::default()
    };
    let config = Config::load(options).map_err(|faults| faults.to_string())?.config;
    let engine = Engine::start(&config).await?;
    let accounts = engine.accounts.clone();
    let key = tokio::task::spawn_blocking(move || make_key(&accounts)).await??;
    let http = HttpOptions {
        public_url: String::new(),
        cors_origins: Vec::new(),
        trusted_proxies: Vec::new(),
        max_body: config.server.max_body,
        max_connections: config.server.max_connections,
        api_requests_per_minute: None,
        anonymous_requests_per_minute: None,
        websocket_require_auth: false,
        effective_config: serde_json::Value::Null,
    };
    let api = Arc::new(Api {
        queue: engine.queue.clone(),
        reader: engine.reader.clone(),
        bus: engine.bus.clone(),
        accounts: engine.accounts.clone(),
        auth: Auth::new(engine.accounts.clone(), engine.secret, None, now),
        calls: CallLimits::new(&http),
        readiness: Readiness::default(),
        sockets: Arc::new(tokio::sync::Semaphore::new(config.server.max_connections)),
        options: http,
        clock: now,
        scheduler_ticked: Box::new(now),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(server::serve(api, vec![Listener::Tcp(listener)], CancellationToken::new(), MEASURED));
    Ok((engine, address, key))
}

fn make_key(accounts: &Accounts) -> Result<String, Failure> {
    Ok(accounts.create_key("bench", Some(Tier::Enterprise), Role::User, None)?.text)
}

/// What hyper alone does with the same request: reads the body, answers as many bytes.
async fn echo_server() -> Result<std::net::SocketAddr, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(|request: Request<hyper::body::Incoming>| async move {
                let body =
                    request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                Ok::<_, Infallible>(Response::new(Full::new(body)))
            });
            tokio::spawn(async move {
                // A client that goes away ends its connection; the benchmark goes on.
                drop(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await,
                );
            });
        }
    });
    Ok(address)
}

/// Requests a second over `connections`, and how long each took.
async fn rate<F>(
    address: std::net::SocketAddr,
    connections: usize,
    request: F,
) -> Result<(f64, Vec<Duration>), Failure>
where
    F: Fn() -> hyper::http::Result<Request<Full<Bytes>>>,
{
    let count = Arc::new(AtomicU64::new(0));
    let mut clients = tokio::task::JoinSet::new();
    let begin = Instant::now();
    for _ in 0..connections {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let (count, template) = (Arc::clone(&count), request()?);
        clients.spawn(async move {
            let mut times = Vec::new();
            while begin.elapsed() < MEASURED {
                let sent = Instant::now();
                let Ok(answer) = sender.send_request(template.clone()).await else { break };
                if !answer.status().is_success() || answer.into_body().collect().await.is_err() {
                    break;
                }
                times.push(sent.elapsed());
                count.fetch_add(1, Ordering::Relaxed);
            }
            times
        });
    }
    let mut times = Vec::new();
    while let Some(client) = clients.join_next().await {
        times.extend(client?);
    }
    Ok((count.load(Ordering::Relaxed) as f64 / begin.elapsed().as_secs_f64(), times))
}
