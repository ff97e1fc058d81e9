//! A connection whose peer does not take what is written to it is given up: half a minute without
//! a single byte of progress is an error. Tells the server whether writing waits.

use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// The longest that a write may wait without progress.
pub(super) const WRITE_STALL_MAX: Duration = Duration::from_secs(30);

/// Whether a connection waits for its peer to read.
#[derive(Clone, Default)]
pub(super) struct IsStalled(Arc<AtomicBool>);

impl IsStalled {
    pub(super) fn now(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A stream that watches over its writes.
pub(super) struct Stalling<S> {
    inner: S,
    /// Runs while a write waits; made for the first one that does.
    patience: Option<Pin<Box<Sleep>>>,
    is_stalled: IsStalled,
}

impl<S> Stalling<S> {
    pub(super) fn new(inner: S) -> (Self, IsStalled) {
        let is_stalled = IsStalled::default();
        (Self { inner, patience: None, is_stalled: is_stalled.clone() }, is_stalled)
    }

    /// Passes a write's outcome on, or ends a stall that has lasted too long.
    fn watched<T>(&mut self, context: &mut Context<'_>, outcome: Poll<Result<T>>) -> Poll<Result<T>> {
        if outcome.is_ready() {
            if self.patience.take().is_some() {
                self.is_stalled.0.store(false, Ordering::Release);
            }
            return outcome;
        }
        let patience = self.patience.get_or_insert_with(|| {
            self.is_stalled.0.store(true, Ordering::Release);
            Box::pin(sleep(WRITE_STALL_MAX))
        });
        ready!(patience.as_mut().poll(context));
        Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "the peer does not read what is written to it")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stalling<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stalling<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.watched(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write_vectored(context, slices);
        self.watched(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::{Instant, advance};

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_does_not_read_is_given_up_after_half_a_minute() {
        let (mine, _theirs) = duplex(8);
        let (mut stream, is_stalled) = Stalling::new(mine);
        stream.write_all(b"12345678").await.unwrap();
        assert!(!is_stalled.now());
        let begun = Instant::now();
        let failed = stream.write_all(b"9").await.unwrap_err();
        assert_eq!((failed.kind(), begun.elapsed().as_secs()), (ErrorKind::TimedOut, 30));
        assert!(is_stalled.now());
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_peer_that_reads_at_all_is_served() {
        let (mine, mut theirs) = duplex(1);
        let (mut stream, is_stalled) = Stalling::new(mine);
        let writing = tokio::spawn(async move { stream.write_all(b"abcd").await });
        for expected in b"abcd" {
            tokio::task::yield_now().await;
            advance(Duration::from_secs(29)).await;
            assert_eq!(theirs.read_u8().await.unwrap(), *expected);
        }
        writing.await.unwrap().unwrap();
        assert!(!is_stalled.now());
    }
}
