//! The port, and the way of one request: key, quota, script, answer.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use diagramd::domain::TokenUsage;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::behaviour::{Answer, Behaviour, Ending, Shape};
use super::body::{ScriptedBody, Step};
use super::ledger::Entry;
use super::quota::Meter;
use super::wire::Dialect;
use super::{Outcome, ReceivedCall, Shared};

/// The listening half of an upstream; closes port and connections when dropped.
pub(super) struct Running {
    accepting: JoinHandle<()>,
    stop: DropGuard,
}

impl Running {
    pub(super) async fn start(address: SocketAddr, shared: Arc<Shared>) -> (SocketAddr, Self) {
        let listener = TcpListener::bind(address).await.expect("a free loopback port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let stop = CancellationToken::new();
        let accepting = tokio::spawn(accept(listener, shared, stop.clone()));
        (address, Self { accepting, stop: stop.drop_guard() })
    }

    pub(super) async fn stop(self) {
        drop(self.stop);
        self.accepting.await.expect("the accept loop does not panic");
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    let connections = TaskTracker::new();
    loop {
        let connection = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = connection else { continue };
        let _ = stream.set_nodelay(true);
        shared.connections.fetch_add(1, Ordering::SeqCst);
        let (shared, stop) = (Arc::clone(&shared), stop.clone());
        connections.spawn(async move {
            let service = service_fn(|request| {
                let shared = Arc::clone(&shared);
                async move { Ok::<_, Infallible>(serve(shared, request).await) }
            });
            let serving =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // A caller that goes away and a scripted cut are both errors here, and both wanted.
            tokio::select! {
                () = stop.cancelled() => {}
                _ = serving => {}
            }
        });
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn serve(shared: Arc<Shared>, request: Request<Incoming>) -> Response<ScriptedBody> {
    let at = Instant::now();
    let (head, body) = request.into_parts();
    if head.uri.path() != shared.dialect.path() || head.method != hyper::Method::POST {
        return refuse(&shared, &Behaviour::status(404).message("no such path"), HeaderMap::new());
    }
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return refuse(&shared, &Behaviour::status(400).message("cut body"), HeaderMap::new()),
    };
    let mut call = match shared.dialect.read(at, &head.headers, &body) {
        Ok(call) => call,
        Err(reason) => return refuse(&shared, &Behaviour::status(400).message(&reason), HeaderMap::new()),
    };
    let estimate = (call.system.len() + call.prompt.len()).div_ceil(4) as u64;
    if shared.lean {
        (call.system, call.prompt) = (Arc::from(""), Arc::from(""));
        (call.body, call.headers) = (Bytes::new(), HeaderMap::new());
    }
    let key_fits = shared.key.is_none() || shared.key == call.api_key;
    let entry = shared.ledger.enter(call);
    let id = HeaderValue::from_str(&entry.request_id()).expect("an id is a header value");
    let mut response = judge(&shared, entry, key_fits, estimate).await;
    response.headers_mut().insert(shared.dialect.id_header(), id);
    response
}

/// Key and quota, then the answer.
async fn judge(
    shared: &Arc<Shared>,
    mut entry: Entry,
    key_fits: bool,
    estimate: u64,
) -> Response<ScriptedBody> {
    if !key_fits {
        entry.end(Outcome::Error(401));
        return refuse(shared, &Behaviour::status(401).message("invalid x-api-key"), HeaderMap::new());
    }
    match admit(shared, &entry, estimate) {
        Ok((call, behaviour, headers)) => {
            answer(Arc::clone(shared), entry, &call, behaviour, estimate, headers).await
        }
        Err((wait, headers)) => {
            shared.violations.fetch_add(1, Ordering::SeqCst);
            entry.end(Outcome::OverQuota);
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            let refusal = Behaviour::status(429)
                .message("This request would exceed your rate limit.")
                .header(RETRY_AFTER.as_str(), &seconds.max(1).to_string());
            refuse(shared, &refusal, headers)
        }
    }
}

/// Looks at the quota, picks the behaviour and charges what it uses, all under one lock.
fn admit(
    shared: &Shared,
    entry: &Entry,
    estimate: u64,
) -> Result<(ReceivedCall, Behaviour, HeaderMap), (Duration, HeaderMap)> {
    let now = Instant::now();
    let mut quota = shared.quota.lock();
    if let Some(wait) = quota.wait(now, estimate) {
        return Err((wait, quota_headers(shared.dialect, &mut quota, now)));
    }
    let call = entry.call();
    let behaviour = behaviour_of(shared, &call);
    let usage = match &behaviour.shape {
        Shape::Answer(answer) => usage_of(answer, estimate),
        Shape::Status(_) | Shape::RawStream(_) | Shape::Silent => TokenUsage::default(),
    };
    quota.charge(now, 1, usage.limited_input(), 0);
    entry.bill(now, TokenUsage { output: 0, ..usage });
    if shared.hidden_every.is_some_and(|every| (call.number as u64 + 1).is_multiple_of(every)) {
        quota.charge(now, 1, usage.limited_input(), usage.output);
    }
    let headers = quota_headers(shared.dialect, &mut quota, now);
    Ok((call, behaviour, headers))
}

fn behaviour_of(shared: &Shared, call: &ReceivedCall) -> Behaviour {
    if let Some(queued) = shared.queue.lock().pop_front() {
        return queued;
    }
    if let Some(script) = &*shared.script.lock() {
        return script(call);
    }
    shared.default.lock().clone()
}

fn usage_of(answer: &Answer, estimate: u64) -> TokenUsage {
    answer.usage.unwrap_or(TokenUsage {
        input: estimate,
        output: (answer.text.len() as u64).div_ceil(4),
        ..TokenUsage::default()
    })
}

async fn answer(
    shared: Arc<Shared>,
    mut entry: Entry,
    call: &ReceivedCall,
    behaviour: Behaviour,
    estimate: u64,
    headers: HeaderMap,
) -> Response<ScriptedBody> {
    if !behaviour.delay.is_zero() {
        tokio::time::sleep(behaviour.delay).await;
    }
    if let Some(gate) = behaviour.hold.clone() {
        gate.pass().await;
    }
    let body = match &behaviour.shape {
        Shape::Silent => std::future::pending().await,
        Shape::Status(status) => {
            entry.end(Outcome::Error(status.status));
            return refuse(&shared, &behaviour, headers);
        }
        Shape::RawStream(bytes) => {
            entry.end(Outcome::Completed);
            ScriptedBody::whole(Arc::clone(&shared), bytes.clone())
        }
        Shape::Answer(answer) => {
            let pieces = shared.dialect.stream(call, answer, usage_of(answer, estimate));
            let mut steps = Vec::with_capacity(pieces.len() + 4);
            let mut midway = behaviour.hold_midway.clone();
            for piece in pieces {
                let is_text = piece.is_text;
                if is_text && !behaviour.chunk_delay.is_zero() {
                    let delay = behaviour.chunk_delay;
                    steps.push(Step::Flush);
                    steps.push(Step::Wait(Box::pin(async move { tokio::time::sleep(delay).await })));
                }
                steps.push(Step::Send(piece));
                if is_text && let Some(gate) = midway.take() {
                    steps.push(Step::Flush);
                    steps.push(Step::Wait(Box::pin(gate.pass())));
                }
            }
            let outcome = match answer.ending {
                Ending::Whole => Outcome::Completed,
                Ending::Cut { .. } => {
                    steps.extend([Step::Flush, Step::Break]);
                    Outcome::Cut
                }
                Ending::Stall { .. } => {
                    steps.push(Step::Stall);
                    Outcome::Aborted
                }
                Ending::Error { .. } => Outcome::Error(200),
            };
            ScriptedBody::new(Arc::clone(&shared), entry, steps, outcome)
        }
    };
    respond(200, "text/event-stream; charset=utf-8", &behaviour, headers, body)
}

fn refuse(shared: &Arc<Shared>, behaviour: &Behaviour, headers: HeaderMap) -> Response<ScriptedBody> {
    let Shape::Status(status) = &behaviour.shape else { unreachable!("only an error status refuses") };
    let (content_type, bytes) = match &status.raw {
        Some((content_type, bytes)) => (content_type.clone(), bytes.clone()),
        None => ("application/json".to_owned(), shared.dialect.error_body(status).to_string().into()),
    };
    let body = ScriptedBody::whole(Arc::clone(shared), bytes);
    respond(status.status, &content_type, behaviour, headers, body)
}

fn respond(
    status: u16,
    content_type: &str,
    behaviour: &Behaviour,
    headers: HeaderMap,
    body: ScriptedBody,
) -> Response<ScriptedBody> {
    let mut response = Response::new(body);
    *response.status_mut() = hyper::StatusCode::from_u16(status).expect("a scripted status is a status");
    *response.headers_mut() = headers;
    let mut set = |name: &str, value: &str| {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a scripted header has a name");
        response.headers_mut().insert(name, HeaderValue::from_str(value).expect("a scripted header value"));
    };
    set(CONTENT_TYPE.as_str(), content_type);
    for (name, value) in &behaviour.headers {
        set(name, value);
    }
    response
}

fn quota_headers(dialect: Dialect, quota: &mut super::quota::Quota, now: Instant) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut tell = |name: &str, meter: &mut Meter| {
        let Some(limit) = meter.limit else { return };
        let exact = meter.remaining(now);
        // The real one tells tokens to the nearest thousand only.
        let rounded = dialect == Dialect::Anthropic && name != "requests";
        let remaining = if rounded { (exact + 500) / 1000 * 1000 } else { exact }.to_string();
        let reset = meter.full_after(now);
        let mut set = |part: &str, value: &str| {
            let name = match dialect {
                Dialect::Anthropic => format!("anthropic-ratelimit-{name}-{part}"),
                Dialect::Chat => format!("x-ratelimit-{part}-{name}"),
            };
            let name = HeaderName::from_bytes(name.as_bytes()).expect("these names are names");
            headers.insert(name, HeaderValue::from_str(value).expect("digits and dates are values"));
        };
        set("limit", &limit.to_string());
        set("remaining", &remaining);
        let at = SystemTime::now() + reset;
        let since_epoch = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        set("reset", &diagramd::domain::Timestamp(0).after(since_epoch).to_string());
    };
    tell("requests", &mut quota.requests);
    tell("input-tokens", &mut quota.input);
    tell("output-tokens", &mut quota.output);
    tell("tokens", &mut quota.tokens);
    headers
}
