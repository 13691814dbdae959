//! What a client sent while something of its was asked of others.

use std::collections::VecDeque;

use tokio_tungstenite::tungstenite::Utf8Bytes;

/// How many frames wait, before no more is read.
const MAX_EARLY_FRAMES: usize = 64;

/// Frames that wait for their turn, oldest first. They are bounded in number, and in bytes by the
/// largest message: what takes them there is the last that is read, so there are two of those at most.
#[derive(Debug)]
pub(super) struct Early {
    frames: VecDeque<Utf8Bytes>,
    bytes: usize,
    max_message: usize,
}

impl Early {
    pub(super) const fn new(max_message: usize) -> Self {
        Self {
            frames: VecDeque::new(),
            bytes: 0,
            max_message,
        }
    }

    /// Whether no more is to be read.
    pub(super) fn is_full(&self) -> bool {
        self.frames.len() >= MAX_EARLY_FRAMES || self.bytes >= self.max_message
    }

    /// Whether none waits.
    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// A frame comes after the others.
    pub(super) fn push(&mut self, frame: Utf8Bytes) {
        self.bytes += frame.len();
        self.frames.push_back(frame);
    }

    /// A frame that was taken has to wait once more.
    pub(super) fn put_back(&mut self, frame: Utf8Bytes) {
        self.bytes += frame.len();
        self.frames.push_front(frame);
    }

    /// Takes the frame whose turn it is.
    pub(super) fn pop(&mut self) -> Option<Utf8Bytes> {
        let frame = self.frames.pop_front()?;
        self.bytes -= frame.len();
        Some(frame)
    }
}

#[cfg(test)]
#[path = "tests/early.rs"]
mod tests;
