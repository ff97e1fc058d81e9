//! Everything an upstream saw, and the questions tests ask of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use diagramd::domain::prices::ModelPrice;
use diagramd::domain::{Money, TokenUsage};
use hyper::HeaderMap;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// How long [`Ledger::wait_for`] waits before it gives up with a panic.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// One call as it arrived and as it ended.
#[derive(Clone, Debug)]
pub struct ReceivedCall {
    /// 0 for the first call this upstream received.
    pub number: usize,
    /// When its headers arrived.
    pub at: Instant,
    /// When it ended; `None` while it is in flight.
    pub ended: Option<Instant>,
    /// How it ended, or that it has not.
    pub outcome: Outcome,
    /// Tokens billed so far.
    pub usage: TokenUsage,
    /// The model asked.
    pub model: String,
    /// The key sent.
    pub api_key: Option<String>,
    /// `metadata.user_id` (Anthropic) or `user` (chat).
    pub user_id: String,
    /// The bound on the answer.
    pub max_tokens: u64,
    /// The system prompt; empty in a lean ledger.
    pub system: Arc<str>,
    /// The last user message; empty in a lean ledger.
    pub prompt: Arc<str>,
    /// The whole body; empty in a lean ledger.
    pub body: Bytes,
    /// All headers; empty in a lean ledger.
    pub headers: HeaderMap,
}

/// How a call ended, seen from the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has not.
    InFlight,
    /// A whole answer went out.
    Completed,
    /// Refused for lack of quota: a violation.
    OverQuota,
    /// An error status went out, or an error event inside a 200 (then the status is 200).
    Error(u16),
    /// The upstream broke the answer off, as scripted.
    Cut,
    /// The caller went away.
    Aborted,
}

/// Which tokens to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Input that counts against a rate limit.
    Input,
    /// Output.
    Output,
    /// Both.
    All,
}

/// The ledger. Clones are the same ledger.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    calls: Vec<ReceivedCall>,
    produced: Vec<(Instant, u64, u64)>,
}

impl Ledger {
    /// All calls in the order of their arrival.
    pub fn calls(&self) -> Vec<ReceivedCall> {
        self.inner.state.lock().calls.clone()
    }

    /// How many calls arrived.
    pub fn len(&self) -> usize {
        self.inner.state.lock().calls.len()
    }

    /// How many calls are in flight now.
    pub fn in_flight(&self) -> usize {
        self.count(|call| call.outcome == Outcome::InFlight)
    }

    /// How many calls are as asked.
    pub fn count(&self, wanted: impl Fn(&ReceivedCall) -> bool) -> usize {
        self.inner.state.lock().calls.iter().filter(|call| wanted(call)).count()
    }

    /// Waits until the calls are as wanted, without sleeping; panics after 30 s.
    pub async fn wait_for(&self, wanted: impl Fn(&[ReceivedCall]) -> bool) {
        let wait = async {
            loop {
                let mut changed = std::pin::pin!(self.inner.changed.notified());
                changed.as_mut().enable();
                if wanted(&self.inner.state.lock().calls) {
                    return;
                }
                changed.await;
            }
        };
        if tokio::time::timeout(WAIT_MAX, wait).await.is_err() {
            let ends: Vec<_> = self.inner.state.lock().calls.iter().map(|call| call.outcome).collect();
            panic!("the upstream never saw what was waited for; it saw {} calls: {ends:?}", ends.len());
        }
    }

    /// Waits until at least this many calls arrived.
    pub async fn wait_for_calls(&self, count: usize) {
        self.wait_for(|calls| calls.len() >= count).await;
    }

    /// Waits until at least this many calls ended.
    pub async fn wait_for_ended(&self, count: usize) {
        self.wait_for(|calls| calls.iter().filter(|call| call.ended.is_some()).count() >= count).await;
    }

    /// The most calls that were in flight at once.
    pub fn max_concurrent(&self) -> usize {
        most_at_once(self.inner.state.lock().calls.iter())
    }

    /// The most calls of any one user that were in flight at once. A call that its caller gave
    /// up counts until the upstream noticed.
    pub fn max_concurrent_per_user(&self) -> usize {
        let state = self.inner.state.lock();
        let mut users: HashMap<&str, Vec<&ReceivedCall>> = HashMap::new();
        for call in &state.calls {
            users.entry(&call.user_id).or_default().push(call);
        }
        users.into_values().map(|calls| most_at_once(calls.into_iter())).max().unwrap_or(0)
    }

