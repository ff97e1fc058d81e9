//! The commands of `docs/backup.md`, as they stand there.

use std::path::Path;
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use crate::server::Server;

const PAGE: &str = include_str!("../../docs/backup.md");

/// The commands of a page's section, in order.
pub fn commands(page: &'static str, title: &str) -> Vec<&'static str> {
    let section = page.split("\n## ").find(|section| section.starts_with(title)).unwrap();
    let blocks = section.split("```").skip(1).step_by(2);
    let commands: Vec<&str> =
        blocks.filter_map(|block| block.strip_prefix("sh\n")).flat_map(str::lines).collect();
    assert!(!commands.is_empty(), "{title}");
    commands
}

/// Runs a command as a shell does; what it prints.
pub fn shell(folder: &Path, command: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_diagramd")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let ran = Command::new("sh")
        .args(["-c", command])
        .current_dir(folder)
        .env("PATH", path)
        .env("DIAGRAMD_SERVER__DATA_DIR", "data")
        .output()
        .unwrap();
    assert!(ran.status.success(), "{command}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_page_does_what_the_page_says() {
    let server = Server::start("[[upstreams]]\nname = \"main\"\nkind = \"offline\"\n");
    let key = server.key("ann", "pro", &[]);
    let (_, accepted) = server.post(&key, json!({ "prompt": "a then b", "diagramType": "graphviz" })).await;
    server.ended(&key, accepted["requestId"].as_str().unwrap()).await;
    let folder = server.dir.path().to_owned();
    for title in ["Back up", "Look at a backup", "Export usage for billing"] {
        for command in commands(PAGE, title) {
            println!("$ {command}\n{}", shell(&folder, command));
        }
    }
    assert!(folder.join("requests.csv").exists());
    // Without a database first, then with one.
    let dir = server.terminate().await;
    let empty = TempDir::new().unwrap();
    std::fs::copy(dir.path().join("backup.db"), empty.path().join("backup.db")).unwrap();
    for command in commands(PAGE, "Restore") {
        println!("$ {command}\n{}", shell(empty.path(), command));
    }
    assert!(empty.path().join("data/diagramd.db.replaced-1").exists());
}
