//! A server under load whose writes are recorded.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use tempfile::TempDir;

use crate::server::Server;
use crate::syscalls::{File, Operation, Reader, TRACED};

/// Clients that submit at once.
const CLIENTS: usize = 8;
/// Long prompts fill the log sooner.
const PROMPT_CHARS: usize = 19_000;

/// A run's writes.
pub struct Recording {
    /// The database file before.
    pub before: Vec<u8>,
    pub operations: Vec<Operation>,
}

/// Everything a run wrote, from its start until it was killed after so many checkpoints.
pub fn record(checkpoints: usize) -> Recording {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("config.toml"), CONFIG).unwrap();
    // What is on the disk before: a database that was closed well.
    let server = Server::on(dir);
    let key = server.key("ann", "enterprise", &[]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let dir = runtime.block_on(server.terminate());
    let before = std::fs::read(dir.path().join("data").join(File::Database.name())).unwrap();

    let fifo = dir.path().join("trace");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let seen = Arc::new(AtomicUsize::new(0));
    let recorder = follow(&fifo, Arc::clone(&seen));
    let strace = strace(&["-xx", "-s", "1048576", "-o", &fifo.to_string_lossy(), "-e", TRACED]);
    let server = Server::under(&strace, dir);
    runtime.block_on(submit_until(&server, &key, || seen.load(Ordering::Acquire) >= checkpoints));
    drop(server.kill());
    Recording { before, operations: recorder.join().unwrap() }
}

/// `strace` as the parent of nothing: the traced process is the child, as if it ran alone.
pub fn strace(options: &[&str]) -> Vec<String> {
    let version = Command::new("strace").arg("-V").output();
    assert!(version.is_ok(), "these tests need strace: apt-get install strace, or run tests/run");
    let fixed = ["strace", "-D", "-f", "-qq", "--seccomp-bpf"];
    fixed.iter().chain(options).map(|&option| option.to_owned()).collect()
}

pub const CONFIG: &str = "[tiers.enterprise]\nrequests_per_hour = 1000000\nrequests_per_day = 1000000\nmax_queued = 100000\n\
    [server]\napi_requests_per_minute = 0\nshutdown_grace = \"1s\"\n";

fn follow(fifo: &Path, checkpoints: Arc<AtomicUsize>) -> JoinHandle<Vec<Operation>> {
    let fifo = fifo.to_owned();
    std::thread::spawn(move || {
        let (mut reader, mut operations) = (Reader::default(), Vec::new());
        // Bytes, not lines of text: a cut line at the kill is no line.
        for line in BufReader::new(std::fs::File::open(fifo).unwrap()).lines() {
            let Ok(line) = line else { break };
            if let Some(operation) = reader.line(&line) {
                if operation == Operation::Synced(File::Database) {
                    checkpoints.fetch_add(1, Ordering::Release);
                }
                operations.push(operation);
            }
        }
        operations
    })
}

/// Submits from several clients, each its next request after its last answer, until told.
async fn submit_until(server: &Server, key: &str, enough: impl Fn() -> bool) {
    let stop = AtomicBool::new(false);
    let client = |client: usize| {
        let (stop, enough) = (&stop, &enough);
        async move {
            for n in 0.. {
                if stop.load(Ordering::Acquire) {
                    return;
                }
                let prompt = format!("{client}, {n}: {}", "a then b. ".repeat(PROMPT_CHARS / 10));
                let (status, body) = server.prompt(key, &prompt).await;
                assert_eq!(status, 202, "{body}");
                stop.fetch_or(enough(), Ordering::AcqRel);
            }
        }
    };
    futures_util::future::join_all((0..CLIENTS).map(client)).await;
}
