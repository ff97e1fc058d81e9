//! The commands of `docs/operations.md`, all of them, in the order of the page: on a server that has
//! just brought an old database to its own schema.

use std::fs;

use serde_json::json;
use tempfile::TempDir;

use crate::manual::{Shell, blocks};
use crate::server::Server;
use crate::upgrade;

const PAGE: &str = include_str!("../../docs/operations.md");

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_page_does_what_the_page_says() {
    let (dir, facts) = upgrade::laid_out(&upgrade::databases()[&5]);
    let mut blocks = blocks(PAGE, "").into_iter();
    let places = blocks.next().unwrap();
    let named: Vec<&str> = places.lines().map(|line| line.split(['=', ' ']).nth(1).unwrap()).collect();
    assert_eq!(named, ["DIAGRAMD_CONFIG", "DIAGRAMD_SERVER__DATA_DIR", "DIAGRAMD_URL"]);
    let shell = Shell::new(dir.path());
    shell.set(&[("DIAGRAMD_CONFIG", "config.toml")]);

    let mut running = Some(started(&shell, dir));
    let mut stopped: Option<TempDir> = None;
    for block in blocks {
        match block.lines().next() {
            Some("# stop the server first") => {
                if let Some(server) = running.take() {
                    stopped = Some(server.terminate().await);
                }
            }
            Some("# start the server first") => running = Some(started(&shell, stopped.take().unwrap())),
            _ => {}
        }
        let printed = shell.run(&block);
        if let (Some(server), true) = (&running, block.contains("/queue/resume")) {
            assert!(printed.contains("\"paused\":false"), "{printed}");
            let ended = server.ended(&facts.user, &facts.live[0]).await;
            assert_eq!(ended["status"], json!("completed"), "what waited at the backup goes on");
        }
    }
    let server = running.expect("the last restore was followed by a start");
    let data = fs::read_dir(server.dir.path().join("data")).unwrap();
    let names: Vec<_> = data.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    for name in ["diagramd.db.replaced-1", "diagramd.db.replaced-2", "diagramd.db.schema-5"] {
        assert!(names.iter().any(|one| one == name), "{names:?}");
    }
}

/// Starts where `shell` looks for it.
fn started(shell: &Shell, dir: TempDir) -> Server {
    let server = Server::on(dir);
    shell.set(&[("DIAGRAMD_URL", &server.url)]);
    server
}
