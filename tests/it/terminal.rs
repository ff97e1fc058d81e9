//! A terminal for the binary, by `script` of util-linux: keys in, the screen out.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Patience with what must come.
const WAIT: Duration = Duration::from_secs(30);

/// A program that believes to be on a terminal of 120 columns and 30 rows.
pub struct Terminal {
    child: Child,
    written: Receiver<Vec<u8>>,
    screen: vt100::Parser,
}

impl Terminal {
    pub fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let command =
            format!("stty cols 120 rows 30; exec {} {}", env!("CARGO_BIN_EXE_diagramd"), arguments.join(" "));
        let mut child = Command::new("script")
            .args(["-qefc", &command, "/dev/null"])
            .env("TERM", "xterm-256color")
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut out = child.stdout.take().unwrap();
        let (sender, written) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = out.read(&mut buffer) {
                if sender.send(buffer[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, written, screen: vt100::Parser::new(size(30), size(120), 0) }
    }

    /// Waits until the screen shows these words, and gives it.
    pub fn shows(&mut self, words: &str) -> String {
        let until = Instant::now() + WAIT;
        loop {
            let screen = self.screen.screen().contents();
            if screen.contains(words) {
                return screen;
            }
            let left = until.saturating_duration_since(Instant::now());
            let Ok(bytes) = self.written.recv_timeout(left) else {
                panic!("the screen does not come to show {words:?}:\n{screen}");
            };
            self.screen.process(&bytes);
        }
    }

    pub fn press(&mut self, keys: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(keys.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    /// Waits for the end: exit status, and everything on the screen then.
    pub fn ended(mut self) -> (i32, String) {
        while let Ok(bytes) = self.written.recv_timeout(WAIT) {
            self.screen.process(&bytes);
        }
        (self.child.wait().unwrap().code().unwrap(), self.screen.screen().contents())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has ended already, unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn size(cells: u16) -> NonZeroU16 {
    NonZeroU16::new(cells).unwrap()
}
