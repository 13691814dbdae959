//! What clients may send, and those that are sent away because they send too much.

use std::{sync::Arc, time::Duration};

use tracing::warn;

use super::{CloseReason, Hub, MAX_QUEUED_BYTES, Session};
use crate::{
    core::UserId,
    limits::{Class, Crowd, Spending, Spent, Tally, Ticket},
    protocol::{ErrorCode, WireError},
    telemetry,
};

/// How much clients may have of a node.
#[derive(Clone, Debug)]
pub struct ClientLimits {
    /// What each may send, if there is a limit.
    pub spending: Option<Spending>,
    /// How many connections there are of each user, if there is a limit.
    pub connections: Option<Arc<Tally<UserId>>>,
    /// The most bytes of events, and of answers, that wait for one.
    pub queued_bytes: usize,
}

impl Default for ClientLimits {
    /// None but the bound of what waits.
    fn default() -> Self {
        Self {
            spending: None,
            connections: None,
            queued_bytes: MAX_QUEUED_BYTES,
        }
    }
}

/// Why an event is not handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Excess {
    /// The client is told so.
    Refused(WireError),
    /// The client is being sent away, and told nothing more.
    Ignored,
}

impl From<WireError> for Excess {
    fn from(error: WireError) -> Self {
        Self::Refused(error)
    }
}

impl Hub {
    /// Counts a connection of `user`, until the ticket is dropped; there is none if nobody is counted.
    ///
    /// # Errors
    /// [`Crowd::User`] if there are as many as may be.
    pub fn count(&self, user: &UserId) -> Result<Option<Ticket<UserId>>, Crowd> {
        match &self.limits.connections {
            Some(connections) => {
                let ticket = connections.enter(user.clone());
                ticket.map(Some).ok_or(Crowd::User)
            }
            None => Ok(None),
        }
    }

    /// The most bytes of events, and of answers, that wait for one client.
    pub const fn queued_bytes(&self) -> usize {
        self.limits.queued_bytes
    }

    /// Time on the clock by which spending is measured, in nanoseconds.
    pub(super) fn now_ns(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Session {
    /// Spends an event of `class`, which comes before anything is done for it.
    ///
    /// # Errors
    /// [`Excess`]: `RATE_LIMITED`, or the client is sent away.
    pub fn spend(&self, class: Class) -> Result<(), Excess> {
        self.settle(class.name(), |limits, now| {
            self.allowance.spend(limits, class, now)
        })
    }

    /// Takes note of a frame that cannot be read. Some are answered with what is wrong.
    ///
    /// # Errors
    /// As [`Session::spend`].
    pub fn stumble(&self) -> Result<(), Excess> {
        self.settle(Class::Other.name(), |limits, now| {
            self.allowance.stumble(limits, now)
        })
    }

    /// Spends a room that is joined.
    ///
    /// # Errors
    /// `RATE_LIMITED`.
    pub(super) fn spend_room(&self) -> Result<(), WireError> {
        let spent = self.settle("rooms", |limits, now| self.allowance.join(limits, now));
        spent.map_err(|excess| match excess {
            Excess::Refused(error) => error,
            Excess::Ignored => too_fast(None),
        })
    }

    /// `spend` is only called if there is a limit. `class` is what is counted in the figures.
    fn settle(
        &self,
        class: &'static str,
        spend: impl FnOnce(&Spending, u64) -> Spent,
    ) -> Result<(), Excess> {
        let Some(limits) = &self.hub.limits.spending else {
            return Ok(());
        };
        let excess = match spend(limits, self.hub.now_ns()) {
            Spent::Yes => return Ok(()),
            Spent::Ignored => return Err(Excess::Ignored),
            Spent::Wait(wait) => Excess::Refused(too_fast(Some(wait))),
            Spent::TooMuch => {
                self.send_away(class);
                Excess::Ignored
            }
        };
        Err(excess)
    }

    fn send_away(&self, class: &'static str) {
        let (user, link) = (&self.member.user, self.conn.link());
        let transport = link.carrier();
        warn!(%user, transport, class, "a client that goes on sending too much is disconnected");
        telemetry::abuse_ended(link.protocol());
        link.close(CloseReason::Abusive);
    }
}

fn too_fast(wait: Option<Duration>) -> WireError {
    let message = "too much in a short time";
    WireError {
        retry_after: wait,
        ..WireError::new(ErrorCode::RateLimited, message)
    }
}
