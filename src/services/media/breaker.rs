//! A circuit breaker: whether a media server is called at all.
//!
//! ```text
//!            unreachable, timed out                    a probe begins
//!   ┌────────┐ ─────────────────────▶ ┌──────┐ ─────────────────────▶ ┌───────────┐
//!   │ closed │                        │ open │                        │ half-open │
//!   └────────┘ ◀──────────┐           └──────┘ ◀───────────────────── └───────────┘
//!                         │                        the probe fails          │
//!                         └─────────────────────────────────────────────────┘
//!                                          the probe passes
//! ```
//!
//! Closed, calls go through; open and half-open, they are refused at once. One failure is enough
//! to open it: whoever calls waits for the answer, and so would all others. Probes are calls of
//! the health check, made all the time; while closed they find out what nobody has called for.
//!
//! A call that began before the breaker last closed says nothing of the time since: its failure
//! does not count.

use std::time::Duration;

/// How a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// Calls go through.
    Closed,
    /// Calls are refused, and a probe decides whether they go through again.
    HalfOpen,
    /// Calls are refused.
    Open,
}

impl BreakerState {
    /// The name for people and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half-open",
            Self::Open => "open",
        }
    }
}

/// The right to make a call, given by a closed breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Permit(u64);

/// A breaker. It begins open: nothing is known yet.
#[derive(Debug)]
pub(super) struct Breaker {
    state: BreakerState,
    /// How often it has closed.
    generation: u64,
    /// When it opened or closed last, on the caller's clock.
    since: Duration,
}

impl Breaker {
    pub(super) const fn new(now: Duration) -> Self {
        Self {
            state: BreakerState::Open,
            generation: 0,
            since: now,
        }
    }

    pub(super) const fn state(&self) -> BreakerState {
        self.state
    }

    /// Since when it is closed, or not.
    pub(super) const fn since(&self) -> Duration {
        self.since
    }

    /// Lets a call through, or not.
    pub(super) fn permit(&self) -> Option<Permit> {
        (self.state == BreakerState::Closed).then_some(Permit(self.generation))
    }

    /// A call found the server unreachable, or silent. Returns whether that opened the breaker.
    pub(super) fn call_failed(&mut self, permit: Permit, now: Duration) -> bool {
        let counts = self.state == BreakerState::Closed && permit.0 == self.generation;
        if counts {
            self.state = BreakerState::Open;
            self.since = now;
        }
        counts
    }

    /// A probe begins.
    pub(super) fn probe_begins(&mut self) {
        if self.state == BreakerState::Open {
            self.state = BreakerState::HalfOpen;
        }
    }

    /// A probe has ended. Returns whether calls go through now and did not before, or the other
    /// way round.
    pub(super) fn probe_ended(&mut self, passed: bool, now: Duration) -> bool {
        let before = self.state;
        self.state = match (before, passed) {
            // It opened while the probe was under way: a call found out more than that.
            (BreakerState::Open, _) | (_, false) => BreakerState::Open,
            (_, true) => BreakerState::Closed,
        };
        let (closed, was_closed) = (
            self.state == BreakerState::Closed,
            before == BreakerState::Closed,
        );
        if closed != was_closed {
            self.since = now;
            self.generation += u64::from(closed);
        }
        closed != was_closed
    }
}

#[cfg(test)]
#[path = "../tests/breaker.rs"]
mod tests;
