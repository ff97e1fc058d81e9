//! The operator's key set: fetched at the start, every ten minutes, and when a token names a key
//! that is not in it. One fetch at a time, whoever asks; no lock is held while it runs.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::trusted::{self, TrustedKey};

/// Between two fetches for the sake of unknown key ids, and after one that failed.
const FETCH_EVERY: Duration = Duration::from_secs(30);
/// Between two fetches for the sake of keys that were withdrawn.
const REFRESH_EVERY: Duration = Duration::from_secs(600);
/// The longest a fetch may take.
const FETCH_TIME_MAX: Duration = Duration::from_secs(15);

/// Fetches the key set's JSON.
pub trait FetchKeys: Send + Sync {
    /// The document, or why there is none.
    fn fetch(&self) -> Pin<Box<dyn Future<Output = Result<String, String>> + Send + '_>>;
}

/// A key set that is kept fresh for as long as it is held.
pub struct KeySet {
    source: Box<dyn FetchKeys>,
    state: Mutex<State>,
    /// Moves when a fetch is over, however it went.
    round: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    keys: Vec<TrustedKey>,
    begun_at: Option<Instant>,
    is_fetching: bool,
    has_failed: bool,
}

impl KeySet {
    /// Begins to fetch, and goes on. Call within a runtime.
    pub fn start(source: Box<dyn FetchKeys>) -> Arc<Self> {
        let set = Arc::new(Self { source, state: Mutex::default(), round: watch::Sender::default() });
        set.fetch_unless_lately();
        tokio::spawn(keep_fresh(Arc::downgrade(&set)));
        set
    }

