//! kill -9 at random moments under 64 clients: nothing acknowledged is missing, each request ends
//! once, and the caps and quotas hold as the upstream saw them. Some answers do not parse: the calls
//! that correct them are killed and counted like any other. Clients ask for the same thing in
//! groups, and those of a group that are in flight together share one call.
//!
//! `KILLS` sets another number of kills, `KILLS_SEED` another seed.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::recount::Books;
use crate::server::Server;
use crate::upstream::{Behaviour, Upstream};

const KILLS: u64 = 10;
const CLIENTS: usize = 64;
/// So many of them ask for the same thing.
const GROUP: usize = 4;
/// A minute, for each kill: so few that the quota is used up, and what waits must wait for it.
const REQUESTS_PER_KILL: u64 = 45;
const MAX_CONCURRENT: usize = 6;
/// Of the one user that submits; below the lane's.
const USER_CONCURRENT: usize = 5;
/// One answer in so many does not parse, and is corrected by a further call.
const BAD_EVERY: usize = 6;
/// Answers take long enough to be under way when the kill comes.
const ANSWER_TIME: Duration = Duration::from_millis(30);

fn config(upstream: &Upstream, requests_per_minute: u64) -> String {
    format!(
        "[[upstreams]]\nname = \"main\"\nkind = \"anthropic\"\nbase_url = \"{}\"\napi_key = \"{}\"\n\
         requests_per_minute = {requests_per_minute}\ntokens_per_minute = 0\nmax_concurrent = {MAX_CONCURRENT}\n\
         [tiers.enterprise]\nmax_concurrent = {USER_CONCURRENT}\nmax_queued = 1000000\n\
         requests_per_hour = 1000000\nrequests_per_day = 1000000\n\
         [server]\napi_requests_per_minute = 0\n[queue]\nretry_base = \"10ms\"\n",
        upstream.url(),
        upstream.key()
    )
}

/// What the clients know: the id that each idempotency key was acknowledged with, if it was.
type Known = Mutex<HashMap<String, Option<String>>>;

#[tokio::test(flavor = "multi_thread")]
async fn no_kill_loses_doubles_or_overruns_anything() {
    let number = |name: &str, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (kills, seed) = (number("KILLS", KILLS), number("KILLS_SEED", 1));
    let mut random = StdRng::seed_from_u64(seed);
    let requests_per_minute = kills * REQUESTS_PER_KILL;
    let upstream = Upstream::anthropic().requests_per_minute(requests_per_minute).start().await;
    upstream.script(|call| {
        let is_good = call.prompt.contains("<errors>") || call.number % BAD_EVERY != 0;
        let source = if is_good { "digraph { a -> b }" } else { "digraph { a -> }" };
        Behaviour::answer(format!("```dot\n{source}\n```\n")).delay(ANSWER_TIME)
    });
    let mut server = Server::start(&config(&upstream, requests_per_minute));
    let key = server.key("ann", "enterprise", &[]);
    let known = Known::default();
    for round in 0..kills {
        // A moment by what has happened, not by the clock: before the first answer, or later.
        let answers = random.random_range(0..20);
        load_until(&server, &key, &known, round, answers).await;
        server = Server::on(server.kill());
        assert_eq!(Books::of(&server).astray(), 0, "what shares a call shares that of a live request");
    }
    retry_unacknowledged(&server, &key, &known).await;
    let known = known.into_inner();
    println!("seed {seed}: {kills} kills, {} requests", known.len());
    let mut repaired = 0;
    for id in known.values() {
        let ended = server.ended(&key, id.as_ref().unwrap()).await;
        assert_eq!(ended["status"], "completed", "{ended}");
        let verdict = ended["validation"]["status"].as_str().unwrap();
        assert!(matches!(verdict, "valid" | "repaired"), "{ended}");
        repaired += u64::from(verdict == "repaired");
    }
    let admin = server.key("root", "free", &["--admin"]);
    let (_, stats) = server.get(&admin, "/api/diagram/stats?groupBy=user").await;
    assert_eq!(stats["totals"], Books::of(&server).recount("user").0);
    assert_eq!(stats["totals"]["repaired"], repaired);
    assert!(repaired > 0, "some sources were corrected");
    let stored = stored_jobs(&server);
    assert_eq!(
        stored,
        i64::try_from(known.len()).unwrap(),
        "one request for each idempotency key, and no other"
    );
    let books = Books::of(&server);
    let shared: u32 =
        books.0.query_row("SELECT count(*) FROM job WHERE coalesced", [], |row| row.get(0)).unwrap();
    println!("{shared} shared a call");
    assert!(shared > 0 && books.astray() == 0);
    let ledger = upstream.ledger();
    assert_eq!(upstream.violations(), 0, "the upstream refused none for its quota");
    assert!(ledger.max_concurrent() <= MAX_CONCURRENT && ledger.max_concurrent_per_user() <= USER_CONCURRENT);
}

/// 64 clients submit, each its next request after its last answer, until so many are answered.
async fn load_until(server: &Server, key: &str, known: &Known, round: u64, answers: usize) {
    let (answered, mut enough) = watch::channel(0);
    let client = |client: usize| {
        let answered = answered.clone();
        async move {
            for n in 0.. {
                // Its prompt is what stands before the last part.
                let name = format!("{round}-{n}-{}-{client}", client / GROUP);
                known.lock().insert(name.clone(), None);
                let Some(id) = submit(server, key, &name).await else { return };
                known.lock().insert(name, Some(id));
                answered.send_modify(|count| *count += 1);
            }
        }
    };
    let clients = futures_util::future::join_all((0..CLIENTS).map(client));
    tokio::select! {
        _ = clients => panic!("the clients go on until the server is killed"),
        reached = enough.wait_for(|count| *count >= answers) => drop(reached.unwrap()),
    }
}

/// What was under way at a kill is asked for again with its key: it is accepted once in all.
async fn retry_unacknowledged(server: &Server, key: &str, known: &Known) {
    let names: Vec<String> =
        known.lock().iter().filter(|(_, id)| id.is_none()).map(|(name, _)| name.clone()).collect();
    for name in names {
        let id = submit(server, key, &name).await.unwrap();
        known.lock().insert(name, Some(id));
    }
    let acknowledged: Vec<(String, Option<String>)> =
        known.lock().iter().map(|(name, id)| (name.clone(), id.clone())).take(50).collect();
    for (name, id) in acknowledged {
        assert_eq!(submit(server, key, &name).await, id, "the same key gives the same request after a kill");
    }
}

/// The id that a submit was acknowledged with; `None` when the connection broke.
async fn submit(server: &Server, key: &str, name: &str) -> Option<String> {
    let sent = server.client.post(format!("{}/api/diagram/generate", server.url));
    let sent = sent
        .header("x-api-key", key)
        .header("idempotency-key", name)
        .json(&json!({ "prompt": name.rsplit_once('-').unwrap().0, "diagramType": "graphviz" }));
    let answer = sent.send().await.ok()?;
    let status = answer.status();
    let body: Value = answer.json().await.ok()?;
    assert!(status.is_success(), "{status}: {body}");
    Some(body["requestId"].as_str().unwrap().to_owned())
}

fn stored_jobs(server: &Server) -> i64 {
    let path = server.dir.path().join("data/diagramd.db");
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let database = rusqlite::Connection::open_with_flags(path, flags).unwrap();
    database.query_row("SELECT count(*) FROM job", [], |row| row.get(0)).unwrap()
}
