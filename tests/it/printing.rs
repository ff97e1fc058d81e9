//! A server whose standard output is read: what it prints for the person who starts it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

pub struct Printing {
    child: Child,
    out: Option<ChildStdout>,
    pub url: String,
    pub dir: TempDir,
}

impl Printing {
    /// With `serve`'s more arguments.
    pub fn start(config: &str, more: &[&str]) -> Self {
        let dir = TempDir::new().unwrap();
        std::fs::write(dir.path().join("config.toml"), config).unwrap();
        Self::on(dir, more)
    }

    /// On what an earlier one left.
    pub fn on(dir: TempDir, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_diagramd"))
            .args(["serve", "--config", "config.toml", "--data-dir", "data", "--listen", "127.0.0.1:0"])
            .args(more)
            .current_dir(dir.path())
            .env("DIAGRAMD_LOG__FORMAT", "json")
            .env_remove("ANTHROPIC_API_KEY")
            .stderr(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let serving =
            |line: &String| serde_json::from_str::<Value>(line).is_ok_and(|log| log["message"] == "serving");
        let told = lines.by_ref().map_while(Result::ok).find(serving).expect("it starts");
        let log: Value = serde_json::from_str(&told).unwrap();
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let out = child.stdout.take();
        Self { child, out, url: log["address"].as_str().unwrap().to_owned(), dir }
    }

    /// The next link that it prints.
    pub fn link(&mut self) -> String {
        let lines = BufReader::new(self.out.take().unwrap()).lines().map_while(Result::ok);
        let found = lines.map(|line| line.trim().to_owned()).find(|line| line.contains("#link="));
        found.expect("a link is printed")
    }

    /// SIGTERM; what it printed that was not read yet, and its directory.
    pub fn stop(mut self) -> (String, TempDir) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
        let mut rest = String::new();
        if let Some(mut out) = self.out.take() {
            out.read_to_string(&mut rest).unwrap();
        }
        (rest, std::mem::replace(&mut self.dir, TempDir::new().unwrap()))
    }
}

impl Drop for Printing {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
