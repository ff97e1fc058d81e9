//! Full lives: submitted over HTTP, claimed, drafted offline, settled with a 4 KB result.

use std::fmt::Write;
use std::time::{Duration, Instant};

use hyper::Method;
use serde_json::Value;

use super::load::{self, Connection};
use super::process::{Server, WIDE_OPEN, key};
use super::{Failure, row};

const CONNECTIONS: usize = 64;
const WARM_UP: Duration = Duration::from_secs(2);
const MEASURED: Duration = Duration::from_secs(8);
/// The offline lane, as wide as it may be.
pub const OFFLINE: &str = "[[upstreams]]\nname = \"offline\"\nkind = \"offline\"\nmax_concurrent = 1000\n";

/// Prints full lives a second with nothing else queued.
pub async fn measure() -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let server = Server::start(dir.path(), &format!("{WIDE_OPEN}\n{OFFLINE}"))?;
    let lives = a_second(dir.path(), &server).await?;
    row("full lives, 4 KB results", &format!("{lives:.0}/s"), "target 5,000/s");
    Ok(())
}

/// Requests completed a second while 64 clients submit as fast as they are answered.
///
/// # Errors
/// When a call is refused.
pub async fn a_second(dir: &std::path::Path, server: &Server) -> Result<f64, Failure> {
    let user = key(dir, "lives", "enterprise", &[])?;
    let admin = key(dir, "root", "enterprise", &["--admin"])?;
    let submit = load::request(Method::POST, "/api/diagram/generate", &user, load::submission(&prompt()))?;
    let load = async { load::rate(server.address, CONNECTIONS, WARM_UP + MEASURED, &submit).await };
    let count = async {
        let mut connection = load::connect(server.address).await?;
        tokio::time::sleep(WARM_UP).await;
        let (begin, before) = (Instant::now(), completed(&mut connection, &admin).await?);
        tokio::time::sleep(MEASURED.saturating_sub(Duration::from_millis(500))).await;
        let after = completed(&mut connection, &admin).await?;
        Ok::<_, Failure>((after - before) as f64 / begin.elapsed().as_secs_f64())
    };
    let (_, lives) = tokio::try_join!(load, count)?;
    Ok(lives)
}

async fn completed(connection: &mut Connection, admin: &str) -> Result<i64, Failure> {
    let request = load::request(Method::GET, "/api/diagram/stats", admin, String::new())?;
    let stats: Value = load::call(connection, request).await?;
    stats["totals"]["completed"].as_i64().ok_or_else(|| format!("no such figure in {stats}").into())
}

/// Steps enough for about 4 KB of Mermaid.
fn prompt() -> String {
    (1..=50).fold(String::new(), |mut text, n| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{n}. The worker checks the delivery note of parcel number {n}");
        text
    })
}
