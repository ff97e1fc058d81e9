//! Full lives: submitted over HTTP, claimed, drafted by the offline lane, settled.

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use hyper::Method;

use super::load::{self, Connection};
use super::process::{Server, WIDE_OPEN, key};
use super::{Failure, row};

const CONNECTIONS: usize = 64;
const WARM_UP: Duration = Duration::from_secs(2);
const MEASURED: Duration = Duration::from_secs(8);
/// The offline lane, as wide as it may be.
pub const OFFLINE: &str = "[[upstreams]]\nname = \"offline\"\nkind = \"offline\"\nmax_concurrent = 1000\n";
/// Drafted in some 10 µs: what is measured is the way there and back.
pub const SHORT: &str = "User logs in, then the dashboard is shown";

/// Prints full lives a second with nothing else queued.
pub async fn measure() -> Result<(), Failure> {
    for (what, prompt) in [("short results", SHORT.to_owned()), ("4 KB results", long())] {
        let dir = tempfile::tempdir()?;
        let server = Server::start(dir.path(), &format!("{WIDE_OPEN}\n{OFFLINE}"))?;
        let lives = a_second(dir.path(), &server, &prompt).await?;
        row(&format!("full lives, {what}"), &format!("{lives:.0}/s"), "target 5,000/s");
    }
    Ok(())
}

/// Requests of one enterprise user that end a second, while 64 clients submit them as fast as they
/// are answered.
///
/// # Errors
/// When a call is refused.
pub async fn a_second(dir: &Path, server: &Server, prompt: &str) -> Result<f64, Failure> {
    let user = key(dir, "lives", "enterprise", &[])?;
    let submit = load::request(Method::POST, "/api/diagram/generate", &user, load::submission(prompt))?;
    let load = async { load::rate(server.address, CONNECTIONS, WARM_UP + MEASURED, &submit).await };
    let count = async {
        let mut connection = load::connect(server.address).await?;
        tokio::time::sleep(WARM_UP).await;
        let (begin, before) = (Instant::now(), ended(&mut connection, &user).await?);
        tokio::time::sleep(MEASURED.saturating_sub(Duration::from_millis(500))).await;
        let after = ended(&mut connection, &user).await?;
        Ok::<_, Failure>((after - before) as f64 / begin.elapsed().as_secs_f64())
    };
    let (_, lives) = tokio::try_join!(load, count)?;
    Ok(lives)
}

/// The user's requests of today that neither wait nor run.
async fn ended(connection: &mut Connection, user: &str) -> Result<i64, Failure> {
    let usage =
        load::call(connection, load::request(Method::GET, "/api/diagram/usage", user, String::new())?)
            .await?;
    let figure =
        |of: &str, name: &str| usage[of][name].as_i64().ok_or_else(|| format!("no {name} in {usage}"));
    Ok(figure("day", "used")? - figure("concurrent", "queued")? - figure("concurrent", "running")?)
}

/// Steps enough for about 4 KB of Mermaid.
fn long() -> String {
    (1..=50).fold(String::new(), |mut text, n| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{n}. The worker checks the delivery note of parcel number {n}");
        text
    })
}
