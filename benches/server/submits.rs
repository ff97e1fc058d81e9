//! Durable acceptance: 202 after the commit, nothing claimed meanwhile.

use std::time::Duration;

use hyper::Method;

use super::process::{Server, WIDE_OPEN, key};
use super::statistics::{percentile, short, spread};
use super::{Failure, load, peers, row};

const CONNECTIONS: usize = 64;
const MEASURED: Duration = Duration::from_secs(5);
const PROMPT: &str = "User logs in, then the dashboard is shown";

/// Prints submits a second beside the echo and BullMQ, and a serial client beside the disk.
pub async fn measure() -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let server = Server::start(dir.path(), WIDE_OPEN)?;
    let user = key(dir.path(), "bench", "enterprise", &[])?;
    let admin = key(dir.path(), "root", "enterprise", &["--admin"])?;
    let mut control = load::connect(server.address).await?;
    load::call(&mut control, load::request(Method::POST, "/api/admin/queue/pause", &admin, String::new())?)
        .await?;

    let submit = load::request(
        Method::POST,
        "/api/diagram/generate",
        &user,
        load::submission(PROMPT, load::UNCHECKED),
    )?;
    let echo = peers::echo()?;
    let (bare, _) = load::rate(echo.address, CONNECTIONS, MEASURED, &submit).await?;
    let (rate, mut times) = load::rate(server.address, CONNECTIONS, MEASURED, &submit).await?;
    drop(echo);
    let share = rate / bare * 100.0;
    row(
        &format!("durable submits, {CONNECTIONS} connections"),
        &format!("{rate:.0}/s, {}", spread(&mut times)),
        &format!("bare hyper echo {bare:.0}/s: {share:.0} % (target 40 %)"),
    );
    let peer_dir = tempfile::tempdir()?;
    if let Some(peer) = peers::bullmq(peer_dir.path())? {
        let (theirs, mut times) = load::rate(peer.address, CONNECTIONS, MEASURED, &submit).await?;
        row(
            "the same, Express and BullMQ on Redis with `appendfsync always`",
            &format!("{theirs:.0}/s, {}", spread(&mut times)),
            &format!("diagramd: {:.1} times that (target 5)", rate / theirs),
        );
    } else {
        row("the same, Express and BullMQ", "not installed", "`benches/bullmq/install`");
    }

    let mut fsync = peers::fsync_times(dir.path())?;
    let (_, mut times) = load::rate(server.address, 1, MEASURED, &submit).await?;
    let (one, disk) = (percentile(&mut times, 50), percentile(&mut fsync, 50));
    row(
        "durable submit, one serial client, p50",
        &short(one),
        &format!(
            "the disk's fsync {}: {:.2} times (target 1.5)",
            short(disk),
            one.as_secs_f64() / disk.as_secs_f64()
        ),
    );
    Ok(())
}
