//! A WebSocket as frames: reads what a client says, writes, keeps it alive, and says good-bye in
//! a way that the client hears. It knows nothing of what is said.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

/// Bytes of the read buffer; tungstenite's own default is 128 KiB, ten thousand times.
const BUFFER_BYTES: usize = 1 << 10;
/// Bytes that may wait to be written before the socket is given up.
const UNWRITTEN_BYTES_MAX: usize = 8 << 20;
/// Bytes of a client's message.
const MESSAGE_BYTES_MAX: usize = 16 << 10;
/// Between two pings, and how many may go unanswered.
const PING_EVERY: Duration = Duration::from_secs(30);
const UNANSWERED_MAX: u32 = 3;
/// Bytes of a client's that are read and forgotten while it has not heard the good-bye.
const UNHEARD_BYTES_MAX: usize = 1 << 20;

/// Why a socket ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The client is not there any more, or does not take what is sent.
    Gone,
    /// The client closed, and has been answered.
    Closed,
    /// The server closes.
    Close(CloseCode, &'static str),
}

impl End {
    /// How long the client gets to read what is still on its way, and the good-bye.
    const fn patience(self) -> Duration {
        match self {
            Self::Gone => Duration::ZERO,
            // A slow reader may take its time.
            Self::Close(CloseCode::Again, _) => Duration::from_secs(30),
            Self::Closed | Self::Close(..) => Duration::from_secs(3),
        }
    }
}

/// What a client says.
#[derive(Debug)]
pub(super) enum Said {
    Text(Utf8Bytes),
    Binary,
}

pub(super) struct Socket<S> {
    stream: WebSocketStream<S>,
    ping_at: Instant,
    unanswered: u32,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    pub(super) async fn new(io: S) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(UNWRITTEN_BYTES_MAX)
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        let stream = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
        Self { stream, ping_at: Instant::now() + PING_EVERY, unanswered: 0 }
    }

    /// What the client says next. Pings a client that says nothing. Cancel-safe.
    pub(super) async fn next(&mut self) -> Result<Said, End> {
        loop {
            let message = tokio::select! {
                message = self.stream.next() => message,
                () = sleep_until(self.ping_at) => {
                    self.ping().await?;
                    continue;
                }
            };
            self.unanswered = 0;
            match message {
                Some(Ok(Message::Text(text))) => return Ok(Said::Text(text)),
                Some(Ok(Message::Binary(_))) => return Ok(Said::Binary),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(_))) => return Err(End::Closed),
                Some(Err(error)) => return Err(end_of(&error)),
                None => return Err(End::Gone),
            }
        }
    }

    async fn ping(&mut self) -> Result<(), End> {
        // First, so that a cancelled ping is not sent again at once.
        self.ping_at = Instant::now() + PING_EVERY;
        self.unanswered += 1;
        if self.unanswered > UNANSWERED_MAX {
            return Err(End::Gone);
        }
        self.stream.send(Message::Ping(bytes::Bytes::new())).await.map_err(|_| End::Gone)
    }

    /// Sends a message, unless `hurried` ends first: it is polled only while the client does not
    /// take what is sent.
    pub(super) async fn write(
        &mut self,
        text: Utf8Bytes,
        hurried: impl Future<Output = End>,
    ) -> Result<(), End> {
        tokio::select! {
            biased;
            sent = self.stream.send(Message::Text(text)) => sent.map_err(|_| End::Gone),
            end = hurried => Err(end),
        }
    }

    /// Says good-bye and waits, in bounds, until the client has heard it: closing on a client that
    /// still sends would cost it what it has not read yet.
    pub(super) async fn end(mut self, end: End) {
        let farewell = async {
            let sent = match end {
                End::Gone => return,
                End::Closed => self.stream.flush().await,
                End::Close(code, reason) => {
                    let reason = Utf8Bytes::from_static(reason);
                    self.stream.close(Some(CloseFrame { code, reason })).await
                }
            };
            // After a client's own close the flush says that all is said.
            if !matches!(sent, Ok(()) | Err(Error::ConnectionClosed)) {
                return;
            }
            let mut io = self.stream.into_inner();
            if io.shutdown().await.is_ok() {
                forget_rest(&mut io).await;
            }
        };
        // A client that does not hear is left without a word.
        drop(timeout(end.patience(), farewell).await);
    }
}

async fn forget_rest(io: &mut (impl AsyncRead + Unpin)) {
    let mut buffer = [0; 512];
    let mut bytes = 0;
    while bytes < UNHEARD_BYTES_MAX {
        match io.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => bytes += read,
        }
    }
}

fn end_of(error: &Error) -> End {
    match error {
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => End::Gone,
        Error::Protocol(_) => End::Close(CloseCode::Protocol, "this is no WebSocket frame"),
        Error::Utf8(_) => End::Close(CloseCode::Invalid, "text must be UTF-8"),
        Error::Capacity(_) => End::Close(CloseCode::Size, "a message has at most 16 KiB"),
        _ => End::Gone,
    }
}
