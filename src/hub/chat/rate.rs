//! How often a client may do something.

use std::time::Duration;

use parking_lot::Mutex;

/// A bucket of tokens: so many at once, and then so many each second.
#[derive(Debug)]
pub(in crate::hub) struct Rate {
    burst: f64,
    each_second: f64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tokens: f64,
    /// When they were counted, on the caller's monotonic clock.
    at: Duration,
}

impl Rate {
    pub(in crate::hub) const fn new(burst: f64, each_second: f64) -> Self {
        Self {
            burst,
            each_second,
            state: Mutex::new(State {
                tokens: burst,
                at: Duration::ZERO,
            }),
        }
    }

    /// Takes a token, if there is one.
    pub(in crate::hub) fn take(&self, now: Duration) -> bool {
        let mut state = self.state.lock();
        let passed = now.saturating_sub(state.at).as_secs_f64();
        state.at = state.at.max(now);
        state.tokens = passed
            .mul_add(self.each_second, state.tokens)
            .min(self.burst);
        let taken = state.tokens >= 1.0;
        if taken {
            state.tokens -= 1.0;
        }
        taken
    }
}

#[cfg(test)]
#[path = "../tests/rate.rs"]
mod tests;
