//! `diagramd plan`: the load of the past on another plan.

use std::process::{Command, Output};

use serde_json::Value;

use crate::flow::config;
use crate::server::Server;
use crate::upstream::{Behaviour, Upstream};

fn plan(server: &Server, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_diagramd"))
        .args(["plan", "--config", "config.toml", "--data-dir", "data"])
        .args(arguments)
        .current_dir(server.dir.path())
        .env_remove("ANTHROPIC_API_KEY")
        .output()
        .unwrap()
}

fn answer(server: &Server, arguments: &[&str]) -> Value {
    let ran = plan(server, &[arguments, &["--json"]].concat());
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).unwrap()
}

#[tokio::test]
async fn calls_of_the_past_wait_longer_on_a_smaller_plan() {
    let upstream = Upstream::anthropic().start().await;
    let server = Server::start(&config(&upstream, ""));
    let none = plan(&server, &["--rpm", "25", "--tpm", "200000", "--history"]);
    let said = String::from_utf8(none.stderr).unwrap();
    assert!(
        !none.status.success() && said.contains("no call of a model was made in the last 7 days"),
        "{said}"
    );
    let as_json = plan(&server, &["--rpm", "25", "--tpm", "200000", "--history", "--json"]);
    assert_eq!((as_json.status, as_json.stdout), (none.status, none.stdout));
    assert_eq!(String::from_utf8(as_json.stderr).unwrap(), said);

    let (ann, ben) = (server.key("ann", "free", &[]), server.key("ben", "enterprise", &[]));
    for at in 0..6 {
        upstream.push(Behaviour::answer("```mermaid\nflowchart TD\n a --> b\n```"));
        let key = if at % 3 == 0 { &ben } else { &ann };
        let (status, accepted) = server.prompt(key, &format!("draw {at}")).await;
        assert_eq!(status, 202, "{accepted}");
        let done = server.ended(key, accepted["requestId"].as_str().unwrap()).await;
        assert_eq!(done["status"], "completed", "{done}");
    }
    let small = answer(&server, &["--rpm", "1", "--tpm", "0", "--history"]);
    let large = answer(&server, &["--rpm", "100", "--tpm", "800000", "--history", "--days", "1"]);
    for answer in [&small, &large] {
        for part in ["recorded", "replayedAsConfigured", "replayedOnPlan"] {
            let calls = |of: &str| answer[part]["tiers"][of]["calls"].as_u64().unwrap();
            assert_eq!((calls("free"), calls("enterprise")), (4, 2), "{answer}");
            assert_eq!(answer[part]["all"]["calls"], 6, "{answer}");
        }
    }
    let longest = |answer: &Value| answer["replayedOnPlan"]["all"]["longestSeconds"].as_f64().unwrap();
    // Six calls, of which the last waits for five minutes and what came before it.
    assert!((299.0..320.0).contains(&longest(&small)), "{small}");
    assert!(longest(&large) < 10.0, "{large}");
    // A call that failed and was made again: the second one's wait is not known.
    upstream.push(Behaviour::status(529));
    upstream.push(Behaviour::answer("```mermaid\nflowchart TD\n a --> b\n```"));
    let (_, accepted) = server.prompt(&ann, "draw it twice").await;
    assert_eq!(server.ended(&ann, accepted["requestId"].as_str().unwrap()).await["status"], "completed");
    let twice = answer(&server, &["--rpm", "100", "--tpm", "0", "--history"]);
    for part in ["recorded", "replayedAsConfigured", "replayedOnPlan"] {
        assert_eq!(twice[part]["all"]["calls"], 7, "{twice}");
    }
    assert_eq!(twice["furtherCalls"], 1);
    let table = String::from_utf8(plan(&server, &["--like", "20x", "--history"]).stdout).unwrap();
    assert!(
        table.starts_with("7 calls, and 1 further ones of theirs (retries, repairs), ready from 20")
            && table.contains("100 requests, 800000 tokens a minute")
    );
}
