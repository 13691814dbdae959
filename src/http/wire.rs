//! One accepted TCP connection, with a hand on its throat: it can be cut from elsewhere, it
//! tells at once when it is lost and whether it was left on purpose, and it counts what has left.
//!
//! Socket.IO has no way to close a connection such that the client takes it for lost (a
//! DISCONNECT packet tells it to stay away), a writer that waits for a reader who never
//! reads cannot be stopped from above, and the protocol library reports a loss only after
//! it has cleaned up. The stream below is the place for all three.

use std::{
    fmt, io,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    frames::FrameReader,
    read_ahead::{READ_AHEAD, ReadAhead},
    stream::Stream,
};
use crate::{
    limits::{Network, Pace, Pass, Rate, Ticket},
    telemetry,
};

/// What to do when a connection is lost. Called once, from the task that reads it.
type LossHook = Box<dyn Fn() + Send + Sync>;

/// The hand: shared between the stream and those who hold it.
#[derive(Default)]
pub struct WireControl {
    cut: AtomicBool,
    reader: AtomicWaker,
    writer: AtomicWaker,
    /// Set with the upgrade to a WebSocket.
    on_loss: OnceLock<LossHook>,
    messages: AtomicU64,
    goodbye: AtomicBool,
    muted: AtomicBool,
    requested: AtomicBool,
    upgraded: AtomicBool,
    /// What the connection counts for, if its client is behind a proxy.
    ticket: Mutex<Option<Ticket<Network>>>,
}

impl WireControl {
    /// Makes every pending and later read and write fail.
    pub fn cut(&self) {
        self.cut.store(true, Ordering::Release);
        self.reader.wake();
        self.writer.wake();
    }

    /// Reads nothing any more, while what is to be sent still is.
    pub fn mute(&self) {
        self.muted.store(true, Ordering::Release);
    }

    /// Watches the connection from the answer to the current request on, which makes it a
    /// WebSocket: messages are counted, and `on_loss` is called when the client is gone.
    pub fn watch(&self, on_loss: impl Fn() + Send + Sync + 'static) {
        // Called once the upgrade is certain, which happens once to a connection.
        let _ = self.on_loss.set(Box::new(on_loss));
        self.becomes_websocket();
    }

    /// What comes after the current request are frames.
    pub(super) fn becomes_websocket(&self) {
        self.upgraded.store(true, Ordering::Release);
    }

    /// The head of a request has come.
    pub(super) fn note_request(&self) {
        self.requested.store(true, Ordering::Relaxed);
    }

    /// Whether one has.
    pub(super) fn had_request(&self) -> bool {
        self.requested.load(Ordering::Relaxed)
    }

    /// Keeps `ticket` as long as the connection is open.
    pub(super) fn keep(&self, ticket: Ticket<Network>) {
        *self.ticket.lock() = Some(ticket);
    }

    /// How many events and acknowledgements the kernel has taken since the upgrade.
    pub fn messages(&self) -> u64 {
        self.messages.load(Ordering::Acquire)
    }

    /// Whether the client closed with a code that says that it is done.
    pub fn said_goodbye(&self) -> bool {
        self.goodbye.load(Ordering::Acquire)
    }

    fn check(&self) -> io::Result<()> {
        if self.cut.load(Ordering::Acquire) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }

    /// Looks at what the client sent.
    fn received(&self, incoming: &mut FrameReader, pace: Option<&Pace>, bytes: &[u8]) {
        let (mut goodbye, mut count) = (false, 0);
        incoming.read(bytes, |frame| {
            goodbye |= frame.is_goodbye();
            count += 1;
        });
        if goodbye {
            self.goodbye.store(true, Ordering::Release);
        }
        if count > 0 && pace.is_some_and(|pace| !pace.keeps(count)) {
            // Not one event need have been among them: nobody above counts all of them.
            telemetry::rate_limited("frames");
            self.cut();
        }
    }

    fn lost(&self) {
        if let Some(on_loss) = self.on_loss.get() {
            on_loss();
        }
    }
}

impl fmt::Debug for WireControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WireControl")
            .field("cut", &self.cut)
            .finish_non_exhaustive()
    }
}

/// A stream under a [`WireControl`].
#[derive(Debug)]
pub(super) struct Wire {
    stream: Stream,
    control: Arc<WireControl>,
    frames: Option<Frames>,
    /// Messages in what the stream holds back.
    held: u64,
    ahead: ReadAhead,
    lost: bool,
    /// How many frames it may bring, if there is a limit.
    pace: Option<Pace>,
    /// Its place, if places are counted.
    _pass: Option<Pass>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        // The control may be held for longer.
        drop(self.control.ticket.lock().take());
    }
}

