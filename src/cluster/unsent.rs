//! Chat messages that could not be published: they were acknowledged, so they must not be lost
//! while this node lives.

use std::collections::VecDeque;

use bytes::Bytes;
use parking_lot::Mutex;
use tracing::warn;

/// The most messages kept: an outage of minutes in busy rooms.
const MAX_MESSAGES: usize = 10_000;

/// The most bytes kept.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// The messages that wait, with their channels, oldest first.
#[derive(Debug, Default)]
pub(super) struct Unsent(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    messages: VecDeque<(String, Bytes)>,
    bytes: usize,
}

impl Unsent {
    /// Keeps a message, and gives up the oldest beyond the bounds: they stay in the history of
    /// the node that accepted them.
    pub(super) fn keep(&self, channel: &str, message: &Bytes) {
        let mut state = self.0.lock();
        state.bytes += message.len();
        state
            .messages
            .push_back((channel.to_owned(), message.clone()));
        while state.messages.len() > MAX_MESSAGES || state.bytes > MAX_BYTES {
            let Some((channel, old)) = state.messages.pop_front() else {
                break;
            };
            state.bytes -= old.len();
            warn!(
                channel,
                "a chat message does not reach the other nodes: too many wait"
            );
        }
    }

    /// Takes all out.
    pub(super) fn take(&self) -> VecDeque<(String, Bytes)> {
        let mut state = self.0.lock();
        state.bytes = 0;
        std::mem::take(&mut state.messages)
    }
}
