//! Follows one request to its end: by WebSocket, and by asking again where there is none.

use std::time::Duration;

use super::api::{Seen, persevere};
use super::connection::Client;
use super::problem::ClientError;
use super::status::{Progress, Status};
use super::stream::Said;

/// The pause between two questions about a request's status.
const POLL_PAUSE: Duration = Duration::from_secs(1);
/// A quiet stream is doubted after this long, and the status is asked for.
const QUIET_MAX: Duration = Duration::from_secs(30);

impl Client {
    /// Follows the request until it has ended, and returns its last status. A stream that breaks
    /// off, or a server that restarts, changes nothing: the status is asked for instead.
    ///
    /// # Errors
    /// When the server refuses or no longer answers.
    pub async fn follow(
        &self,
        id: &str,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Status, ClientError> {
        // Without a stream the status tells, or says what is wrong.
        let mut stream = self.subscribe(id).await.unwrap_or(None);
        loop {
            let status = persevere(async || self.status(id).await, Seen::Before).await?;
            match Progress::of_status(&status) {
                None => return Ok(status),
                Some(now) => progress(now),
            }
            let Some(open) = &mut stream else {
                tokio::time::sleep(POLL_PAUSE).await;
                continue;
            };
            loop {
                match tokio::time::timeout(QUIET_MAX, open.next()).await {
                    Ok(Some(Said::Progress(news))) => progress(news),
                    Ok(Some(Said::Ended)) | Err(_) => break,
                    Ok(None) => {
                        stream = None;
                        break;
                    }
                }
            }
        }
    }
}
