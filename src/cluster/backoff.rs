//! How long to wait before the next attempt to connect.

use std::time::Duration;

/// Exponential backoff with jitter, without end.
#[derive(Clone, Debug)]
pub(super) struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    pub(super) fn new(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            next: first,
        }
    }

    /// Starts over, after a success.
    pub(super) fn reset(&mut self) {
        self.next = self.first;
    }

    /// The next pause: between half and all of an interval that doubles up to the longest. The
    /// jitter keeps nodes which lost Redis at one moment from coming back at one moment.
    pub(super) fn pause(&mut self) -> Duration {
        let interval = self.next;
        self.next = interval.saturating_mul(2).min(self.longest);
        // Without randomness (it does not happen on Linux) there is no jitter; that is no reason
        // to stop connecting.
        let random = getrandom::u32().unwrap_or(u32::MAX);
        interval.mul_f64(0.5 + 0.5 * f64::from(random) / f64::from(u32::MAX))
    }
}

#[cfg(test)]
#[path = "tests/backoff.rs"]
mod tests;
