//! Whoever receives alerts: a web server and a mail server that write down what they get.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// The longest that a test waits for something to be sent.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was posted.
pub struct Posted {
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: Bytes,
}

impl Posted {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A web server that answers with the statuses given, then with 204.
pub struct Hook {
    pub url: String,
    posted: mpsc::UnboundedReceiver<Posted>,
}

impl Hook {
    pub async fn start(statuses: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (told, posted) = mpsc::unbounded_channel();
        let left = Arc::new(Mutex::new(statuses.iter().rev().copied().collect::<Vec<_>>()));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (told, left) = (told.clone(), Arc::clone(&left));
                let service = service_fn(move |request: Request<Incoming>| {
                    let (told, left) = (told.clone(), Arc::clone(&left));
                    async move {
                        let (head, body) = request.into_parts();
                        let value = |value: &hyper::header::HeaderValue| value.to_str().unwrap().to_owned();
                        let headers = head.headers.iter().map(|(name, text)| (name.to_string(), value(text)));
                        let posted = Posted {
                            path: head.uri.path().to_owned(),
                            headers: headers.collect(),
                            body: body.collect().await.unwrap().to_bytes(),
                        };
                        // The test may be over.
                        let _ = told.send(posted);
                        let status = left.lock().pop().unwrap_or(204);
                        let answer = Response::builder().status(status).body(Full::new(Bytes::new()));
                        Ok::<_, Infallible>(answer.unwrap())
                    }
                });
                let serving = hyper::server::conn::http1::Builder::new();
                tokio::spawn(serving.serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { url, posted }
    }

    /// The next message.
    pub async fn next(&mut self) -> Posted {
        timeout(PATIENCE, self.posted.recv()).await.expect("a message within a minute").unwrap()
    }

    /// Whether there is nothing that the test has not looked at.
    pub fn is_quiet(&mut self) -> bool {
        self.posted.try_recv().is_err()
    }
}

/// A letter as the mail server took it.
#[derive(Debug)]
pub struct Letter {
    pub from: String,
    pub to: Vec<String>,
    pub text: String,
    /// User and password, when the sender gave them.
    pub signed_in: Option<(String, String)>,
}

/// A mail server that refuses so many letters before it takes them.
pub struct MailServer {
    pub port: u16,
    letters: mpsc::UnboundedReceiver<Letter>,
}

impl MailServer {
    pub async fn start(refusals: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (told, letters) = mpsc::unbounded_channel();
        let left = Arc::new(Mutex::new(refusals));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, told.clone(), Arc::clone(&left)));
            }
        });
        Self { port, letters }
    }

    /// The next letter.
    pub async fn next(&mut self) -> Letter {
        timeout(PATIENCE, self.letters.recv()).await.expect("a letter within a minute").unwrap()
    }
}

/// One conversation (RFC 5321), as far as a sender of one letter goes.
async fn talk(
    stream: TcpStream,
    told: mpsc::UnboundedSender<Letter>,
    refusals: Arc<Mutex<u32>>,
) -> Option<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut letter = Letter { from: String::new(), to: Vec::new(), text: String::new(), signed_in: None };
    write.write_all(b"220 mail.example\r\n").await.ok()?;
    while let Some(line) = lines.next_line().await.ok()? {
        let command = line.to_ascii_uppercase();
        let address = || line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        let answer = if command.starts_with("EHLO") {
            "250-mail.example\r\n250 AUTH PLAIN"
        } else if let Some(credentials) = line.strip_prefix("AUTH PLAIN ") {
            let text = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
            let mut parts = text.split('\0').skip(1).map(str::to_owned);
            letter.signed_in = Some((parts.next()?, parts.next()?));
            "235 welcome"
        } else if command.starts_with("MAIL FROM") {
            letter.from = address();
            "250 ok"
        } else if command.starts_with("RCPT TO") {
            letter.to.push(address());
            "250 ok"
        } else if command == "DATA" {
            let refuses = {
                let mut left = refusals.lock();
                let refuses = *left > 0;
                *left = left.saturating_sub(1);
                refuses
            };
            if refuses {
                "451 try again later"
            } else {
                write.write_all(b"354 go on\r\n").await.ok()?;
                while let Some(line) = lines.next_line().await.ok()?.filter(|line| line != ".") {
                    letter.text.push_str(&line);
                    letter.text.push('\n');
                }
                let empty =
                    Letter { from: String::new(), to: Vec::new(), text: String::new(), signed_in: None };
                told.send(std::mem::replace(&mut letter, empty)).ok()?;
                "250 taken"
            }
        } else if command == "QUIT" {
            write.write_all(b"221 bye\r\n").await.ok()?;
            return Some(());
        } else {
            "250 ok"
        };
        write.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
    }
    Some(())
}
