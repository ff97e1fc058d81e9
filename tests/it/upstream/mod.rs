//! A scripted upstream: the real wire of Anthropic or of chat completions on `127.0.0.1`, with
//! exact quotas, faults on demand and a ledger of everything it saw.
//!
//! ```ignore
//! let upstream = Upstream::anthropic().requests_per_minute(25).start().await;
//! upstream.push(Behaviour::status(529));              // the first call fails, all others answer
//! // ... point the server at upstream.url() with upstream.key() ...
//! upstream.ledger().wait_for_ended(2).await;          // no sleeps
//! assert_eq!(upstream.violations(), 0);
//! ```
//!
//! Waits are made with a [`Gate`]: a call held at a gate goes on when the test opens it. Used as
//! a plain module: it knows of the crate only money and tokens.

// Each test crate uses another part of it.
#![allow(dead_code, unused_imports)]

mod behaviour;
mod body;
mod gate;
mod ledger;
mod quota;
mod server;
mod wire;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

pub use behaviour::{Behaviour, DEFAULT_TEXT};
pub use gate::Gate;
pub use ledger::{Kind, Ledger, Outcome, ReceivedCall};
pub use quota::Window;

use quota::Quota;
use server::Running;
use wire::Dialect;

/// The key every upstream wants unless told otherwise.
pub const DEFAULT_KEY: &str = "sk-test-upstream";

/// What a closure given to [`Upstream::script`] is.
type Script = Box<dyn Fn(&ReceivedCall) -> Behaviour + Send + Sync>;

/// A running upstream; it stops when dropped.
pub struct Upstream {
    shared: Arc<Shared>,
    address: SocketAddr,
    running: Mutex<Option<Running>>,
}

/// What connections and the test's handle share.
struct Shared {
    dialect: Dialect,
    key: Option<String>,
    lean: bool,
    ledger: Ledger,
    quota: Mutex<Quota>,
    hidden_every: Option<u64>,
    violations: AtomicU64,
    connections: AtomicU64,
    queue: Mutex<VecDeque<Behaviour>>,
    script: Mutex<Option<Script>>,
    default: Mutex<Behaviour>,
}

impl Upstream {
    /// An upstream that speaks the Messages API.
    pub fn anthropic() -> Builder {
        Builder::new(Dialect::Anthropic)
    }

    /// An upstream that speaks chat completions.
    pub fn chat() -> Builder {
        Builder::new(Dialect::Chat)
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The key it wants; empty when it wants none.
    pub fn key(&self) -> &str {
        self.shared.key.as_deref().unwrap_or_default()
    }

    /// Everything it received.
    pub fn ledger(&self) -> &Ledger {
        &self.shared.ledger
    }

    /// Calls refused because the quota was used up: 0 for a caller that keeps to it.
    pub fn violations(&self) -> u64 {
        self.shared.violations.load(Ordering::SeqCst)
    }

    /// Connections accepted so far.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// The next call that is let in behaves so; several queue up. They go before the script.
    pub fn push(&self, behaviour: Behaviour) {
        self.shared.queue.lock().push_back(behaviour);
    }

    /// Every call that is let in and finds the queue empty behaves as the closure says. The
    /// closure may look at the ledger but not change the quota.
    pub fn script(&self, script: impl Fn(&ReceivedCall) -> Behaviour + Send + Sync + 'static) {
        *self.shared.script.lock() = Some(Box::new(script));
    }

    /// Every call behaves so from now on, unless the queue or the script say otherwise.
    pub fn always(&self, behaviour: Behaviour) {
        *self.shared.default.lock() = behaviour;
    }

    /// Another consumer of the same quota takes this much now, whether it fits or not.
    pub fn consume_elsewhere(&self, requests: u64, input_tokens: u64, output_tokens: u64) {
        self.shared.quota.lock().charge(Instant::now(), requests, input_tokens, output_tokens);
    }

    /// Closes the port and every connection: connecting fails until [`Self::accept_again`].
    pub async fn refuse_connections(&self) {
        let running = self.running.lock().take();
        if let Some(running) = running {
            running.stop().await;
        }
    }

    /// Opens the same port again.
    pub async fn accept_again(&self) {
        let running = Running::start(self.address, Arc::clone(&self.shared)).await.1;
        *self.running.lock() = Some(running);
    }
}

/// An upstream that is not running yet. A limit that is not set is not enforced.
pub struct Builder {
    dialect: Dialect,
    key: Option<String>,
    lean: bool,
    quota: Quota,
    hidden_every: Option<u64>,
    default: Behaviour,
}

impl Builder {
    fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            key: Some(DEFAULT_KEY.to_owned()),
            lean: false,
            quota: Quota::default(),
            hidden_every: None,
            default: Behaviour::default(),
        }
    }

    /// Requests in a minute.
    pub fn requests_per_minute(mut self, limit: u64) -> Self {
        self.quota.requests.set_limit(limit);
        self
    }

    /// Input and output tokens together in a minute.
    pub fn tokens_per_minute(mut self, limit: u64) -> Self {
        self.quota.tokens.set_limit(limit);
        self
    }

    /// Input tokens in a minute.
    pub fn input_tokens_per_minute(mut self, limit: u64) -> Self {
        self.quota.input.set_limit(limit);
        self
    }

    /// Output tokens in a minute.
    pub fn output_tokens_per_minute(mut self, limit: u64) -> Self {
        self.quota.output.set_limit(limit);
        self
    }

    /// How a minute is measured; a sliding window unless told otherwise.
    pub fn window(mut self, window: Window) -> Self {
        self.quota.set_window(window);
        self
    }

    /// How long the "minute" is, for tests that must see it pass.
    pub fn minute(mut self, length: Duration) -> Self {
        self.quota.set_length(length);
        self
    }

    /// A hidden second consumer: after every `n`-th call let in, one of the same size is charged.
    pub fn hidden_consumer_every(mut self, n: u64) -> Self {
        self.hidden_every = Some(n);
        self
    }

    /// The key it wants, in `x-api-key` or as a bearer token.
    pub fn requires_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// It looks at no key.
    pub fn without_key(mut self) -> Self {
        self.key = None;
        self
    }

    /// How calls behave that neither queue nor script speak of.
    pub fn always(mut self, behaviour: Behaviour) -> Self {
        self.default = behaviour;
        self
    }

    /// For benches: the ledger keeps no prompts, bodies and headers.
    pub fn lean(mut self) -> Self {
        self.lean = true;
        self
    }

    /// Listens on a free port of the loopback address, on the caller's runtime.
    pub async fn start(self) -> Upstream {
        let shared = Arc::new(Shared {
            dialect: self.dialect,
            key: self.key,
            lean: self.lean,
            ledger: Ledger::default(),
            quota: Mutex::new(self.quota),
            hidden_every: self.hidden_every,
            violations: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            queue: Mutex::default(),
            script: Mutex::default(),
            default: Mutex::new(self.default),
        });
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let (address, running) = Running::start(any_port, Arc::clone(&shared)).await;
        Upstream { shared, address, running: Mutex::new(Some(running)) }
    }
}
