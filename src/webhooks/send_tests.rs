//! The sender against receivers that are scripted byte by byte, and names that lie.

use std::collections::VecDeque;
use std::net::Ipv4Addr;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

const SOON: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(30);
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const NOBODY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
const PUBLIC: IpAddr = IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8));

fn now() -> Timestamp {
    Timestamp::parse("2026-11-24T04:00:00Z").unwrap()
}

/// Gives one list of addresses after the other; then nothing.
struct Script(Mutex<VecDeque<Vec<IpAddr>>>);

impl Lookup for Script {
    fn addresses<'a>(&'a self, _: &'a str) -> Looking<'a> {
        let next = self.0.lock().pop_front().ok_or_else(|| std::io::Error::other("no such name"));
        Box::pin(async { next })
    }
}

fn sender(reach: Reach, timeout: Duration, script: &[&[IpAddr]]) -> Sender {
    let script = script.iter().map(|addresses| addresses.to_vec()).collect();
    Sender::with_lookup(reach, timeout, now, Arc::new(Script(Mutex::new(script)))).unwrap()
}

async fn post(sender: &Sender, url: &str) -> Result<Answer, SendError> {
    let target = Target::parse(url, sender.reach()).unwrap();
    sender.post(&target, &[("webhook-id", "msg_1".to_owned())], Bytes::from_static(b"{}")).await
}

/// Reads a head and a body of two bytes.
async fn request(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n{}") {
        let mut some = [0; 1024];
        let count = stream.read(&mut some).await.unwrap();
        assert!(count > 0, "the sender hung up");
        text.extend_from_slice(&some[..count]);
    }
    String::from_utf8(text).unwrap()
}

/// A receiver that reads a head and a body of two bytes, answers `answer` and hangs up; then the
/// next. Returns its port, and gives what it read.
async fn receiver(answer: &'static str) -> (u16, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (seen, read) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            drop(seen.send(request(&mut stream).await));
            drop(stream.write_all(answer.as_bytes()).await);
            drop(stream.shutdown().await);
        }
    });
    (port, read)
}

#[tokio::test]
async fn a_message_arrives_at_the_address_that_was_looked_up_and_its_answer_is_told() {
    let (port, mut read) =
        receiver("HTTP/1.1 503 Busy\r\nretry-after: 7\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno")
            .await;
    let sender = sender(Reach::Anywhere, LONG, &[&[LOOPBACK]]);
    let answer = post(&sender, &format!("http://hooks.example:{port}/a?b=c")).await.unwrap();
    assert_eq!(answer, Answer { status: 503, retry_after: Some(Duration::from_secs(7)) });
    assert!(!answer.is_taken());
    let request = read.recv().await.unwrap();
    assert!(request.starts_with("POST /a?b=c HTTP/1.1\r\n"), "{request}");
    for header in ["webhook-id: msg_1", "content-type: application/json", "host: hooks.example"] {
        assert!(request.to_ascii_lowercase().contains(header), "{header} in {request}");
    }
}

#[tokio::test]
async fn a_name_that_turns_into_another_address_is_looked_at_again() {
    let (port, mut read) = receiver("HTTP/1.1 204 Done\r\nconnection: close\r\n\r\n").await;
    // The unspecified address is this machine to Linux.
    let sender = sender(Reach::Anywhere, LONG, &[&[LOOPBACK], &[NOBODY], &[LOOPBACK, NOBODY]]);
    let url = format!("http://hooks.example:{port}/");
    assert!(post(&sender, &url).await.unwrap().is_taken());
    assert!(read.recv().await.is_some());
    assert_eq!(post(&sender, &url).await, Err(SendError::Forbidden));
    assert_eq!(post(&sender, &url).await, Err(SendError::Forbidden), "one of two");
    assert_eq!(post(&sender, &url).await, Err(SendError::Unknown), "the script is at its end");
    assert!(read.try_recv().is_err(), "nothing arrived");
}

