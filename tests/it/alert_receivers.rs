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
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

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

/// How a mail server is reached.
#[derive(Clone)]
pub enum Door {
    /// In the clear.
    Open,
    /// In the clear until the sender asks for TLS.
    Starttls(TlsAcceptor),
    /// By TLS from the first byte.
    Tls(TlsAcceptor),
}

/// A mail server that refuses so many letters before it takes them.
pub struct MailServer {
    pub port: u16,
    letters: mpsc::UnboundedReceiver<Letter>,
    visits: mpsc::UnboundedReceiver<Visit>,
}

/// What a sender did until it went away.
#[derive(Clone, Copy, Debug, Default)]
pub struct Visit {
    /// Whether it said a password.
    pub said_a_password: bool,
    /// Whether it left a letter.
    pub left_a_letter: bool,
}

impl MailServer {
    pub async fn start(refusals: u32) -> Self {
        Self::behind(Door::Open, refusals).await
    }

    pub async fn behind(door: Door, refusals: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (told, letters) = mpsc::unbounded_channel();
        let (gone, visits) = mpsc::unbounded_channel();
        let left = Arc::new(Mutex::new(refusals));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (office, door, gone) =
                    (Office { told: told.clone(), refusals: Arc::clone(&left) }, door.clone(), gone.clone());
                tokio::spawn(async move {
                    let mut visit = Visit::default();
                    receive(stream, door, &office, &mut visit).await;
                    // The test may be over.
                    let _ = gone.send(visit);
                });
            }
        });
        Self { port, letters, visits }
    }

    /// The next sender that went away.
    pub async fn visited(&mut self) -> Visit {
        timeout(PATIENCE, self.visits.recv()).await.expect("a sender within a minute").unwrap()
    }

    /// The next letter.
    pub async fn next(&mut self) -> Letter {
        timeout(PATIENCE, self.letters.recv()).await.expect("a letter within a minute").unwrap()
    }
}

/// Where letters are taken.
struct Office {
    told: mpsc::UnboundedSender<Letter>,
    refusals: Arc<Mutex<u32>>,
}

async fn receive(mut stream: TcpStream, door: Door, office: &Office, visit: &mut Visit) -> Option<()> {
    match door {
        Door::Open => {
            talk(&mut stream, Begin::Greeting(""), office, visit).await?;
        }
        Door::Tls(acceptor) => {
            talk(&mut acceptor.accept(stream).await.ok()?, Begin::Greeting(""), office, visit).await?;
        }
        Door::Starttls(acceptor) => {
            if talk(&mut stream, Begin::Greeting("250-STARTTLS\r\n"), office, visit).await? {
                talk(&mut acceptor.accept(stream).await.ok()?, Begin::Anew, office, visit).await?;
            }
        }
    }
    Some(())
}

/// How a conversation begins.
enum Begin {
    /// With a greeting; what is offered besides.
    Greeting(&'static str),
    /// After `STARTTLS`, without one.
    Anew,
}

/// One conversation (RFC 5321), as far as a sender of one letter goes. Returns whether it ended with
/// `STARTTLS`, after which the sender begins anew without being greeted.
async fn talk(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    begin: Begin,
    office: &Office,
    visit: &mut Visit,
) -> Option<bool> {
    let mut stream = BufReader::new(stream);
    let nothing = || Letter { from: String::new(), to: Vec::new(), text: String::new(), signed_in: None };
    let mut letter = nothing();
    let offers = match begin {
        Begin::Greeting(offers) => {
            stream.write_all(b"220 mail.example\r\n").await.ok()?;
            offers
        }
        Begin::Anew => "",
    };
    while let Some(line) = next_line(&mut stream).await {
        let command = line.to_ascii_uppercase();
        let address = || line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        let answer = if command.starts_with("EHLO") {
            &format!("250-mail.example\r\n{offers}250 AUTH PLAIN")
        } else if command == "STARTTLS" && !offers.is_empty() {
            stream.write_all(b"220 go on\r\n").await.ok()?;
            return Some(true);
        } else if let Some(credentials) = line.strip_prefix("AUTH PLAIN ") {
            visit.said_a_password = true;
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
                let mut left = office.refusals.lock();
                let refuses = *left > 0;
                *left = left.saturating_sub(1);
                refuses
            };
            if refuses {
                "451 try again later"
            } else {
                stream.write_all(b"354 go on\r\n").await.ok()?;
                while let Some(line) = next_line(&mut stream).await.filter(|line| line != ".") {
                    letter.text.push_str(&line);
                    letter.text.push('\n');
                }
                visit.left_a_letter = true;
                office.told.send(std::mem::replace(&mut letter, nothing())).ok()?;
                "250 taken"
            }
        } else if command == "QUIT" {
            stream.write_all(b"221 bye\r\n").await.ok()?;
            return Some(false);
        } else {
            "250 ok"
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
    }
    Some(false)
}

/// Without its end; `None`: the sender is gone.
async fn next_line(stream: &mut (impl AsyncBufReadExt + Unpin)) -> Option<String> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).await.ok()?;
    (read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
}
