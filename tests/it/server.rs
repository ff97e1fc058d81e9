//! A running `diagramd` of its own: own directory, own port, stopped on drop.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Lines of its log that are kept.
const LINES_MAX: usize = 20_000;
const PANICKED: &str = "panicked";
const BINARY: &str = env!("CARGO_BIN_EXE_diagramd");

/// A server.
pub struct Server {
    /// Taken when its end is waited for.
    child: Option<Child>,
    pub url: String,
    pub dir: TempDir,
    pub client: reqwest::Client,
    said: Arc<Mutex<VecDeque<String>>>,
    /// What it logged before it served.
    start: Vec<Value>,
}

impl Server {
    /// Starts with this configuration file in a fresh directory.
    pub fn start(config: &str) -> Self {
        let dir = TempDir::new().unwrap();
        std::fs::write(dir.path().join("config.toml"), config).unwrap();
        Self::on(dir)
    }

    /// Starts on what an earlier server left.
    pub fn on(dir: TempDir) -> Self {
        Self::under(&[], dir)
    }

    /// As [`Server::on`], started by another program (`strace` and its options) that makes way
    /// for it in the same process.
    pub fn under(program: &[String], dir: TempDir) -> Self {
        Self::spawned(program, dir, "127.0.0.1:0")
    }

    /// As [`Server::on`], where an earlier server has just stopped to listen.
    pub fn at(address: &str, dir: TempDir) -> Self {
        Self::spawned(&[], dir, address)
    }

    fn spawned(program: &[String], dir: TempDir, listen: &str) -> Self {
        let said = Arc::default();
        let (child, url, start) = spawn(program, dir.path(), listen, Arc::clone(&said));
        Self { said, child: Some(child), url, dir, client: reqwest::Client::new(), start }
    }

    /// Standard error of a start on `dir` that must fail.
    pub fn fails_to_start(dir: &TempDir, listen: &str) -> String {
        let tried = Command::new(BINARY)
            .args(["serve", "--config", "config.toml", "--data-dir", "data", "--listen", listen])
            .current_dir(dir.path())
            .env_remove("ANTHROPIC_API_KEY")
            .output()
            .unwrap();
        assert!(!tried.status.success());
        String::from_utf8(tried.stderr).unwrap()
    }

