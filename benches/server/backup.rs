//! A backup beside 64 clients: how long the slowest of them waits, with and without it.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use hyper::Method;

use super::process::{BINARY, Server, WIDE_OPEN, key};
use super::statistics::{percentile, short, spread};
use super::{Failure, load, row};

const CONNECTIONS: usize = 64;
/// So much is submitted before: the database is as large as some weeks make it.
const FILLING: Duration = Duration::from_secs(15);
/// Clients submit so long without one.
const MEASURED: Duration = Duration::from_secs(15);
/// When it begins.
const AFTER: Duration = Duration::from_secs(2);
/// And so long after it.
const AFTERWARDS: Duration = Duration::from_secs(5);

/// Prints the times of submits without a backup and beside one, and how long the backup takes.
pub async fn measure() -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let server = Server::start(dir.path(), WIDE_OPEN)?;
    let user = key(dir.path(), "bench", "enterprise", &[])?;
    let admin = key(dir.path(), "root", "enterprise", &["--admin"])?;
    let mut control = load::connect(server.address).await?;
    load::call(&mut control, load::request(Method::POST, "/api/admin/queue/pause", &admin, String::new())?)
        .await?;
    let prompt = "User logs in, then the dashboard is shown. ".repeat(20);
    let submit = load::request(
        Method::POST,
        "/api/diagram/generate",
        &user,
        load::submission(&prompt, load::UNCHECKED),
    )?;
    load::rate(server.address, CONNECTIONS, FILLING, &submit).await?;
    let begin = Instant::now();
    let for_a_while: load::GoesOn = Arc::new(move || begin.elapsed() < MEASURED);
    let without = load::answers(server.address, CONNECTIONS, &for_a_while, &submit).await?;
    told(&format!("submits of {CONNECTIONS} clients without a backup"), &without, "");
    let folder = dir.path().to_owned();
    // When the backup was over; what it kept in the log is copied after that.
    let over = Arc::new(OnceLock::<Instant>::new());
    let tells = Arc::clone(&over);
    let backup = tokio::task::spawn_blocking(move || {
        std::thread::sleep(AFTER);
        let made = backup(&folder);
        let _ = tells.set(Instant::now());
        made
    });
    let goes_on: load::GoesOn = Arc::new(move || over.get().is_none_or(|over| over.elapsed() < AFTERWARDS));
    let beside = load::answers(server.address, CONNECTIONS, &goes_on, &submit).await?;
    let (took, bytes) = backup.await??;
    told(
        "the same while a backup is made and checked, and after it",
        &beside,
        "target: no stall over 100 ms",
    );
    row("the backup, its check included", &format!("{:.0} MB in {}", bytes as f64 / 1e6, short(took)), "");
    Ok(())
}

/// How long each took, the slowest, and how long nobody at all was answered at the most.
fn told(what: &str, answers: &[(Instant, Duration)], limit: &str) {
    let mut times: Vec<Duration> = answers.iter().map(|(_, took)| *took).collect();
    let mut ends: Vec<Instant> = answers.iter().map(|(end, _)| *end).collect();
    ends.sort_unstable();
    let stall = ends.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default();
    let span = ends.first().zip(ends.last()).map_or(0.0, |(first, last)| (*last - *first).as_secs_f64());
    row(
        what,
        &format!(
            "{:.0}/s, {}, slowest {}, longest stall of all {}",
            answers.len() as f64 / span.max(0.001),
            spread(&mut times),
            short(percentile(&mut times, 100)),
            short(stall)
        ),
        limit,
    );
}

fn backup(folder: &Path) -> Result<(Duration, u64), Failure> {
    let begin = Instant::now();
    let made = Command::new(BINARY)
        .args(["backup", "backup.db", "--config", "config.toml"])
        .current_dir(folder)
        .output()?;
    if !made.status.success() {
        return Err(String::from_utf8_lossy(&made.stderr).into_owned().into());
    }
    Ok((begin.elapsed(), folder.join("backup.db").metadata()?.len()))
}
