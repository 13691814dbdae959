//! The stream under a WebSocket, as the library sees it.
//!
//! The library answers pings by itself. Were it to write to the socket, its answers would get in
//! between parts of other frames; so what it writes is put aside, for the outbox to send in turn.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

/// How much of the library's answers may wait before no more is read, in bytes: a client that
/// pings and does not read is not read either.
const MAX_REPLIES: usize = 4 * 1024;

/// An upgraded connection.
#[derive(Debug)]
pub(super) struct Pipe<S = TokioIo<Upgraded>> {
    io: S,
    /// Whole control frames that go before other frames.
    pub(super) replies: Vec<u8>,
    /// When something was last heard of the client.
    pub(super) heard: Instant,
}

impl<S> Pipe<S> {
    pub(super) fn new(io: S) -> Self {
        Self {
            io,
            replies: Vec::new(),
            heard: Instant::now(),
        }
    }

    /// The connection itself.
    pub(super) const fn io(&mut self) -> &mut S {
        &mut self.io
    }

    /// Whether the client takes the answers that it causes.
    pub(super) const fn is_clear(&self) -> bool {
        self.replies.len() < MAX_REPLIES
    }
}

impl<S: AsyncWrite + Unpin> Pipe<S> {
    /// Writes the control frames that wait.
    pub(super) fn poll_replies(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.replies.is_empty() {
            let written = Pin::new(&mut self.io).poll_write(cx, &self.replies);
            match std::task::ready!(written)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => drop(self.replies.drain(..count)),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Pipe<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.heard = Instant::now();
        }
        polled
    }
}

impl<S: Unpin> AsyncWrite for Pipe<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.replies.extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
