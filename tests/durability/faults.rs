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

/// Starts under a fault that strace puts in, and submits.
async fn submits_under(fault: &str) -> Outcome {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("config.toml"), CONFIG).unwrap();
    let server = Server::on(dir);
    // Made before anything fails.
    let key = server.key("ann", "enterprise", &[]);
    let server = Server::under(&strace(&["-o", "/dev/null", "-e", fault]), server.terminate().await);
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

/// After the fault and a kill -9, everything acknowledged ends well.
async fn all_end_well(outcome: Outcome) {
    end_well(&Server::on(outcome.server.kill()), &outcome.acknowledged).await;
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
    assert!(
        !outcome.acknowledged.is_empty() && !outcome.refused.is_empty(),
        "the fault came at the wrong time"
    );
    for (status, body) in &outcome.refused {
        assert_eq!((*status, &body["code"]), (507, &"storage_full".into()), "{body}");
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
    assert!(
        !outcome.acknowledged.is_empty() && !outcome.refused.is_empty(),
        "the fault came at the wrong time"
    );
    for (status, body) in &outcome.refused {
        assert_eq!((*status, &body["code"]), (503, &"storage_unavailable".into()), "{body}");
    }
    all_end_well(outcome).await;
}

#[tokio::test]
async fn a_failed_sync_acknowledges_nothing() {
    let outcome = submits_under("inject=fsync,fdatasync:error=EIO:when=100+").await;
    assert!(
        !outcome.acknowledged.is_empty() && !outcome.refused.is_empty(),
        "the fault came at the wrong time"
    );
    for (status, body) in &outcome.refused {
        assert_eq!((*status, &body["code"]), (503, &"storage_unavailable".into()), "{body}");
    }
    all_end_well(outcome).await;
}

#[tokio::test]
async fn slow_syncs_delay_and_refuse_nobody() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("config.toml"), CONFIG).unwrap();
    let server = Server::on(dir);
    let key = server.key("ann", "enterprise", &[]);
    let fault = "inject=fsync,fdatasync:delay_enter=200000";
    let server = Server::under(&strace(&["-o", "/dev/null", "-e", fault]), server.terminate().await);
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
