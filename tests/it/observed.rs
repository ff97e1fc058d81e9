//! What is counted is what is on disk, whoever waits for the answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use diagramd::app::{BacklogUse, Engine};
use diagramd::config::{Config, LoadOptions};
use diagramd::domain::{Change, Origin, Tier, Timestamp};
use diagramd::queue::{Accepted, CallEnded, Observe, SubmitRequest};
use diagramd::store::sqlite::Watch;
use futures_util::poll;
use tempfile::TempDir;

#[derive(Default)]
struct Counter(AtomicUsize);

impl Observe for Counter {
    fn accepted(&self, _: &Accepted) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn committed(&self, _: &[Change]) {}

    fn call_ended(&self, _: &CallEnded<'_>) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_caller_went_away_before_the_commit_is_counted() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("config.toml");
    std::fs::write(&file, format!("[server]\ndata_dir = \"{}\"\n", dir.path().join("data").display()))
        .unwrap();
    let loaded = Config::load(LoadOptions { file: Some(file), ..LoadOptions::default() }).unwrap();
    let engine = Engine::start(&loaded.config, BacklogUse::Leave, Watch::default()).await.unwrap();
    let counter = Arc::new(Counter::default());
    engine.queue.observe(vec![Arc::clone(&counter) as Arc<dyn Observe>]);
    let caller = engine.accounts.by_name("ann", Some(Tier::Pro)).await.unwrap().unwrap();
    let request = SubmitRequest { prompt: "a then b".to_owned(), ..SubmitRequest::default() };
    let mut submitting =
        Box::pin(engine.queue.submit(caller.user, caller.tier, request, None, Origin::default()));
    // The submission is with the writer after this.
    let _ = poll!(&mut submitting);
    drop(submitting);
    // The first may share the submission's transaction, and is answered before it is told of.
    engine.queue.probe().await.unwrap();
    engine.queue.probe().await.unwrap();
    let now = Timestamp(jiff::Timestamp::now().as_millisecond());
    let stored = engine.reader.blocking().counts(caller.user, now).unwrap();
    assert_eq!((stored.queued, counter.0.load(Ordering::SeqCst)), (1, 1));
    engine.drain().await;
    engine.finish(std::future::ready(())).await;
}
