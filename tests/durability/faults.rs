//! A disk that is full, read-only, slow, or fails to sync: clear refusals, and nothing that was
//! acknowledged is lost.

use serde_json::Value;
use tempfile::TempDir;

use crate::recording::{CONFIG, strace};
use crate::server::Server;

/// Requests submitted before and after the fault: enough of both.
const SUBMITS: usize = 400;

/// What became of the submits of one run.
struct Outcome {
    acknowledged: Vec<String>,
    refused: Vec<(u16, Value)>,
    server: Server,
}

/// A server under a fault that strace puts in, and a key made before anything fails.
async fn start_under(fault: &str) -> (Server, String) {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("config.toml"), CONFIG).unwrap();
    let server = Server::on(dir);
    let key = server.key("ann", "enterprise", &[]);
    let server = Server::under(&strace(&["-o", "/dev/null", "-e", fault]), server.terminate().await);
    (server, key)
}

/// Submits one after the other while the fault sets in.
async fn submits_under(fault: &str) -> Outcome {
    let (server, key) = start_under(fault).await;
    let mut outcome = Outcome { acknowledged: Vec::new(), refused: Vec::new(), server };
    for n in 0..SUBMITS {
        let (status, body) = outcome.server.prompt(&key, &format!("{n}: a then b")).await;
        match status {
            202 => outcome.acknowledged.push(body["requestId"].as_str().unwrap().to_owned()),
            _ => outcome.refused.push((status, body)),
        }
    }
    outcome
}

impl Outcome {
    /// Some submits were acknowledged before the fault; every one it met was refused in this way.
    fn refused_with(&self, status: u16, code: &str) {
        assert!(
            !self.acknowledged.is_empty() && !self.refused.is_empty(),
            "the fault came at the wrong time"
        );
        for (refused, body) in &self.refused {
            assert_eq!((*refused, body["code"].as_str().unwrap()), (status, code), "{body}");
        }
    }

    /// After the fault and a kill -9, everything acknowledged ends well.
    async fn all_end_well(self) {
        end_well(&Server::on(self.server.kill()), &self.acknowledged).await;
    }
}

async fn end_well(server: &Server, acknowledged: &[String]) {
    let key = server.key("ann", "enterprise", &[]);
    for id in acknowledged {
        assert_eq!(server.ended(&key, id).await["status"], "completed", "{id}");
    }
}

#[tokio::test]
async fn a_full_disk_refuses_clearly_and_loses_nothing() {
    let outcome = submits_under("inject=pwrite64:error=ENOSPC:when=600+").await;
    outcome.refused_with(507, "storage_full");
    for (_, body) in &outcome.refused {
        assert!(body["detail"].as_str().unwrap().contains("disk is full"), "{body}");
    }
    let (alive, _) = outcome.server.get("", "/healthz").await;
    let (ready, _) = outcome.server.get("", "/readyz").await;
    assert_eq!((alive, ready), (200, 503));
    // Results that cannot be written do not hold the stop: the next start makes them again.
    let Outcome { acknowledged, server, .. } = outcome;
    let again = Server::on(server.terminate().await);
    end_well(&again, &acknowledged).await;
}

#[tokio::test]
async fn a_read_only_disk_refuses_clearly_and_loses_nothing() {
    let outcome = submits_under("inject=pwrite64:error=EROFS:when=600+").await;
    outcome.refused_with(503, "storage_unavailable");
    outcome.all_end_well().await;
}

#[tokio::test]
async fn a_failed_sync_acknowledges_nothing() {
    let outcome = submits_under("inject=fsync,fdatasync:error=EIO:when=100+").await;
    outcome.refused_with(503, "storage_unavailable");
    outcome.all_end_well().await;
}

#[tokio::test]
async fn slow_syncs_delay_and_refuse_nobody() {
    let (server, key) = start_under("inject=fsync,fdatasync:delay_enter=200000").await;
    let prompts: Vec<String> = (0..500).map(|n| format!("{n}: a then b")).collect();
    let answers =
        futures_util::future::join_all(prompts.iter().map(|prompt| server.prompt(&key, prompt))).await;
    for (status, body) in &answers {
        assert_eq!(*status, 202, "{body}");
    }
    for (_, body) in &answers {
        let id = body["requestId"].as_str().unwrap();
        assert_eq!(server.ended(&key, id).await["status"], "completed");
    }
}
