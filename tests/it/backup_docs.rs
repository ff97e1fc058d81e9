//! The commands of `docs/backup.md`, as they stand there.

use serde_json::json;
use tempfile::TempDir;

use crate::manual::{Shell, blocks};
use crate::server::Server;

const PAGE: &str = include_str!("../../docs/backup.md");

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_page_does_what_the_page_says() {
    let server = Server::start("[[upstreams]]\nname = \"main\"\nkind = \"offline\"\n");
    let key = server.key("ann", "pro", &[]);
    let (_, accepted) = server.post(&key, json!({ "prompt": "a then b", "diagramType": "graphviz" })).await;
    server.ended(&key, accepted["requestId"].as_str().unwrap()).await;
    let shell = Shell::new(server.dir.path());
    for title in ["Back up", "Look at a backup", "Export usage for billing"] {
        for block in blocks(PAGE, title) {
            shell.run(&block);
        }
    }
    assert!(server.dir.path().join("requests.csv").exists());
    // Without a database first, then with one.
    let dir = server.terminate().await;
    let empty = TempDir::new().unwrap();
    std::fs::copy(dir.path().join("backup.db"), empty.path().join("backup.db")).unwrap();
    let shell = Shell::new(empty.path());
    for block in blocks(PAGE, "Restore") {
        shell.run(&block);
    }
    assert!(empty.path().join("data/diagramd.db.replaced-1").exists());
}
