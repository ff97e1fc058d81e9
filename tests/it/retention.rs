//! What is too old goes while the server serves, and nothing else does.

use rusqlite::Connection;
use serde_json::json;

use crate::server::Server;
use crate::upstream::{Behaviour, Upstream};

const CONFIG: &str = "[[upstreams]]\nname = \"main\"\nkind = \"offline\"\n[retention]\nfinished = \"30d\"\n\
    [server]\napi_requests_per_minute = 0\n\
    [tiers.enterprise]\nmax_queued = 100000\nrequests_per_hour = 100000\nrequests_per_day = 100000\n";
/// Many steps of the purge.
const OLD: u32 = 400;

#[tokio::test(flavor = "multi_thread")]
async fn old_requests_are_deleted_in_steps_while_others_are_submitted() {
    let server = Server::start(CONFIG);
    let (key, admin) = (server.key("ann", "enterprise", &[]), server.key("root", "free", &["--admin"]));
    let submit = async |prompt: &str| {
        let body = json!({ "prompt": prompt, "diagramType": "graphviz" });
        server.post(&key, body).await.1["requestId"].as_str().unwrap().to_owned()
    };
    let old = submit("old then gone").await;
    let young = submit("young then kept").await;
    for id in [&old, &young] {
        server.ended(&key, id).await;
    }
    server.post_to(&admin, "/api/admin/queue/pause", json!({})).await;
    let waiting = submit("old and waiting").await;
    let dir = server.terminate().await;
    let database = Connection::open(dir.path().join("data/diagramd.db")).unwrap();
    let hex = |id: &str| id.trim_start_matches("req_").to_owned();
    database
        .execute_batch(&format!(
            "UPDATE job SET created_at = 1, started_at = 1, ended_at = 2 WHERE hex(id) = upper('{}');
             UPDATE job SET created_at = 1 WHERE hex(id) = upper('{}');
             UPDATE attempt SET sent_at = 1, ended_at = 2
             WHERE job_seq IN (SELECT seq FROM job WHERE ended_at = 2);
             WITH RECURSIVE many (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < {OLD})
             INSERT INTO job (id, user_id, tier, state, diagram_type, max_tokens, estimated_input, reserved,
                              created_at, ended_at)
             SELECT randomblob(16), 1, 'free', 3, 'mermaid', 1, 1, 0, 1, n FROM many;
             INSERT INTO job_body (job_seq, brief) SELECT seq, '{{}}' FROM job WHERE state = 3;
             INSERT INTO idempotency (user_id, key, body_hash, job_id, created_at)
             SELECT 1, hex(id), zeroblob(32), id, 1 FROM job WHERE state = 3;",
            hex(&old),
            hex(&waiting)
        ))
        .unwrap();
    let server = Server::on(dir);
    let left = || {
        let counts = "SELECT (SELECT count(*) FROM job WHERE ended_at < 1000000)
                             + (SELECT count(*) FROM idempotency WHERE created_at = 1)";
        database.query_row(counts, [], |row| row.get::<_, u32>(0)).unwrap()
    };
    let mut accepted = 0;
    while left() > 0 {
        let body = json!({ "prompt": format!("meanwhile {accepted}"), "diagramType": "graphviz" });
        assert_eq!(server.post(&key, body).await.0, 202);
        accepted += 1;
    }
    assert!(accepted > 0);
    let status = async |id: &str| server.get(&key, &format!("/api/diagram/status/{id}")).await;
    assert_eq!(status(&old).await.0, 404);
    assert_eq!(status(&young).await.1["status"], "completed");
    assert_eq!(status(&waiting).await.1["status"], "queued", "what waits is never too old");
    let bodies: u32 = database.query_row("SELECT count(*) FROM job_body", [], |row| row.get(0)).unwrap();
    assert_eq!(bodies, 2 + accepted, "what belongs to a request goes with it");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_within_their_minute_outlive_a_retention_of_seconds_and_two_restarts() {
    let upstream = Upstream::anthropic().start().await;
    upstream.always(Behaviour::answer("```dot\ndigraph { a -> b }\n```\n"));
    let config =
        crate::flow::config(&upstream, "").replace("requests_per_minute = 1000", "requests_per_minute = 3");
    let server = Server::start(&format!("{config}[retention]\nfinished = \"1s\"\n"));
    let key = server.key("ann", "enterprise", &[]);
    for n in 0..3 {
        let (_, accepted) =
            server.post(&key, json!({ "prompt": format!("{n}"), "diagramType": "graphviz" })).await;
        server.ended(&key, accepted["requestId"].as_str().unwrap()).await;
    }
    let dir = server.terminate().await;
    // They ended two seconds ago, so that each start finds them too old.
    let database = Connection::open(dir.path().join("data/diagramd.db")).unwrap();
    database
        .execute_batch("UPDATE job SET ended_at = ended_at - 2000; UPDATE attempt SET sent_at = sent_at - 2000, ended_at = ended_at - 2000;")
        .unwrap();
    // One that may go, in the same search: when it is gone, the others have been looked at.
    let old = "INSERT INTO job (id, user_id, tier, state, diagram_type, max_tokens, estimated_input, reserved, created_at, ended_at)
               VALUES (randomblob(16), 1, 'free', 3, 'mermaid', 1, 1, 0, 1, 2)";
    let purged = async |server: &Server| {
        let left = "SELECT count(*) FROM job WHERE ended_at = 2";
        while database.query_row(left, [], |row| row.get::<_, u32>(0)).unwrap() > 0 {
            server.get("", "/healthz").await;
        }
    };
    database.execute(old, []).unwrap();
    let server = Server::on(dir);
    purged(&server).await;
    let dir = server.terminate().await;
    database.execute(old, []).unwrap();
    let server = Server::on(dir);
    purged(&server).await;
    let admin = server.key("root", "free", &["--admin"]);
    let (_, queue) = server.get(&admin, "/api/diagram/queue/status").await;
    let requests = &queue["upstreams"][0]["requestsPerMinute"];
    assert_eq!((&requests["used"], &requests["available"]), (&json!(3), &json!(0)), "{queue}");
    let (_, accepted) = server.post(&key, json!({ "prompt": "one more", "diagramType": "graphviz" })).await;
    let path = format!("/api/diagram/status/{}", accepted["requestId"].as_str().unwrap());
    assert_eq!(server.get(&key, &path).await.1["status"], "queued");
    assert_eq!(upstream.ledger().calls().len(), 3, "the fourth waits for its minute");
}
