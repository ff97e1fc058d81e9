//! An application that receives webhooks: answers as it is told, and shows what it got. It verifies
//! by the sample of the manual.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

#[path = "../webhooks/verify.rs"]
mod sample;

use sample::verify;

/// How one message is answered.
#[derive(Clone, Copy, Debug)]
pub enum Reply {
    Status(u16),
    /// Never.
    Hang,
}

/// A message as it came in.
#[derive(Clone, Debug)]
pub struct Message {
    pub id: String,
    pub timestamp: String,
    pub signatures: Vec<String>,
    pub bytes: Bytes,
    pub body: Value,
    pub headers: HeaderMap,
}

impl Message {
    /// Which of its signatures are of this secret.
    pub fn signed_by(&self, secret: &str) -> usize {
        let now = jiff::Timestamp::now().as_second();
        let is_of =
            |signature: &String| verify(secret, &self.id, &self.timestamp, signature, &self.bytes, now);
        self.signatures.iter().filter(|signature| is_of(signature)).count()
    }
}

/// The application.
pub struct Receiver {
    pub url: String,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    got: mpsc::UnboundedReceiver<Message>,
}

impl Receiver {
    /// It answers with these, one a message, and then with 204.
    pub async fn start(replies: &[Reply]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks?secret=path", listener.local_addr().unwrap());
        let replies = Arc::new(Mutex::new(replies.iter().copied().collect::<VecDeque<_>>()));
        let (tell, got) = mpsc::unbounded_channel();
        let script = Arc::clone(&replies);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, tell) = (Arc::clone(&script), tell.clone());
                let service = service_fn(move |request| answer(request, Arc::clone(&script), tell.clone()));
                let http = hyper::server::conn::http1::Builder::new();
                tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { url, replies, got }
    }

    /// Answers the next messages so.
    pub fn will(&self, replies: &[Reply]) {
        self.replies.lock().extend(replies);
    }

    /// The next message.
    pub async fn next(&mut self) -> Message {
        let next = tokio::time::timeout(Duration::from_secs(30), self.got.recv());
        next.await.expect("a message comes").unwrap()
    }

    /// Whether a message came that nobody has looked at.
    pub fn is_idle(&mut self) -> bool {
        self.got.try_recv().is_err()
    }
}

async fn answer(
    request: Request<Incoming>,
    script: Arc<Mutex<VecDeque<Reply>>>,
    tell: mpsc::UnboundedSender<Message>,
) -> hyper::http::Result<Response<Full<Bytes>>> {
    let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
    let (id, timestamp, signatures) =
        (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
    assert_eq!(header("content-type"), "application/json");
    let headers = request.headers().clone();
    let bytes = request.into_body().collect().await.unwrap().to_bytes();
    let body = serde_json::from_slice(&bytes).unwrap();
    let signatures = signatures.split(' ').map(str::to_owned).collect();
    drop(tell.send(Message { id, timestamp, signatures, bytes, body, headers }));
    let reply = script.lock().pop_front().unwrap_or(Reply::Status(204));
    match reply {
        Reply::Status(status) => Response::builder().status(status).body(Full::default()),
        Reply::Hang => std::future::pending().await,
    }
}