    /// The most calls that arrived in any span of this length.
    pub fn max_requests_in(&self, span: Duration) -> u64 {
        let state = self.inner.state.lock();
        most_in(span, state.calls.iter().map(|call| (call.at, 1)).collect())
    }

    /// The most tokens in any span of this length: input when it arrived, output as it was made.
    pub fn max_tokens_in(&self, span: Duration, kind: Kind) -> u64 {
        let amount = |input, output| match kind {
            Kind::Input => input,
            Kind::Output => output,
            Kind::All => input + output,
        };
        let state = self.inner.state.lock();
        most_in(span, state.produced.iter().map(|&(at, input, output)| (at, amount(input, output))).collect())
    }

    /// Tokens billed in all.
    pub fn usage(&self) -> TokenUsage {
        let mut sum = TokenUsage::default();
        for call in &self.inner.state.lock().calls {
            sum += call.usage;
        }
        sum
    }

    /// The bill, exact to the nano-dollar, at the price of each model.
    pub fn bill(&self, price: impl Fn(&str) -> ModelPrice) -> Money {
        self.inner.state.lock().calls.iter().map(|call| price(&call.model).cost(&call.usage)).sum()
    }

    /// Enters a call and returns the entry's hand.
    pub(super) fn enter(&self, mut call: ReceivedCall) -> Entry {
        let mut state = self.inner.state.lock();
        call.number = state.calls.len();
        let number = call.number;
        // One system prompt serves thousands of calls: it is kept once.
        if let Some(last) = state.calls.last()
            && last.system == call.system
        {
            call.system = Arc::clone(&last.system);
        }
        state.calls.push(call);
        drop(state);
        self.inner.changed.notify_waiters();
        Entry { ledger: self.clone(), number, open: true }
    }
}

/// A call in flight; dropped unended, its caller went away.
pub(super) struct Entry {
    ledger: Ledger,
    number: usize,
    open: bool,
}

impl Entry {
    /// The call's id as the upstream tells it.
    pub(super) fn request_id(&self) -> String {
        format!("req_{}", self.number)
    }

    /// The call as it stands.
    pub(super) fn call(&self) -> ReceivedCall {
        self.ledger.inner.state.lock().calls[self.number].clone()
    }

    /// Bills tokens.
    pub(super) fn bill(&self, now: Instant, tokens: TokenUsage) {
        let mut state = self.ledger.inner.state.lock();
        state.calls[self.number].usage += tokens;
        if tokens.limited_input() + tokens.output > 0 {
            state.produced.push((now, tokens.limited_input(), tokens.output));
        }
    }

    /// Something worth looking at happened: text went out.
    pub(super) fn touch(&self) {
        self.ledger.inner.changed.notify_waiters();
    }

    /// Ends the call.
    pub(super) fn end(&mut self, outcome: Outcome) {
        if !std::mem::replace(&mut self.open, false) {
            return;
        }
        let mut state = self.ledger.inner.state.lock();
        let call = &mut state.calls[self.number];
        call.ended = Some(Instant::now());
        call.outcome = outcome;
        drop(state);
        self.ledger.inner.changed.notify_waiters();
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.end(Outcome::Aborted);
    }
}

fn most_at_once<'a>(calls: impl Iterator<Item = &'a ReceivedCall>) -> usize {
    let mut moves: Vec<(Instant, bool)> = Vec::new();
    for call in calls.filter(|call| call.outcome != Outcome::OverQuota) {
        moves.push((call.at, true));
        moves.extend(call.ended.map(|ended| (ended, false)));
    }
    // At the same instant an end goes before a beginning.
    moves.sort_unstable();
    let (mut now, mut most) = (0_usize, 0_usize);
    for (_, begins) in moves {
        now = if begins { now + 1 } else { now.saturating_sub(1) };
        most = most.max(now);
    }
    most
}

fn most_in(span: Duration, mut amounts: Vec<(Instant, u64)>) -> u64 {
    amounts.sort_unstable();
    let (mut first, mut sum, mut most) = (0, 0, 0);
    for &(at, amount) in &amounts {
        sum += amount;
        while at.saturating_duration_since(amounts[first].0) >= span {
            sum -= amounts[first].1;
            first += 1;
        }
        most = most.max(sum);
    }
    most
}
