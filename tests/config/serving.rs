//! A running server whose log is read, and which is sent signals.

use std::io::{BufRead, BufReader};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::binary::{BINARY, command};

/// How long anything that must come may take.
const WAIT_MAX: Duration = Duration::from_secs(30);

pub struct Serving {
    child: Child,
    lines: Receiver<String>,
    /// What it prints on standard output.
    pub printed: Receiver<String>,
    pub url: String,
    pub dir: TempDir,
    pub client: reqwest::Client,
}

impl Serving {
    /// Starts with this configuration file in a fresh directory.
    pub fn start(config: &str) -> Self {
        Self::start_with(config, &[], &[])
    }

    /// As [`Serving::start`], with more arguments and variables.
    pub fn start_with(config: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let dir = TempDir::new().unwrap();
        std::fs::write(dir.path().join("config.toml"), config).unwrap();
        let mut child = command(dir.path())
            .args(["serve", "--data-dir", "data", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .envs(environment.iter().copied())
            .stderr(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let errors = BufReader::new(child.stderr.take().unwrap()).lines();
        // Both pipes must be read to their end, or the server would block on a full one.
        std::thread::spawn(move || errors.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, printed) = channel();
        std::thread::spawn(move || output.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut serving =
            Self { child, lines, printed, url: String::new(), dir, client: reqwest::Client::new() };
        let log = serving.wait_for_log("serving");
        serving.url = log["address"].as_str().unwrap().to_owned();
        serving
    }

    /// The next line of the log whose message contains `part`; lines before it are passed over.
    /// A line that is no JSON is its own message.
    pub fn wait_for_log(&self, part: &str) -> Value {
        let mut seen = Vec::new();
        let until = Instant::now() + WAIT_MAX;
        loop {
            let Ok(line) = self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) else {
                panic!("{part:?} was not logged: {seen:#?}");
            };
            let log: Value = serde_json::from_str(&line).unwrap_or_else(|_| json!({ "message": line }));
            if log["message"].as_str().is_some_and(|message| message.contains(part)) {
                return log;
            }
            seen.push(line);
        }
    }

    /// Everything logged up to the line whose message contains `part`, that line among it.
    pub fn logs_until(&self, part: &str) -> Vec<String> {
        let mut seen = Vec::new();
        let until = Instant::now() + WAIT_MAX;
        while let Ok(line) = self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            let found = line.contains(part);
            seen.push(line);
            if found {
                return seen;
            }
        }
        panic!("{part:?} was not logged: {seen:#?}");
    }

    /// Writes another configuration and sends SIGHUP; returns when it is in force, with what was
    /// logged about it.
    pub fn reload(&self, config: &str) -> Vec<String> {
        std::fs::write(self.dir.path().join("config.toml"), config).unwrap();
        self.signal("HUP");
        self.logs_until("reloaded")
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, name: &str) {
        let sent = std::process::Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// How the server ended; fails when it does not.
    pub fn ended(&mut self) -> ExitStatus {
        // The log ends with the process.
        let until = Instant::now() + WAIT_MAX;
        while self.lines.recv_timeout(until.saturating_duration_since(Instant::now())).is_ok() {}
        assert!(Instant::now() < until, "the server did not end");
        self.child.wait().unwrap()
    }

    pub fn key(&self, user: &str, more: &[&str]) -> String {
        let made = std::process::Command::new(BINARY)
            .args(["key", "create", "--user", user, "--data-dir", "data"])
            .args(more)
            .current_dir(self.dir.path())
            .env_clear()
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    }

    pub fn get(&self, key: &str, path: &str) -> reqwest::RequestBuilder {
        self.client.get(format!("{}{path}", self.url)).header("x-api-key", key)
    }

    pub fn submit(&self, key: &str, body: Value) -> reqwest::RequestBuilder {
        self.client.post(format!("{}/api/diagram/generate", self.url)).header("x-api-key", key).json(&body)
    }
}

/// Status and JSON body.
pub async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or(Value::Null))
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
