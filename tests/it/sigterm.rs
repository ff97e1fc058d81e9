//! SIGTERM under load: running calls end, what waits is kept.

use crate::flow::config;
use crate::server::Server;
use crate::upstream::Upstream;

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_lets_calls_finish_and_keeps_the_rest() {
    let upstream = Upstream::anthropic().start().await;
    let server = Server::start(&config(&upstream, "max_concurrent = 1"));
    let key = server.key("ann", "pro", &[]);
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(
            server.prompt(&key, &format!("number {n}")).await.1["requestId"].as_str().unwrap().to_owned(),
        );
    }
    let server = Server::on(server.terminate().await);
    for id in &ids {
        assert_eq!(server.ended(&key, id).await["status"], "completed");
    }
    assert_eq!(upstream.ledger().len(), 5, "no call was made twice");
}
