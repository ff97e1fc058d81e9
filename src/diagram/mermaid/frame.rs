//! What a checking process and whoever started it say to each other: frames of four bytes of
//! length (little-endian) and as many bytes of JSON, both ways, neither longer than it may be.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::diagram::size;

use super::engine::Broken;
use super::raw::Raw;

/// Every byte of a source can take six in JSON; the rest is for what stands around it.
pub const REQUEST_BYTES_MAX: usize = size::BYTES_MAX * 6 + 256;
/// Of an answer: twenty faults, each with two texts that are clipped ([`Raw::clip`]).
pub const ANSWER_BYTES_MAX: usize = 2 << 20;
/// Of what a process says about a fault.
const FAULT_CHARS_MAX: usize = 200;

/// A source to check.
#[derive(Debug, Deserialize, Serialize)]
pub struct Request {
    /// What it may take.
    pub milliseconds: u64,
    /// The source.
    pub source: String,
}

impl Request {
    /// A source and what it may take.
    pub fn new(source: &str, deadline: Duration) -> Self {
        let milliseconds = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        Self { milliseconds, source: source.to_owned() }
    }
}

/// What a process says: [`Answer::Ready`] once, then one answer a request.
#[derive(Debug, Deserialize, Serialize)]
pub enum Answer {
    /// The parser is loaded, and holds as many bytes.
    Ready(u64),
    /// The verdict.
    Verdict {
        /// What the parser says.
        raw: Raw,
        /// The process holds too much and must not be asked again.
        spent: bool,
    },
    /// The deadline passed. The process is at its end.
    TooSlow,
    /// More memory or stack than it may have. The process is at its end.
    TooLarge,
    /// It made a mistake, told in words that are its own. The process is at its end.
    Fault(String),
}

impl From<Broken> for Answer {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::TooSlow => Self::TooSlow,
            Broken::TooLarge => Self::TooLarge,
            Broken::Fault(reason) => Self::Fault(reason.chars().take(FAULT_CHARS_MAX).collect()),
        }
    }
}

/// The frame of a message.
///
/// # Errors
/// [`ErrorKind::InvalidData`] when it has more than `max` bytes.
pub fn encode(message: &impl Serialize, max: usize) -> Result<Vec<u8>> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message)?;
    let length = frame.len() - 4;
    let length = u32::try_from(length).ok().filter(|_| length <= max).ok_or_else(|| too_long(length))?;
    frame[..4].copy_from_slice(&length.to_le_bytes());
    Ok(frame)
}

/// Writes a message.
///
/// # Errors
/// Those of [`encode`] and of the writing.
pub fn write(to: &mut impl Write, message: &impl Serialize, max: usize) -> Result<()> {
    to.write_all(&encode(message, max)?)?;
    to.flush()
}

/// The next message; `None` at the end.
///
/// # Errors
/// [`ErrorKind::InvalidData`] for what is longer than `max` or no message, else those of the reading.
pub fn read<T: DeserializeOwned>(from: &mut impl Read, max: usize) -> Result<Option<T>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Ok(()) => {}
        Err(reason) if reason.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        Err(reason) => return Err(reason),
    }
    let mut bytes = vec![0; bounded(length, max)?];
    from.read_exact(&mut bytes)?;
    Ok(Some(serde_json::from_slice(&bytes)?))
}

/// The next message.
///
/// # Errors
/// Those of [`read`]; [`ErrorKind::UnexpectedEof`] at the end.
pub async fn receive<T: DeserializeOwned>(from: &mut (impl AsyncRead + Unpin), max: usize) -> Result<T> {
    let mut length = [0; 4];
    from.read_exact(&mut length).await?;
    let mut bytes = vec![0; bounded(length, max)?];
    from.read_exact(&mut bytes).await?;
    Ok(serde_json::from_slice(&bytes)?)
}

fn bounded(length: [u8; 4], max: usize) -> Result<usize> {
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length > max { Err(too_long(length)) } else { Ok(length) }
}

fn too_long(length: usize) -> Error {
    Error::new(ErrorKind::InvalidData, format!("a message of {length} bytes is too long"))
}

#[cfg(test)]
mod tests {
    use super::super::raw::{Fault, Sort};
    use super::*;

    fn frame(length: u32, bytes: &[u8]) -> Vec<u8> {
        [&length.to_le_bytes(), bytes].concat()
    }

    async fn both(frame: &[u8]) -> (Result<Option<Request>>, Result<Request>) {
        let (mut one, mut other) = (frame, frame);
        (read(&mut one, REQUEST_BYTES_MAX), receive(&mut other, REQUEST_BYTES_MAX).await)
    }

    #[tokio::test]
    async fn the_worst_source_that_may_be_checked_fits_a_frame() {
        let source = "\u{1}".repeat(size::BYTES_MAX);
        let frame = encode(&Request::new(&source, Duration::MAX), REQUEST_BYTES_MAX).unwrap();
        let (one, other) = both(&frame).await;
        assert_eq!(one.unwrap().unwrap().source, source);
        assert_eq!(other.unwrap().source, source);
        let larger = Request::new(&"\u{1}".repeat(size::BYTES_MAX + 100), Duration::MAX);
        assert_eq!(encode(&larger, REQUEST_BYTES_MAX).unwrap_err().kind(), ErrorKind::InvalidData);
    }

    #[test]
    fn the_worst_verdict_fits_a_frame() {
        let text = Some("\u{1}".repeat(size::BYTES_MAX));
        let expected = vec!["A_LONG_NAME_OF_A_TOKEN".to_owned(); 60];
        let fault = Fault {
            line: u32::MAX,
            column: u32::MAX,
            sort: Sort::Grammar,
            token: Some("A_LONG_NAME_OF_A_TOKEN".to_owned()),
            found: text.clone(),
            expected,
            message: text,
        };
        let mut raw = Raw { diagram: Some("flowchart-v2".to_owned()), faults: vec![fault; 20], spoilt: true };
        raw.clip();
        assert_eq!(raw.faults[19].message.as_ref().map(String::len), Some(4_000));
        let verdict = Answer::Verdict { raw, spent: true };
        assert!(encode(&verdict, ANSWER_BYTES_MAX).is_ok());
    }

    #[tokio::test]
    async fn what_is_no_message_is_an_error_and_the_end_is_the_end() {
        for (garbled, kind) in [
            (frame(u32::MAX, b"{"), ErrorKind::InvalidData),
            (frame(2, b"{}"), ErrorKind::InvalidData),
            (frame(3, &[0xff, 0xfe, 0xfd]), ErrorKind::InvalidData),
            (frame(0, b""), ErrorKind::UnexpectedEof),
            (frame(9, b"{}"), ErrorKind::UnexpectedEof),
        ] {
            let (one, other) = both(&garbled).await;
            assert_eq!(one.unwrap_err().kind(), kind, "{garbled:?}");
            assert_eq!(other.unwrap_err().kind(), kind, "{garbled:?}");
        }
        let (one, other) = both(b"").await;
        assert!(one.unwrap().is_none());
        assert_eq!(other.unwrap_err().kind(), ErrorKind::UnexpectedEof);
    }
}
