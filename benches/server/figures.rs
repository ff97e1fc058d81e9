//! One look at `/metrics`, while nothing else happens and with requests queued.

use std::time::Instant;

use http_body_util::BodyExt;
use hyper::Method;

use super::process::{Server, WIDE_OPEN, key};
use super::statistics::spread;
use super::{Failure, load, row};

const LOOKS: usize = 2000;
const QUEUED: usize = 2000;

/// Prints how long a look takes, and how long the page is.
pub async fn measure() -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let server = Server::start(dir.path(), WIDE_OPEN)?;
    let admin = key(dir.path(), "bench", "enterprise", &["--admin"])?;
    let mut connection = load::connect(server.address).await?;
    looks(&mut connection, &admin, "a look at /metrics, nothing queued").await?;
    let pause = load::request(Method::POST, "/api/admin/queue/pause", &admin, "{}".to_owned())?;
    load::call(&mut connection, pause).await?;
    for n in 0..QUEUED {
        let body = load::submission(&format!("step {n}, then the next"), load::UNCHECKED);
        let submit = load::request(Method::POST, "/api/diagram/generate", &admin, body)?;
        load::call(&mut connection, submit).await?;
    }
    looks(&mut connection, &admin, &format!("the same with {QUEUED} queued")).await
}

async fn looks(connection: &mut load::Connection, admin: &str, what: &str) -> Result<(), Failure> {
    let mut times = Vec::new();
    let mut bytes = 0;
    for _ in 0..LOOKS {
        let look = load::request(Method::GET, "/metrics", admin, String::new())?;
        connection.ready().await?;
        let begin = Instant::now();
        let answer = connection.send_request(look).await?;
        if !answer.status().is_success() {
            return Err(answer.status().to_string().into());
        }
        bytes = answer.into_body().collect().await?.to_bytes().len();
        times.push(begin.elapsed());
    }
    row(what, &spread(&mut times), &format!("{} KiB of text", bytes >> 10));
    Ok(())
}
