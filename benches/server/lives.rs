//! Full lives: submitted over HTTP, claimed, drafted by the offline lane, settled.

use std::fmt::Write;
use std::path::Path;
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
/// Drafted in some 10 µs: what is measured is the way there and back.
pub const SHORT: &str = "User logs in, then the dashboard is shown";

/// Prints full lives a second with nothing else queued.
pub async fn measure() -> Result<(), Failure> {
    for (what, prompt, diagram_type) in [
        ("short results", SHORT.to_owned(), load::UNCHECKED),
        ("4 KB results", long(), load::UNCHECKED),
        ("short results, each checked by Mermaid's own parser", SHORT.to_owned(), load::CHECKED),
    ] {
        let dir = tempfile::tempdir()?;
        let server = Server::start(dir.path(), &format!("{WIDE_OPEN}\n{OFFLINE}"))?;
        let lives = a_second(dir.path(), &server, &prompt, diagram_type).await?;
        let target = if diagram_type == load::UNCHECKED { "target 5,000/s" } else { "" };
        row(&format!("full lives, {what}"), &format!("{:.0}/s", lives.own), target);
    }
    Ok(())
}

/// Requests that end a second while 64 clients of one enterprise user submit theirs as fast as they
/// are answered: that user's, and everybody's.
///
/// # Errors
/// When a call is refused.
pub async fn a_second(
    dir: &Path,
    server: &Server,
    prompt: &str,
    diagram_type: &str,
) -> Result<Lives, Failure> {
    let user = key(dir, "lives", "enterprise", &[])?;
    let admin = key(dir, "root", "enterprise", &["--admin"])?;
    let body = load::submission(prompt, diagram_type);
    let submit = load::request(Method::POST, "/api/diagram/generate", &user, body)?;
    let load = async { load::rate(server.address, CONNECTIONS, WARM_UP + MEASURED, &submit).await };
    let count = async {
        let mut connection = load::connect(server.address).await?;
        tokio::time::sleep(WARM_UP).await;
        let (begin, before) = (Instant::now(), ended(&mut connection, &user, &admin).await?);
        tokio::time::sleep(MEASURED.saturating_sub(Duration::from_millis(500))).await;
        let after = ended(&mut connection, &user, &admin).await?;
        let seconds = begin.elapsed().as_secs_f64();
        let rate = |before: i64, after: i64| (after - before) as f64 / seconds;
        Ok::<_, Failure>(Lives { own: rate(before.0, after.0), all: rate(before.1, after.1) })
    };
    let (_, lives) = tokio::try_join!(load, count)?;
    Ok(lives)
}

/// Requests that ended a second.
pub struct Lives {
    /// The submitting user's.
    pub own: f64,
    /// Everybody's.
    pub all: f64,
}

/// The user's requests of today that neither wait nor run; and everybody's that have ended, but for
/// a number that does not change while nobody else submits.
async fn ended(connection: &mut Connection, user: &str, admin: &str) -> Result<(i64, i64), Failure> {
    let usage = get(connection, "/api/diagram/usage", user).await?;
    let queue = get(connection, "/api/diagram/queue/status", admin).await?;
    let submitted = figure(&usage, "/day/used")?;
    let own = submitted - figure(&usage, "/concurrent/queued")? - figure(&usage, "/concurrent/running")?;
    let all = submitted - figure(&queue, "/depth")? - figure(&queue, "/processing")?;
    Ok((own, all))
}

async fn get(connection: &mut Connection, path: &str, key: &str) -> Result<Value, Failure> {
    load::call(connection, load::request(Method::GET, path, key, String::new())?).await
}

fn figure(of: &Value, pointer: &str) -> Result<i64, Failure> {
    of.pointer(pointer).and_then(Value::as_i64).ok_or_else(|| format!("no {pointer} in {of}").into())
}

/// Steps enough for about 4 KB of Mermaid.
fn long() -> String {
    (1..=50).fold(String::new(), |mut text, n| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{n}. The worker checks the delivery note of parcel number {n}");
        text
    })
}