    /// A new key, made by the command line while the server runs.
    pub fn key(&self, user: &str, tier: &str, more: &[&str]) -> String {
        let made = Command::new(BINARY)
            .args(["key", "create", "--user", user, "--tier", tier, "--data-dir"])
            .arg(self.dir.path().join("data"))
            .args(more)
            .current_dir(self.dir.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    }

    /// Another verb of the command line, on the same data directory.
    pub fn run(&self, verb: &[&str]) {
        let ran = Command::new(BINARY)
            .args(verb)
            .arg("--data-dir")
            .arg(self.dir.path().join("data"))
            .current_dir(self.dir.path())
            .output()
            .unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    }

    pub async fn post(&self, key: &str, body: Value) -> (u16, Value) {
        let sent = self
            .client
            .post(format!("{}/api/diagram/generate", self.url))
            .header("x-api-key", key)
            .json(&body);
        answer(sent).await
    }

    pub async fn prompt(&self, key: &str, prompt: &str) -> (u16, Value) {
        self.post(key, json!({ "prompt": prompt })).await
    }

    pub async fn get(&self, key: &str, path: &str) -> (u16, Value) {
        answer(self.client.get(format!("{}{path}", self.url)).header("x-api-key", key)).await
    }

    pub async fn delete(&self, key: &str, path: &str) -> (u16, Value) {
        answer(self.client.delete(format!("{}{path}", self.url)).header("x-api-key", key)).await
    }

    /// The status object once the request has ended, by the events of the request itself.
    pub async fn ended(&self, key: &str, id: &str) -> Value {
        let events =
            self.client.get(format!("{}/api/diagram/events/{id}", self.url)).header("x-api-key", key);
        let text = tokio::time::timeout(std::time::Duration::from_secs(180), async {
            let answer = events.send().await.unwrap();
            assert_eq!(answer.status(), 200);
            answer.text().await
        });
        text.await.expect("the request ends within three minutes").unwrap();
        self.get(key, &format!("/api/diagram/status/{id}")).await.1
    }

    /// A call of any other path.
    pub async fn post_to(&self, key: &str, path: &str, body: Value) -> (u16, Value) {
        answer(self.client.post(format!("{}{path}", self.url)).header("x-api-key", key).json(&body)).await
    }

    /// The most memory that it has had, in KiB.
    pub fn peak_memory_kib(&self) -> u64 {
        let id = self.child.as_ref().unwrap().id();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// The processes that it has started and that live.
    pub fn children(&self) -> Vec<u32> {
        let server = self.child.as_ref().unwrap().id();
        let number =
            |entry: std::io::Result<std::fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse().ok();
        let all = std::fs::read_dir("/proc").unwrap().filter_map(number);
        all.filter(|process| parent(*process) == Some(server)).collect()
    }

    /// The field of a line that it logged before it served.
    pub fn said_at_start(&self, field: &str) -> String {
        let mut lines = self.start.iter().filter_map(|line| line[field].as_str());
        lines.next_back().unwrap_or_else(|| panic!("{field} is not in {:?}", self.start)).to_owned()
    }

    /// What it said of panics so far.
    pub fn panics(&self) -> Vec<String> {
        self.said.lock().iter().filter(|line| line.contains(PANICKED)).cloned().collect()
    }

    /// The lines that name this, once one of them has this message.
    pub async fn lines_of(&self, what: &str, message: &str) -> Vec<Value> {
        let begin = std::time::Instant::now();
        loop {
            let said = self.said.lock().clone();
            let lines = said.iter().filter(|line| line.contains(what));
            let lines: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
            if lines.iter().any(|line| line["message"] == message) {
                return lines;
            }
            assert!(begin.elapsed() < std::time::Duration::from_secs(30), "{message} of {what}: {lines:?}");
            tokio::task::yield_now().await;
        }
    }

    /// `kill -9`; returns the directory for the next server.
    pub fn kill(mut self) -> TempDir {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        std::mem::replace(&mut self.dir, TempDir::new().unwrap())
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }

    /// SIGTERM, and waits for the end; returns the directory. The test's own runtime goes on
    /// meanwhile: the upstream that the server calls may live on it.
    pub async fn terminate(mut self) -> TempDir {
        self.ask_to_stop();
        self.stopped().await;
        std::mem::replace(&mut self.dir, TempDir::new().unwrap())
    }

    /// SIGTERM.
    pub fn ask_to_stop(&self) {
        self.signal("TERM");
    }

    /// Waits for the end of a server that was asked to stop.
    pub async fn stopped(&mut self) {
        let mut child = self.child.take().unwrap();
        let ended = tokio::task::spawn_blocking(move || child.wait()).await;
        assert!(ended.unwrap().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The parent of a process that lives.
fn parent(process: u32) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name stands in brackets and can be anything.
    let mut fields = status.rsplit_once(')')?.1.split_whitespace();
    let lives = !matches!(fields.next()?, "Z" | "X");
    let parent = fields.next()?.parse().ok()?;
    lives.then_some(parent)
}

/// Waits until a process is gone, whoever its parent is by then.
pub fn wait_for_end(process: u32) {
    let begin = std::time::Instant::now();
    while parent(process).is_some() {
        assert!(begin.elapsed() < std::time::Duration::from_secs(10), "{process} lives");
        std::thread::yield_now();
    }
}

async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or(Value::Null))
}

fn spawn(
    program: &[String],
    dir: &Path,
    listen: &str,
    said: Arc<Mutex<VecDeque<String>>>,
) -> (Child, String, Vec<Value>) {
    let mut command = match program.split_first() {
        None => Command::new(BINARY),
        Some((program, options)) => {
            let mut command = Command::new(program);
            command.args(options).arg(BINARY);
            command
        }
    };
    let mut child = command
        .args(["serve", "--config", "config.toml", "--data-dir", "data", "--listen", listen])
        .current_dir(dir)
        .env("DIAGRAMD_LOG__FORMAT", "json")
        .env_remove("ANTHROPIC_API_KEY")
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut seen = Vec::new();
    let url = loop {
        let Some(Ok(line)) = lines.next() else { panic!("it did not start: {seen:?}") };
        let log: Value = serde_json::from_str(&line).unwrap_or_default();
        if log["message"] == "serving" {
            break log["address"].as_str().unwrap().to_owned();
        }
        seen.push(log);
    };
    // The pipe must be read, or the server would block on a full one.
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            let mut said = said.lock();
            if said.len() == LINES_MAX {
                // What tells of a panic stays.
                let oldest = said.iter().position(|line| !line.contains(PANICKED));
                said.remove(oldest.unwrap_or(0));
            }
            said.push_back(line);
        }
    });
    (child, url, seen)
}
