//! Under a service manager: it is told what the server is at, and its sockets are used.

use std::io::{Read, Write};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::server::Server;

/// What a service manager of the test's own hears.
struct Manager {
    socket: UnixDatagram,
    dir: TempDir,
}

impl Manager {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let socket = UnixDatagram::bind(dir.path().join("notify")).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Self { socket, dir }
    }

    /// The program that starts a server so that it speaks to this manager.
    fn program(&self, watchdog: &str) -> Vec<String> {
        let socket = format!("NOTIFY_SOCKET={}", self.dir.path().join("notify").display());
        vec!["env".to_owned(), socket, format!("WATCHDOG_USEC={watchdog}")]
    }

    fn hear(&self) -> String {
        let mut bytes = [0; 512];
        let length = self.socket.recv(&mut bytes).expect("the server says something");
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }

    /// The next message but for those that feed the watchdog.
    fn next(&self) -> String {
        std::iter::repeat_with(|| self.hear()).find(|said| said.trim() != "WATCHDOG=1").unwrap()
    }
}

fn directory(config: &str) -> TempDir {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("config.toml"), config).unwrap();
    dir
}

#[tokio::test]
async fn the_service_manager_hears_of_start_reload_and_stop() {
    let manager = Manager::new();
    let server = Server::under(&manager.program("60000000"), directory(""));
    assert!(manager.next().starts_with("READY=1\nSTATUS=serving"));
    server.signal("HUP");
    let reloading = manager.next();
    assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
    assert!(manager.next().starts_with("READY=1"));
    server.terminate().await;
    assert!(manager.next().starts_with("STOPPING=1"));
}

#[tokio::test]
async fn the_watchdog_is_fed_as_long_as_the_server_ticks() {
    let manager = Manager::new();
    let server = Server::under(&manager.program("100000"), directory(""));
    assert!(manager.next().starts_with("READY=1"));
    for _ in 0..3 {
        let begin = Instant::now();
        assert_eq!(manager.hear().trim(), "WATCHDOG=1");
        assert!(begin.elapsed() < Duration::from_secs(10));
    }
    // A process that stands still feeds nobody.
    server.signal("STOP");
    manager.socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    while manager.socket.recv(&mut [0; 512]).is_ok() {}
    server.signal("CONT");
    manager.socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    assert_eq!(manager.hear().trim(), "WATCHDOG=1");
}

/// Opens a TCP and a Unix socket as a service manager does, and makes way for the server.
const ACTIVATE: &str = r#"
import os, socket, sys
tcp = socket.create_server(("127.0.0.1", 0))
unix = socket.socket(socket.AF_UNIX)
unix.bind("given.sock")
unix.listen()
for at, given in enumerate((tcp, unix)):
    os.dup2(given.fileno(), 10 + at)
for at in range(2):
    os.dup2(10 + at, 3 + at)
os.environ.update(LISTEN_FDS="2", LISTEN_PID=str(os.getpid()))
os.execvp(sys.argv[1], sys.argv[1:])
"#;

#[tokio::test]
async fn sockets_that_are_open_already_are_used() {
    let program = ["python3", "-c", ACTIVATE].map(str::to_owned);
    let server = Server::under(&program, directory("[server]\nlisten = \"127.0.0.1:1\"\n"));
    let key = server.key("ann", "pro", &[]);
    assert_eq!(server.get(&key, "/api/diagram/usage").await.0, 200);
    let mut socket = UnixStream::connect(server.dir.path().join("given.sock")).unwrap();
    socket.write_all(b"GET /healthz HTTP/1.1\r\nHost: diagramd\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    server.terminate().await;
}
