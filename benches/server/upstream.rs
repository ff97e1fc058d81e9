//! An upstream on loopback that speaks the Messages API, notes when, and holds answers on demand.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use super::Failure;

/// How it answers.
#[derive(Clone, Copy)]
pub struct Script {
    /// Lines of the diagram after the first.
    pub lines: usize,
    /// Between two lines.
    pub pause: Duration,
    /// Between the last line and the end.
    pub rest: Duration,
}

/// What it saw.
#[derive(Clone, Copy, Debug)]
pub enum Seen {
    /// The head of a call came in.
    Call(Instant),
    /// The line of this number was handed to the socket.
    Line(usize, Instant),
    /// The last event of an answer was handed to the socket.
    End(Instant),
}

/// A running upstream.
pub struct Upstream {
    /// `http://127.0.0.1:port`.
    pub url: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// Everything, as it happens.
    pub seen: mpsc::UnboundedReceiver<Seen>,
    /// `false`: answers wait before their first line.
    pub open: watch::Sender<bool>,
}

impl Upstream {
    /// Listens.
    ///
    /// # Errors
    /// When no port is to be had.
    pub async fn start(script: Script) -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (note, seen) = mpsc::unbounded_channel();
        let (open, gate) = watch::channel(true);
        tokio::spawn(serve(listener, script, note, gate));
        Ok(Self { url: format!("http://{address}"), address, seen, open })
    }

    /// The configuration's section for it.
    pub fn section(&self, concurrent: u32) -> String {
        format!(
            "[[upstreams]]\nname = \"bench\"\nkind = \"anthropic\"\nbase_url = \"{}\"\napi_key = \"k\"\n\
             model = \"claude-haiku-5-5\"\nmax_concurrent = {concurrent}\nrequests_per_minute = 0\ntokens_per_minute = 0\n[cache]\nenabled = false\n",
            self.url
        )
    }
}

async fn serve(
    listener: TcpListener,
    script: Script,
    note: mpsc::UnboundedSender<Seen>,
    gate: watch::Receiver<bool>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        let (note, gate) = (note.clone(), gate.clone());
        // Without it the last small frame would wait for an acknowledgement.
        drop(stream.set_nodelay(true));
        tokio::spawn(async move {
            let service = service_fn(move |request: Request<Incoming>| {
                // Nobody listens any more once the part is over.
                let _ = note.send(Seen::Call(Instant::now()));
                answer(request, script, note.clone(), gate.clone())
            });
            drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    script: Script,
    note: mpsc::UnboundedSender<Seen>,
    mut gate: watch::Receiver<bool>,
) -> Result<Response<http_body_util::combinators::UnsyncBoxBody<Bytes, Infallible>>, Infallible> {
    // A body that breaks off is a client that was killed.
    drop(request.into_body().collect().await);
    let (send, receive) = mpsc::channel::<Bytes>(1);
    tokio::spawn(async move {
        let say = |text: String| async { send.send(Bytes::from(text)).await.is_ok() };
        say(opening()).await;
        if gate.wait_for(|open| *open).await.is_err() {
            return;
        }
        say(delta("@startuml\\n")).await;
        for n in 0..script.lines {
            tokio::time::sleep(script.pause).await;
            let _ = note.send(Seen::Line(n, Instant::now()));
            if !say(delta(&format!("  A{n} --> B{n}\\n"))).await {
                return;
            }
        }
        tokio::time::sleep(script.rest).await;
        let _ = note.send(Seen::End(Instant::now()));
        say(closing()).await;
    });
    let frames = futures_util::stream::unfold(receive, |mut receive| async move {
        receive.recv().await.map(|piece| (piece, receive))
    });
    let body = StreamBody::new(frames.map(|piece| Ok(Frame::data(piece))));
    let response = Response::builder().header("content-type", "text/event-stream");
    Ok(response.body(body.boxed_unsync()).unwrap_or_default())
}

fn opening() -> String {
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\
     \"role\":\"assistant\",\"model\":\"claude-haiku-5-5\",\"content\":[],\"stop_reason\":null,\
     \"usage\":{\"input_tokens\":500,\"output_tokens\":1}}}\n\n\
     event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\
     \"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"
        .to_owned()
}

fn delta(text: &str) -> String {
    format!(
        "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\
         \"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n"
    )
}

fn closing() -> String {
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n\
     event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\
     \"usage\":{\"output_tokens\":200}}\n\n\
     event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
        .to_owned()
}
