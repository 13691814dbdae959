//! The frames that wait for one client.
//!
//! What is promised: when a connection is lost or replaced, [`Outbox::reclaim`] gives back, in
//! order, exactly the events whose frames the kernel has not taken whole. What it has taken may
//! still be lost with the network, as with any TCP connection.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use smallvec::SmallVec;
use tokio::io::AsyncWrite;

use super::{close::Close, pipe::Pipe};
use crate::{
    core::{Event, Sent},
    hub::{Charge, Load, MAX_QUEUED_MESSAGES},
};

/// The most frames that are handed to the kernel at once. Its own limit for one call is 1,024.
const BATCH_FRAMES: usize = 64;

/// When a batch is large enough, in bytes.
const BATCH_BYTES: usize = 64 * 1024;

/// How many frames an empty queue keeps room for.
const IDLE_FRAMES: usize = 4;

/// The way to one client. Two locks, always in this order: what is being written is locked while
/// the kernel takes it, which never waits; whoever queues a frame needs only the other.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    flight: Mutex<Flight>,
    waiting: Mutex<Waiting>,
    writer: AtomicWaker,
}

/// What is being written.
#[derive(Debug, Default)]
struct Flight {
    frames: VecDeque<Entry>,
    /// How much of the first frame the kernel has.
    written: usize,
    /// A part of a frame is sent whose event was given back: nothing can follow it.
    broken: bool,
}

/// What is not.
#[derive(Debug, Default)]
struct Waiting {
    frames: VecDeque<Entry>,
    /// That of all frames which the kernel has not taken whole.
    load: Load,
    /// The frame that is sent last. Once it is known nothing more is taken.
    close: Option<Close>,
    /// It is sent before what waits, which is for somebody else to send.
    at_once: bool,
    /// The connection is to be broken without a word.
    cut: bool,
}

#[derive(Debug)]
struct Entry {
    frame: Bytes,
    /// What to send again; nothing for what only this connection could use.
    event: Option<Event<'static>>,
    charge: Charge,
}

impl Entry {
    /// Takes its event out, if it tells one. Returns whether it does not.
    fn give_back(&mut self, events: &mut Vec<Event<'static>>) -> bool {
        let Some(event) = self.event.take() else {
            return true;
        };
        events.push(event);
        false
    }
}

impl Outbox {
    /// Nothing waits, and of events and of answers at most `most` bytes may.
    pub(super) fn new(most: usize) -> Self {
        let waiting = Waiting {
            load: Load::new(most),
            ..Waiting::default()
        };
        Self {
            waiting: Mutex::new(waiting),
            ..Self::default()
        }
    }

    /// Queues a frame, and remembers the `event` that it tells until it has left.
    pub(super) fn push(&self, frame: Bytes, event: Option<Event<'static>>) -> Sent {
        let mut waiting = self.waiting.lock();
        if waiting.cut || waiting.close.is_some() {
            return Sent::Gone;
        }
        let charge = Charge::of(event.as_ref(), frame.len());
        if !waiting.load.has_room(charge) || waiting.frames.len() >= MAX_QUEUED_MESSAGES {
            return Sent::Full;
        }
        waiting.load.add(charge);
        waiting.frames.push_back(Entry {
            frame,
            event,
            charge,
        });
        drop(waiting);
        self.writer.wake();
        Sent::Queued
    }

    /// How many bytes wait, as they are charged.
    pub(super) fn queued(&self) -> usize {
        self.waiting.lock().load.total()
    }

    /// Closes the connection when all that waits has left. The first close counts.
    pub(super) fn close(&self, close: Close) {
        self.set_close(close, false);
    }

    /// Closes the connection before what waits, which is given back.
    pub(super) fn close_at_once(&self, close: Close) {
        self.set_close(close, true);
    }

    fn set_close(&self, close: Close, at_once: bool) {
        let mut waiting = self.waiting.lock();
        waiting.close.get_or_insert(close);
        waiting.at_once |= at_once;
        drop(waiting);
        self.writer.wake();
    }

    /// Breaks the connection.
    pub(super) fn cut(&self) {
        self.waiting.lock().cut = true;
        self.writer.wake();
    }