#[tokio::test]
async fn a_name_of_the_internet_that_leads_to_a_private_address_is_refused_before_any_connection() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let sender = sender(Reach::Public, LONG, &[&[LOOPBACK], &[PUBLIC, LOOPBACK], &["::1".parse().unwrap()]]);
    for _ in 0..3 {
        let refused = post(&sender, &format!("https://hooks.example:{port}/")).await;
        assert_eq!(refused, Err(SendError::Forbidden));
    }
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody came");
}

#[tokio::test]
async fn a_written_address_is_checked_even_when_it_was_allowed_once() {
    // Stored while private addresses were allowed, sent after a restart that forbids them.
    let stored = Target::parse("http://127.0.0.1:9/", Reach::Anywhere).unwrap();
    let sender = sender(Reach::Public, LONG, &[]);
    assert_eq!(sender.post(&stored, &[], Bytes::new()).await, Err(SendError::Forbidden));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let inner = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    inner.set_nonblocking(true).unwrap();
    let to = inner.local_addr().unwrap();
    for status in [301, 302, 303, 307, 308] {
        let answer = format!(
            "HTTP/1.1 {status} Moved\r\nlocation: http://{to}/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        let (port, _read) = receiver(answer.leak()).await;
        let sender = sender(Reach::Anywhere, LONG, &[&[LOOPBACK]]);
        let answer = post(&sender, &format!("http://hooks.example:{port}/")).await.unwrap();
        assert_eq!((answer.status, answer.is_taken()), (status, false));
    }
    assert_eq!(inner.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody came");
}

#[tokio::test]
async fn a_receiver_that_never_answers_is_left() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let sender = sender(Reach::Anywhere, SOON, &[]);
    // The system accepts for the listener; nobody reads.
    assert_eq!(post(&sender, &url).await, Err(SendError::TooSlow(1)));
}

#[tokio::test]
async fn of_an_endless_answer_little_is_read_and_its_status_stands() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let flood = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n").await.unwrap();
        let mut written = 0_usize;
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {
            written += 4096;
        }
        written
    });
    let sender = sender(Reach::Anywhere, LONG, &[]);
    assert_eq!(post(&sender, &url).await.unwrap().status, 200);
    // What the system's buffers take is not ours to bound.
    assert!(flood.await.unwrap() < 100_000_000);
}

#[tokio::test]
async fn an_answer_whose_body_never_ends_is_left_in_time() {
    let (port, _read) = receiver("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let holding = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 202 OK\r\ncontent-length: 10\r\n\r\nhalf").await.unwrap();
        stream
    });
    let sender = sender(Reach::Anywhere, SOON, &[&[LOOPBACK]]);
    assert_eq!(post(&sender, &url).await.unwrap().status, 202);
    drop(holding.await.unwrap());
    assert_eq!(post(&sender, &format!("http://hooks.example:{port}/")).await.unwrap().status, 200);
}

#[tokio::test]
async fn what_is_not_there_or_not_http_is_told_without_its_address() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let sender = sender(Reach::Anywhere, LONG, &[&[LOOPBACK]]);
    let Err(SendError::Unreachable(why)) = post(&sender, &format!("http://{closed}/s3cret")).await else {
        panic!("nobody is there");
    };
    assert!(!why.contains("s3cret") && !why.is_empty(), "{why}");
    let (port, _read) = receiver("SSH-2.0-x\r\n").await;
    let Err(SendError::Broken(why)) = post(&sender, &format!("http://hooks.example:{port}/s3cret")).await
    else {
        panic!("it is not HTTP");
    };
    assert!(!why.contains("s3cret") && !why.is_empty(), "{why}");
}

#[test]
fn retry_after_is_seconds_or_a_date_and_at_most_a_day() {
    for (text, expected) in [
        ("7", Some(7)),
        ("0", Some(0)),
        ("99999999", Some(86_400)),
        ("Tue, 24 Nov 2026 04:01:30 GMT", Some(90)),
        ("Tue, 24 Nov 2026 03:00:00 GMT", Some(0)),
        ("Tue, 24 Nov 2026 03:00:00", None),
        ("-1", None),
        ("soon", None),
        ("", None),
    ] {
        assert_eq!(retry_after(text, now()).map(|wait| wait.as_secs()), expected, "{text}");
    }
}