    /// The key that a token names, fetched if need be; `None` when the set has none that fits.
    pub(super) async fn key(
        self: &Arc<Self>,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Option<DecodingKey> {
        // Before the look: a fetch that ends after it is noticed.
        let mut round = self.round.subscribe();
        if let Some(key) = self.known(kid, algorithm) {
            return Some(key);
        }
        if !self.fetch_unless_lately() {
            return None;
        }
        // The sender is `self`, and a fetch always ends its round.
        round.changed().await.ok()?;
        self.known(kid, algorithm)
    }

    fn known(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<DecodingKey> {
        trusted::find(&self.state.lock().keys, kid, algorithm)
    }

    /// Begins a fetch, or joins one that runs; `false` when the last one is too short ago.
    fn fetch_unless_lately(self: &Arc<Self>) -> bool {
        let mut state = self.state.lock();
        if state.is_fetching {
            return true;
        }
        if state.begun_at.is_some_and(|at| at.elapsed() < FETCH_EVERY) {
            return false;
        }
        state.begun_at = Some(Instant::now());
        state.is_fetching = true;
        drop(state);
        tokio::spawn(fetch(Round(Arc::clone(self))));
        true
    }

    fn refresh_due(&self) -> Instant {
        let state = self.state.lock();
        let pause = if state.has_failed { FETCH_EVERY } else { REFRESH_EVERY };
        state.begun_at.map_or_else(Instant::now, |at| at + pause)
    }

    fn learn(&self, fetched: Result<Vec<TrustedKey>, String>) {
        let mut state = self.state.lock();
        state.has_failed = fetched.is_err();
        match fetched {
            Ok(keys) => state.keys = keys,
            Err(reason) => {
                drop(state);
                tracing::warn!(%reason, "the operator's key set could not be fetched; the last one stays");
            }
        }
    }
}

/// A fetch that runs; its end is told even if it panics.
struct Round(Arc<KeySet>);

impl Drop for Round {
    fn drop(&mut self) {
        self.0.state.lock().is_fetching = false;
        self.0.round.send_modify(|round| *round += 1);
    }
}

async fn fetch(round: Round) {
    let set = &round.0;
    let fetched = match timeout(FETCH_TIME_MAX, set.source.fetch()).await {
        Ok(Ok(text)) => trusted::read_set(&text),
        Ok(Err(reason)) => Err(reason),
        Err(_) => Err(format!("it took longer than {} s", FETCH_TIME_MAX.as_secs())),
    };
    set.learn(fetched);
}

async fn keep_fresh(set: Weak<KeySet>) {
    loop {
        let Some(due) = set.upgrade().map(|set| set.refresh_due()) else { return };
        let now = Instant::now();
        if due <= now {
            let Some(set) = set.upgrade() else { return };
            set.fetch_unless_lately();
        }
        // Also while a fetch runs: a look a second is nothing.
        sleep(due.saturating_duration_since(now).max(Duration::from_secs(1))).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::auth::minted::Minted;
    use serde_json::json;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::Semaphore;
    use tokio::time::advance;

    /// A source whose answers and pace the test decides.
    #[derive(Clone)]
    struct Scripted {
        answer: Arc<Mutex<Result<String, String>>>,
        fetches: Arc<AtomicUsize>,
        may_answer: Arc<Semaphore>,
    }

    impl Scripted {
        fn with(pairs: &[&Minted]) -> Self {
            Self {
                answer: Arc::new(Mutex::new(Ok(document(pairs)))),
                fetches: Arc::default(),
                may_answer: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            }
        }

        fn now_has(&self, pairs: &[&Minted]) {
            *self.answer.lock() = Ok(document(pairs));
        }

        fn fetches(&self) -> usize {
            self.fetches.load(Ordering::Acquire)
        }
    }

    impl FetchKeys for Scripted {
        fn fetch(&self) -> Pin<Box<dyn Future<Output = Result<String, String>> + Send + '_>> {
            Box::pin(async {
                self.fetches.fetch_add(1, Ordering::AcqRel);
                drop(self.may_answer.acquire().await);
                self.answer.lock().clone()
            })
        }
    }

    fn document(pairs: &[&Minted]) -> String {
        json!({ "keys": pairs.iter().map(|pair| pair.jwk()).collect::<Vec<_>>() }).to_string()
    }

    async fn has(set: &Arc<KeySet>, kid: &str) -> bool {
        set.key(Some(kid), Algorithm::ES256).await.is_some()
    }

    #[tokio::test(start_paused = true)]
    async fn many_callers_share_one_fetch_and_unknown_keys_fetch_twice_a_minute_at_most() {
        let source = Scripted::with(&[&Minted::es256("a")]);
        source.may_answer.forget_permits(Semaphore::MAX_PERMITS);
        let set = KeySet::start(Box::new(source.clone()));
        let asking: Vec<_> = (0..100)
            .map(|_| {
                let set = Arc::clone(&set);
                tokio::spawn(async move { has(&set, "a").await })
            })
            .collect();
        tokio::task::yield_now().await;
        source.may_answer.add_permits(1);
        for asked in asking {
            assert!(asked.await.unwrap());
        }
        assert_eq!(source.fetches(), 1);
        for _ in 0..100 {
            assert!(!has(&set, "forged").await);
        }
        assert_eq!(source.fetches(), 1, "not before half a minute");
        advance(FETCH_EVERY).await;
        source.may_answer.add_permits(1);
        for _ in 0..100 {
            assert!(!has(&set, "forged").await);
        }
        assert_eq!(source.fetches(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_key_is_found_and_a_withdrawn_one_forgotten() {
        let (old, new) = (Minted::es256("old"), Minted::es256("new"));
        let source = Scripted::with(&[&old]);
        let set = KeySet::start(Box::new(source.clone()));
        assert!(has(&set, "old").await);
        source.now_has(&[&old, &new]);
        advance(FETCH_EVERY).await;
        assert!(has(&set, "new").await);
        source.now_has(&[&new]);
        assert!(has(&set, "old").await, "nobody asked the source yet");
        sleep(REFRESH_EVERY + Duration::from_secs(2)).await;
        assert!(!has(&set, "old").await, "withdrawn");
        assert!(has(&set, "new").await);
    }

    #[tokio::test(start_paused = true)]
    async fn while_the_source_fails_the_last_set_stays() {
        let key = Minted::es256("a");
        let source = Scripted::with(&[&key]);
        let set = KeySet::start(Box::new(source.clone()));
        assert!(has(&set, "a").await);
        for wrong in [Err("refused".to_owned()), Ok("<html>".to_owned())] {
            *source.answer.lock() = wrong;
            sleep(REFRESH_EVERY + FETCH_EVERY).await;
            assert!(has(&set, "a").await);
        }
        let before = source.fetches();
        source.now_has(&[]);
        sleep(FETCH_EVERY + Duration::from_secs(2)).await;
        assert!(source.fetches() > before, "a failed fetch is soon tried again");
        assert!(!has(&set, "a").await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_goes_away_does_not_stop_the_fetch_for_others() {
        let source = Scripted::with(&[&Minted::es256("a")]);
        source.may_answer.forget_permits(Semaphore::MAX_PERMITS);
        let set = KeySet::start(Box::new(source.clone()));
        let gone = timeout(Duration::from_millis(1), has(&set, "a")).await;
        assert!(gone.is_err());
        source.may_answer.add_permits(1);
        assert!(has(&set, "a").await);
        assert_eq!(source.fetches(), 1);
    }
}
