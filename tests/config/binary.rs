//! The binary, run to its end in a directory of its own, without the environment of the tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

pub const BINARY: &str = env!("CARGO_BIN_EXE_diagramd");

/// A working directory.
pub struct Place(pub TempDir);

/// How a run ended. The directory's name is replaced by `DIR`.
#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Place {
    /// An empty one.
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// One with this `config.toml`.
    pub fn with(config: &str) -> Self {
        let place = Self::new();
        place.write("config.toml", config);
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.run_in(&[], arguments)
    }

    /// Runs with these variables and no others.
    pub fn run_in(&self, environment: &[(&str, &str)], arguments: &[&str]) -> Ran {
        let output = command(self.0.path())
            .envs(environment.iter().copied())
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let dir = self.0.path().to_string_lossy().into_owned();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(&dir, "DIR");
        Ran { status: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Ran {
    /// Everything, for a snapshot.
    pub fn told(&self) -> String {
        format!(
            "exit status {}\n--- standard output\n{}--- standard error\n{}",
            self.status, self.out, self.err
        )
    }
}

/// The binary with an empty environment.
pub fn command(dir: &Path) -> Command {
    let mut command = Command::new(BINARY);
    command.env_clear().current_dir(dir);
    command
}