    /// How the connection is being closed, if it is.
    pub(super) fn closing(&self) -> Option<Close> {
        self.waiting.lock().close.clone()
    }

    /// Takes back the events whose frames the kernel has not taken whole, oldest first.
    pub(super) fn reclaim(&self) -> Vec<Event<'static>> {
        let mut flight = self.flight.lock();
        let mut waiting = self.waiting.lock();
        let begun = flight.written > 0;
        flight.broken |=
            begun && (flight.frames.front()).is_some_and(|first| first.event.is_some());
        let mut events = Vec::new();
        // What only this connection could use goes on waiting for it.
        let mut first = begun;
        flight.frames.retain_mut(|entry| {
            let keep = std::mem::take(&mut first);
            entry.give_back(&mut events) || keep
        });
        waiting
            .frames
            .retain_mut(|entry| entry.give_back(&mut events));
        let mut load = waiting.load.emptied();
        let left = flight.frames.iter().chain(&waiting.frames);
        left.for_each(|entry| load.add(entry.charge));
        waiting.load = load;
        events
    }

    /// Sends what waits, and does not give it back.
    pub(super) fn forget(&self) {
        let mut flight = self.flight.lock();
        let mut waiting = self.waiting.lock();
        for entry in flight.frames.iter_mut().chain(&mut waiting.frames) {
            entry.event = None;
        }
    }

    /// Hands to the kernel what it takes of the control frames in `pipe` and of what waits.
    /// Completes with the close frame that is to be sent now that nothing else is to be; with an
    /// error if the connection is broken.
    pub(super) fn poll_write(
        &self,
        pipe: &mut Pipe<impl AsyncWrite + Unpin>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Close>> {
        // Registered before looking, so that nothing slips through.
        self.writer.register(cx.waker());
        loop {
            let mut flight = self.flight.lock();
            if flight.broken || self.waiting.lock().cut {
                return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
            }
            if flight.written == 0 {
                ready!(pipe.poll_replies(cx))?;
            }
            if flight.frames.is_empty() {
                let mut waiting = self.waiting.lock();
                if !waiting.at_once {
                    waiting.take_off(&mut flight.frames);
                }
                if flight.frames.is_empty() {
                    return match &waiting.close {
                        Some(close) => Poll::Ready(Ok(close.clone())),
                        None => Poll::Pending,
                    };
                }
            }
            let count = {
                let slices = flight.slices();
                let io = Pin::new(pipe.io());
                ready!(io.poll_write_vectored(cx, &slices))?
            };
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            let left = flight.advance(count);
            self.waiting.lock().load.remove_all(left);
        }
    }
}

impl Waiting {
    /// Moves as much as is to be written at once.
    fn take_off(&mut self, flight: &mut VecDeque<Entry>) {
        let mut bytes = 0;
        while flight.len() < BATCH_FRAMES
            && bytes < BATCH_BYTES
            && let Some(entry) = self.frames.pop_front()
        {
            bytes += entry.frame.len();
            flight.push_back(entry);
        }
        slim(&mut self.frames);
    }
}

/// Keeps no more memory for an idle client than a few frames need, whatever a burst needed.
fn slim(frames: &mut VecDeque<Entry>) {
    if frames.is_empty() && frames.capacity() > IDLE_FRAMES {
        frames.shrink_to(IDLE_FRAMES);
    }
}

impl Flight {
    /// What is left to write of each frame.
    fn slices(&self) -> SmallVec<[IoSlice<'_>; BATCH_FRAMES]> {
        let mut skip = self.written;
        let rest = self.frames.iter().map(|entry| {
            let rest = entry.frame.get(skip..).unwrap_or_default();
            skip = 0;
            IoSlice::new(rest)
        });
        rest.collect()
    }

    /// The kernel took so many bytes. Returns what the frames counted for that it has whole now.
    fn advance(&mut self, count: usize) -> Load {
        self.written += count;
        let mut left = Load::default();
        while let Some(first) = self.frames.front()
            && self.written >= first.frame.len()
        {
            self.written -= first.frame.len();
            left.add(first.charge);
            self.frames.pop_front();
        }
        slim(&mut self.frames);
        left
    }
}

#[cfg(test)]
#[path = "tests/outbox.rs"]
mod tests;
