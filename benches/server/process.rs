//! The real binary in a process of its own, in a directory of its own; and what it costs.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Failure;

/// The program.
pub const BINARY: &str = env!("CARGO_BIN_EXE_diagramd");

/// Limits wide enough not to be what is measured, and each request with a call of its own, for many
/// here ask for the same; the rest is as shipped.
pub const WIDE_OPEN: &str = r#"
[server]
listen = "127.0.0.1:0"
data_dir = "data"
api_requests_per_minute = 0
anonymous_requests_per_minute = 0
max_connections = 20000
[queue]
max_queued = 10000000
[generation]
coalesce = false
[tiers.free]
requests_per_hour = 1000000000
requests_per_day = 1000000000
max_queued = 1000000
[tiers.enterprise]
requests_per_hour = 1000000000
requests_per_day = 1000000000
max_queued = 1000000
max_concurrent = 1000
[log]
format = "json"
level = "info,diagramd::http=warn"
"#;

/// A running server, killed when dropped.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// From the spawn to the line that says that it serves.
    pub started_in: Duration,
}

impl Server {
    /// Writes `config` into `dir` and starts there.
    ///
    /// # Errors
    /// When the process does not start or ends before it serves.
    pub fn start(dir: &Path, config: &str) -> Result<Self, Failure> {
        std::fs::write(dir.join("config.toml"), config)?;
        let begin = Instant::now();
        let mut child = Command::new(BINARY)
            .args(["serve", "--config", "config.toml"])
            .current_dir(dir)
            .env_remove("ANTHROPIC_API_KEY")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stderr.take().ok_or("no standard error")?).lines();
        let mut seen = Vec::new();
        let address = loop {
            let line = lines.next().ok_or_else(|| format!("it did not start: {seen:?}"))??;
            let log: Value = serde_json::from_str(&line).unwrap_or_default();
            if log["message"] == "serving" {
                break log["address"].as_str().unwrap_or_default().trim_start_matches("http://").parse()?;
            }
            seen.push(line);
        };
        let started_in = begin.elapsed();
        // Read to the end, or the server would block on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, address, started_in })
    }

    /// Resident memory in bytes.
    pub fn resident(&self) -> u64 {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.child.id())).unwrap_or_default();
        statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
    }

    /// Processor time used so far, user and system.
    pub fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let fields = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace();
        // utime and stime, fields 14 and 15 of proc(5), in hundredths of a second.
        let ticks: u64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 10)
    }

    /// `kill -9`, and waits for its end.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub fn kill(&mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been killed already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A new key in `dir`'s database; also while a server runs there.
///
/// # Errors
/// When the verb fails.
pub fn key(dir: &Path, user: &str, tier: &str, more: &[&str]) -> Result<String, Failure> {
    let made = Command::new(BINARY)
        .args(["key", "create", "--config", "config.toml", "--user", user, "--tier", tier])
        .args(more)
        .current_dir(dir)
        .output()?;
    if !made.status.success() {
        return Err(String::from_utf8_lossy(&made.stderr).into_owned().into());
    }
    Ok(String::from_utf8(made.stdout)?.trim().to_owned())
}

/// Bytes of the binary.
///
/// # Errors
/// When it cannot be read.
pub fn binary_bytes() -> Result<u64, Failure> {
    Ok(std::fs::metadata(BINARY)?.len())
}

/// What this was measured on.
pub fn machine() -> String {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib: u64 = memory.split_ascii_whitespace().nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let model = model.trim_start_matches([' ', '\t', ':']);
    format!("{cores} cores ({model}), {} GiB, Linux {}", kib >> 20, kernel.trim())
}
