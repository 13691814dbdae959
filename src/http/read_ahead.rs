//! Taking from the kernel what is there, for readers that ask for little at a time.
//!
//! The WebSocket library reads into a buffer that each connection keeps. Small ones save memory, but
//! then an offer takes four system calls. So as much as has come is read at once, into a buffer that
//! all connections of a thread share; a connection keeps only what its reader did not take, and only
//! until it does.

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, ReadBuf};

/// The most that is read at once, in bytes, and so the most that waits for the reader of a connection:
/// ten offers. A reader that asks for as much reads into its own buffer.
pub(super) const READ_AHEAD: usize = 16 * 1024;

thread_local! {
    static SHARED: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_AHEAD].into_boxed_slice());
}

/// What was read and not taken yet.
#[derive(Debug, Default)]
pub(super) struct ReadAhead {
    bytes: Box<[u8]>,
    taken: usize,
}

impl ReadAhead {
    /// Whether nothing waits.
    pub(super) const fn is_empty(&self) -> bool {
        self.taken >= self.bytes.len()
    }

    /// Gives the reader of what waits as much as it has room for.
    pub(super) fn give(&mut self, buf: &mut ReadBuf<'_>) {
        let waiting = self.bytes.get(self.taken..).unwrap_or_default();
        let (now, later) = waiting
            .split_at_checked(buf.remaining())
            .unwrap_or((waiting, &[]));
        buf.put_slice(now);
        self.taken += now.len();
        if later.is_empty() {
            *self = Self::default();
        }
    }

    /// Reads from `stream` when nothing waits. All that came goes to `look` first, also what the
    /// reader will only get later.
    pub(super) fn poll_read<R: AsyncRead + Unpin>(
        &mut self,
        stream: &mut R,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
        look: impl FnOnce(&[u8]),
    ) -> Poll<io::Result<()>> {
        SHARED.with_borrow_mut(|shared| {
            let mut all = ReadBuf::new(shared);
            ready!(Pin::new(stream).poll_read(cx, &mut all))?;
            let filled = all.filled();
            look(filled);
            let (now, later) = filled
                .split_at_checked(buf.remaining())
                .unwrap_or((filled, &[]));
            buf.put_slice(now);
            if !later.is_empty() {
                self.bytes = later.into();
                self.taken = 0;
            }
            Poll::Ready(Ok(()))
        })
    }
}

#[cfg(test)]
#[path = "tests/read_ahead.rs"]
mod tests;
