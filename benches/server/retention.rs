//! Submits of 64 clients while what is too old is deleted beside them.

use std::path::Path;
use std::time::Duration;

use hyper::Method;
use rusqlite::Connection;

use super::process::{Server, WIDE_OPEN, key};
use super::statistics::{percentile, short, spread};
use super::{Failure, load, row};

const CONNECTIONS: usize = 64;
/// So much is submitted that then is too old.
const FILLING: Duration = Duration::from_secs(15);
const MEASURED: Duration = Duration::from_secs(15);

/// Prints the times of submits without and with a purge beside them, and what it deletes.
pub async fn measure() -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let mut server = Server::start(dir.path(), WIDE_OPEN)?;
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
        &format!("submits of {CONNECTIONS} clients while nothing is too old"),
        &format!("{rate:.0}/s, {}, slowest {}", spread(&mut times), short(percentile(&mut times, 100))),
        "",
    );
    server.kill()?;
    let old = age(dir.path())?;
    let server = Server::start(dir.path(), WIDE_OPEN)?;
    let (rate, mut times) = load::rate(server.address, CONNECTIONS, MEASURED, &submit).await?;
    let gone = old - count_old(&open(dir.path())?)?;
    row(
        &format!("the same while the oldest of {old} requests are deleted"),
        &format!("{rate:.0}/s, {}, slowest {}", spread(&mut times), short(percentile(&mut times, 100))),
        &format!("{:.0} deleted a second", f64::from(gone) / MEASURED.as_secs_f64()),
    );
    Ok(())
}

fn open(folder: &Path) -> Result<Connection, Failure> {
    Ok(Connection::open(folder.join("data/diagramd.db"))?)
}

/// All that waits has ended long ago. Returns how many that are.
fn age(folder: &Path) -> Result<u32, Failure> {
    let database = open(folder)?;
    database.execute_batch("UPDATE job SET state = 4, created_at = seq, ended_at = seq; DELETE FROM held")?;
    count_old(&database)
}

fn count_old(database: &Connection) -> Result<u32, Failure> {
    Ok(database.query_row("SELECT count(*) FROM job WHERE ended_at < 1000000000", [], |row| row.get(0))?)
}