/// The frames of both directions, from the upgrade on.
#[derive(Debug)]
struct Frames {
    incoming: FrameReader,
    outgoing: FrameReader,
}

impl Wire {
    pub(super) fn new(stream: impl Into<Stream>, control: Arc<WireControl>) -> Self {
        Self {
            stream: stream.into(),
            control,
            frames: None,
            held: 0,
            ahead: ReadAhead::default(),
            lost: false,
            pace: None,
            _pass: None,
        }
    }

    /// The same, which has a place while it is open, and may bring frames at that rate.
    pub(super) fn held_to(mut self, pass: Option<Pass>, frames: Option<Rate>) -> Self {
        (self.pace, self._pass) = (frames.map(Pace::new), pass);
        self
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

    /// Counts what the stream took.
    fn wrote<'a>(&mut self, count: usize, bufs: impl Iterator<Item = &'a [u8]>) {
        // Nobody asks what has left but those who watch.
        if self.control.on_loss.get().is_none() {
            return;
        }
        let Some(frames) = frames_of(&self.control, &mut self.frames) else {
            return;
        };
        let (mut left, mut messages) = (count, 0);
        for buf in bufs {
            let here = buf.get(..left.min(buf.len())).unwrap_or_default();
            frames
                .outgoing
                .read(here, |frame| messages += u64::from(frame.is_message()));
            left -= here.len();
        }
        self.held += messages;
        self.settle();
    }

    /// Counts as left what the kernel has taken.
    fn settle(&mut self) {
        if self.held > 0 && !self.stream.holds_back() {
            let left = std::mem::take(&mut self.held);
            self.control.messages.fetch_add(left, Ordering::Release);
        }
    }

    /// Reads, by way of what was read ahead if the reader asks for little, and looks at what came.
    fn poll_stream(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            self.ahead.give(buf);
            return Poll::Ready(Ok(()));
        }
        // Only an upgraded connection has a reader that asks for little.
        let Some(frames) = frames_of(&self.control, &mut self.frames) else {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        };
        let (control, pace, incoming) = (&self.control, self.pace.as_ref(), &mut frames.incoming);
        if buf.remaining() >= READ_AHEAD {
            let before = buf.filled().len();
            ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
            control.received(
                incoming,
                pace,
                buf.filled().get(before..).unwrap_or_default(),
            );
            return Poll::Ready(Ok(()));
        }
        let look = |bytes: &[u8]| control.received(incoming, pace, bytes);
        self.ahead.poll_read(&mut self.stream, cx, buf, look)
    }

    fn note_loss(&mut self) {
        if !std::mem::replace(&mut self.lost, true) {
            self.control.lost();
        }
    }
}

/// The frames, if there are any: once it is a WebSocket.
fn frames_of<'f>(control: &WireControl, frames: &'f mut Option<Frames>) -> Option<&'f mut Frames> {
    if !control.upgraded.load(Ordering::Acquire) {
        return None;
    }
    Some(frames.get_or_insert_with(|| Frames {
        incoming: FrameReader::at_first_frame(),
        outgoing: FrameReader::before_upgrade(),
    }))
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = match self.control.check() {
            Ok(()) if self.control.muted.load(Ordering::Acquire) => {
                self.waiting(&self.control.reader, cx)
            }
            Ok(()) => match self.poll_stream(cx, buf) {
                Poll::Pending => self.waiting(&self.control.reader, cx),
                done => done,
            },
            Err(error) => Poll::Ready(Err(error)),
        };
        match &polled {
            Poll::Ready(Ok(())) if buf.filled().len() > before || buf.capacity() == before => {}
            Poll::Ready(_) => self.note_loss(),
            Poll::Pending => {}
        }
        polled
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.control.check()?;
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        match polled {
            Poll::Pending => return self.waiting(&self.control.writer, cx),
            Poll::Ready(Ok(count)) => self.wrote(count, std::iter::once(buf)),
            Poll::Ready(Err(_)) => {}
        }
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.control.check()?;
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        match polled {
            Poll::Pending => return self.waiting(&self.control.writer, cx),
            Poll::Ready(Ok(count)) => self.wrote(count, bufs.iter().map(|buf| &**buf)),
            Poll::Ready(Err(_)) => {}
        }
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.control.check()?;
        match Pin::new(&mut self.stream).poll_flush(cx) {
            Poll::Pending => self.waiting(&self.control.writer, cx),
            done => {
                self.settle();
                done
            }
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_shutdown(cx) {
            Poll::Pending => self.waiting(&self.control.writer, cx),
            done => done,
        }
    }
}

#[cfg(test)]
#[path = "tests/wire.rs"]
mod tests;
