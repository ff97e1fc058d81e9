//! A verb of the command line that reads standard input.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs the program with these arguments in a folder: exit status, standard output, standard error.
pub fn run(folder: &Path, arguments: &[&str], input: &str) -> (i32, Vec<u8>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_diagramd"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A verb that refuses its arguments reads nothing.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let ended = child.wait_with_output().unwrap();
    (ended.status.code().unwrap(), ended.stdout, String::from_utf8(ended.stderr).unwrap())
}
