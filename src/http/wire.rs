//! One accepted TCP connection, with a hand on its throat: it can be cut from elsewhere, and
//! tells how much it has written.
//!
//! Socket.IO has no way to close a connection such that the client takes it for lost (a
//! DISCONNECT packet tells it to stay away), and a writer that waits for a reader who never
//! reads cannot be stopped from above. Cutting the stream below does both.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    task::{Context, Poll, ready},
};

use futures_util::task::AtomicWaker;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// The hand: shared between the stream and those who may cut it.
#[derive(Debug, Default)]
pub struct WireControl {
    cut: AtomicBool,
    written: AtomicU64,
    reader: AtomicWaker,
    writer: AtomicWaker,
}

impl WireControl {
    /// Makes every pending and later read and write fail.
    pub fn cut(&self) {
        self.cut.store(true, Ordering::Release);
        self.reader.wake();
        self.writer.wake();
    }

    /// How many bytes the kernel has taken so far.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Acquire)
    }

    fn check(&self) -> io::Result<()> {
        if self.is_cut() {
            Err(io::ErrorKind::ConnectionAborted.into())
        } else {
            Ok(())
        }
    }
}

/// A TCP stream under a [`WireControl`].
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    control: Arc<WireControl>,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, control: Arc<WireControl>) -> Self {
        Self { stream, control }
    }

    /// Does what has to happen when the kernel would block: be woken by a cut as well.
    fn waiting<T>(&self, waker: &AtomicWaker, cx: &Context<'_>) -> Poll<io::Result<T>> {
        waker.register(cx.waker());
        // The cut may have come between the check and the registration.
        match self.control.check() {
            Ok(()) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    fn wrote(&self, result: io::Result<usize>) -> Poll<io::Result<usize>> {
        if let Ok(count) = result {
            self.control
                .written
                .fetch_add(count as u64, Ordering::Relaxed);
        }
        Poll::Ready(result)
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.control.check()?;
        match Pin::new(&mut self.stream).poll_read(cx, buf) {
            Poll::Pending => self.waiting(&self.control.reader, cx),
            done => done,
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.control.check()?;
        match Pin::new(&mut self.stream).poll_write(cx, buf) {
            Poll::Pending => self.waiting(&self.control.writer, cx),
            Poll::Ready(result) => self.wrote(result),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.control.check()?;
        match Pin::new(&mut self.stream).poll_write_vectored(cx, bufs) {
            Poll::Pending => self.waiting(&self.control.writer, cx),
            Poll::Ready(result) => self.wrote(result),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.control.check()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    async fn pair() -> (Wire, Arc<WireControl>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let control = Arc::new(WireControl::default());
        (
            Wire::new(accepted.unwrap().0, Arc::clone(&control)),
            control,
            client.unwrap(),
        )
    }

    #[tokio::test]
    async fn a_cut_ends_a_read_that_waits() {
        let (mut wire, control, _client) = pair().await;
        let reading = tokio::spawn(async move { wire.read_u8().await });
        tokio::task::yield_now().await;
        control.cut();
        let error = reading.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
    }

    #[tokio::test]
    async fn a_cut_ends_a_write_that_nobody_reads() {
        let (mut wire, control, _client) = pair().await;
        let counter = Arc::clone(&control);
        let writing = tokio::spawn(async move { wire.write_all(&vec![0; 64 << 20]).await });
        let mut before = 0;
        // The kernel takes what fits into its buffers, and then no more.
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            let now = counter.written();
            if now > 0 && now == before {
                break;
            }
            before = now;
        }
        control.cut();
        assert!(writing.await.unwrap().is_err());
    }
}
