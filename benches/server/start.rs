//! From nothing to ready, and what it costs to do nothing.

use std::time::{Duration, Instant};

use hyper::Method;

use super::process::{Server, WIDE_OPEN, binary_bytes};
use super::statistics::{percentile, short};
use super::{Failure, load, row};

const STARTS: usize = 15;
const IDLE: Duration = Duration::from_secs(5);

/// Prints the start time, idle memory and processor time, and the size of the binary.
pub async fn measure() -> Result<(), Failure> {
    let (mut first, mut again) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let dir = tempfile::tempdir()?;
        first.push(ready(&mut Server::start(dir.path(), WIDE_OPEN)?).await?);
        again.push(ready(&mut Server::start(dir.path(), WIDE_OPEN)?).await?);
    }
    let (first, again) = (short(percentile(&mut first, 50)), short(percentile(&mut again, 50)));
    row("start to ready, p50", &format!("{again}; {first} in a new directory"), "target 100 ms");

    let dir = tempfile::tempdir()?;
    let server = Server::start(dir.path(), WIDE_OPEN)?;
    let (before, begin) = (server.cpu(), Instant::now());
    tokio::time::sleep(IDLE).await;
    let share = (server.cpu() - before).as_secs_f64() / begin.elapsed().as_secs_f64() * 100.0;
    row("idle: memory", &format!("{:.1} MB", server.resident() as f64 / 1e6), "target 25 MB");
    row("idle: processor", &format!("{share:.1} % of a core"), "");
    row("binary", &format!("{:.1} MB", binary_bytes()? as f64 / 1e6), "target 40 MB");
    Ok(())
}

/// The start time, once `/readyz` says 200.
async fn ready(server: &mut Server) -> Result<Duration, Failure> {
    let begin = Instant::now();
    let mut connection = load::connect(server.address).await?;
    while load::call(&mut connection, load::request(Method::GET, "/readyz", "", String::new())?)
        .await
        .is_err()
    {}
    Ok(server.started_in + begin.elapsed())
}
