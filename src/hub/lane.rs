//! Requests of one client that wait for a service, while the rest of what the client does goes
//! on.

use std::{collections::VecDeque, panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt as _;
use parking_lot::Mutex;
use tracing::error;

use super::Later;

/// The most requests that wait in a lane. A client that joins a room of two hundred asks for what
/// each of them sends at once.
const MAX_WAITING: usize = 512;

/// The most bytes of requests that wait in a lane: each may carry what a client can decode, which
/// takes ten kilobytes.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// A queue of requests of which so many run at once.
#[derive(Debug)]
pub(super) struct Lane {
    width: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: usize,
    waiting: VecDeque<(Later<()>, usize)>,
    bytes: usize,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("running", &self.running)
            .field("waiting", &self.waiting.len())
            .finish_non_exhaustive()
    }
}

/// More waits than is kept.
#[derive(Debug)]
pub(super) struct Full;

impl Lane {
    /// A lane that runs `width` requests at once. With a width of 1 they run in order.
    pub(super) fn new(width: usize) -> Arc<Self> {
        Arc::new(Self {
            width,
            state: Mutex::default(),
        })
    }

    /// Runs a request as soon as its turn comes; until then it costs `weight` bytes.
    pub(super) fn push(self: &Arc<Self>, request: Later<()>, weight: usize) -> Result<(), Full> {
        let mut state = self.state.lock();
        if state.running < self.width {
            state.running += 1;
            tokio::spawn(Arc::clone(self).work(request));
            return Ok(());
        }
        if state.waiting.len() >= MAX_WAITING || state.bytes + weight > MAX_BYTES {
            return Err(Full);
        }
        state.bytes += weight;
        state.waiting.push_back((request, weight));
        Ok(())
    }

    async fn work(self: Arc<Self>, mut request: Later<()>) {
        loop {
            if AssertUnwindSafe(request).catch_unwind().await.is_err() {
                error!("a request to a service panicked");
            }
            let mut state = self.state.lock();
            let Some((next, weight)) = state.waiting.pop_front() else {
                state.running -= 1;
                return;
            };
            state.bytes -= weight;
            drop(state);
            request = next;
        }
    }
}

#[cfg(test)]
#[path = "tests/lane.rs"]
mod tests;
