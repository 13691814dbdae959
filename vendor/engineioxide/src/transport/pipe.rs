//! The stream below a WebSocket, into which frames are written beside the WebSocket library.
//!
//! The library reads, and answers pings and closes; what it writes goes between whole frames of
//! ours. A frame is made in memory that all connections of a thread share, and a connection keeps
//! only what the kernel has not taken.

use std::{
    cell::Cell,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use engineioxide_core::{Packet, ProtocolVersion};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Data, OpCode},
};

use crate::queue::{Outgoing, Queue};

/// How much is handed to the kernel at once, in bytes, but for the last frame of it.
const BATCH: usize = 64 * 1024;

/// How much the WebSocket library may write while the kernel takes nothing, in bytes: some answers
/// to pings.
const MAX_REPLIES: usize = 4 * 1024;

/// The longest head of a frame that is not masked, in bytes.
const MAX_HEADER: usize = 10;

thread_local! {
    static FRAMES: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A stream that is written to by two.
#[derive(Debug)]
pub struct Pipe<S> {
    io: S,
    /// What the kernel has not taken, from `written` on.
    rest: Vec<u8>,
    written: usize,
    /// Something is written that may have to be flushed.
    unflushed: bool,
    /// Nothing can be written any more; the end will be read.
    broken: bool,
}

impl<S: AsyncWrite + Unpin> Pipe<S> {
    pub fn new(io: S) -> Self {
        Self {
            io,
            rest: Vec::new(),
            written: 0,
            unflushed: false,
            broken: false,
        }
    }

    /// Writes what waits in `queue`. It is pending while the kernel does not take all.
    pub(crate) fn poll_send(
        &mut self,
        queue: &Queue,
        protocol: ProtocolVersion,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        loop {
            ready!(self.poll_drain(cx));
            let Some(first) = queue.try_recv() else {
                return Poll::Ready(());
            };
            let mut frames = FRAMES.take();
            put(&mut frames, first, protocol);
            while frames.len() < BATCH
                && let Some(next) = queue.try_recv()
            {
                put(&mut frames, next, protocol);
            }
            self.write(&frames, cx);
            if frames.capacity() <= 2 * BATCH {
                frames.clear();
                FRAMES.set(frames);
            }
        }
    }

    /// Writes `packet`, behind what is kept.
    pub(crate) fn push(&mut self, packet: Packet, protocol: ProtocolVersion) {
        put(&mut self.rest, Outgoing::packet(packet), protocol);
    }

    /// Hands `frames` to the kernel, and keeps what it does not take. Nothing else is kept.
    fn write(&mut self, mut frames: &[u8], cx: &mut Context<'_>) {
        while !frames.is_empty() && !self.broken {
            match Pin::new(&mut self.io).poll_write(cx, frames) {
                Poll::Ready(Ok(count)) if count > 0 => {
                    self.unflushed = true;
                    frames = frames.get(count..).unwrap_or_default();
                }
                Poll::Ready(_) => self.broken = true,
                Poll::Pending => {
                    self.rest.extend_from_slice(frames);
                    return;
                }
            }
        }
    }

    /// Writes and flushes what is kept.
    pub(crate) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.written < self.rest.len() && !self.broken {
            let rest = self.rest.get(self.written..).unwrap_or_default();
            match ready!(Pin::new(&mut self.io).poll_write(cx, rest)) {
                Ok(count) if count > 0 => {
                    self.unflushed = true;
                    self.written += count;
                }
                _ => self.broken = true,
            }
        }
        if !self.rest.is_empty() {
            self.rest = Vec::new();
            self.written = 0;
        }
        if self.unflushed && !self.broken {
            self.broken = ready!(Pin::new(&mut self.io).poll_flush(cx)).is_err();
            self.unflushed = false;
        }
        Poll::Ready(())
    }
}

/// Appends the frames of `packets`.
fn put(frames: &mut Vec<u8>, packets: Outgoing, protocol: ProtocolVersion) {
    match packets {
        Outgoing::Message(msg) => put_frame(frames, Data::Text, b"4", msg.as_bytes()),
        Outgoing::Binary(bin) => put_binary(frames, &bin, protocol),
        Outgoing::Packets(packets) => {
            for packet in *packets {
                match packet {
                    Packet::Binary(bin) | Packet::BinaryV3(bin) => {
                        put_binary(frames, &bin, protocol);
                    }
                    // A Noop Packet maybe sent by the server to upgrade from a polling connection
                    // In the case that the packet was not poll in time it will remain in the buffer and therefore
                    // it should be discarded here
                    Packet::Noop => {}
                    packet => put_frame(frames, Data::Text, b"", String::from(packet).as_bytes()),
                }
            }
        }
    }
}

fn put_binary(frames: &mut Vec<u8>, bin: &[u8], protocol: ProtocolVersion) {
    // v3 protocol requires packet type as the first byte.
    let kind: &[u8] = match protocol {
        ProtocolVersion::V3 => &[0x04],
        ProtocolVersion::V4 => &[],
    };
    put_frame(frames, Data::Binary, kind, bin);
}

fn put_frame(frames: &mut Vec<u8>, data: Data, kind: &[u8], payload: &[u8]) {
    let header = FrameHeader {
        opcode: OpCode::Data(data),
        ..FrameHeader::default()
    };
    let length = kind.len() + payload.len();
    frames.reserve(MAX_HEADER + length);
    header
        .format(length as u64, frames)
        .expect("a Vec takes what is written");
    frames.extend_from_slice(kind);
    frames.extend_from_slice(payload);
}

impl<S: AsyncRead + Unpin> AsyncRead for Pipe<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

/// What the WebSocket library writes: whole frames, as it keeps what is not taken.
impl<S: AsyncWrite + Unpin> AsyncWrite for Pipe<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.rest.len() - self.written > MAX_REPLIES {
            ready!(self.poll_drain(cx));
        }
        self.rest.extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_drain(cx).map(Ok)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(cx));
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
