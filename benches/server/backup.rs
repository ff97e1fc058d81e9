//! A backup beside 64 clients: how long the slowest of them waits, with and without it.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use hyper::Method;

use super::process::{BINARY, Server, WIDE_OPEN, key};
use super::statistics::{percentile, short, spread};
use super::{Failure, load, row};

const CONNECTIONS: usize = 64;
/// So much is submitted before: the database is as large as some weeks make it.
const FILLING: Duration = Duration::from_secs(15);
/// Clients submit so long, and a backup is made meanwhile.
const MEASURED: Duration = Duration::from_secs(15);
/// When it begins.
const AFTER: Duration = Duration::from_secs(2);

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
    let (rate, mut times) = load::rate(server.address, CONNECTIONS, MEASURED, &submit).await?;
    row(
        &format!("submits of {CONNECTIONS} clients without a backup"),
        &format!("{rate:.0}/s, {}, slowest {}", spread(&mut times), short(percentile(&mut times, 100))),
        "",
    );
    let folder = dir.path().to_owned();
    let backup = tokio::task::spawn_blocking(move || {
        std::thread::sleep(AFTER);
        backup(&folder)
    });
    let (rate, mut times) = load::rate(server.address, CONNECTIONS, MEASURED, &submit).await?;
    let (took, bytes) = backup.await??;
    row(
        "the same while a backup is made and checked",
        &format!("{rate:.0}/s, {}, slowest {}", spread(&mut times), short(percentile(&mut times, 100))),
        "target: no stall over 100 ms",
    );
    row("the backup, its check included", &format!("{:.0} MB in {}", bytes as f64 / 1e6, short(took)), "");
    Ok(())
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
