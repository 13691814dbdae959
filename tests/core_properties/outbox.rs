//! Connections that can be told when and how to fail.

use switchboard::core::{CutReason, Event, Gossip, Outbox, PeerId, Sent};

/// A connection, numbered in the order they were opened. None is ever reopened.
pub(crate) type Conn = usize;

/// How a connection takes what it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// Everything is queued.
    Open,
    /// Gone, once it has taken so many more events.
    Dying(u8),
    /// Full, once it has taken so many more events.
    Clogging(u8),
    /// Full once, and open again before the room has cut it.
    Hiccup,
}

impl Health {
    /// An answer to the next event, and the state it leaves.
    fn take(self) -> (Sent, Self) {
        match self {
            Health::Open => (Sent::Queued, self),
            Health::Dying(0) => (Sent::Gone, self),
            Health::Dying(left) => (Sent::Queued, Health::Dying(left - 1)),
            Health::Clogging(0) => (Sent::Full, self),
            Health::Clogging(left) => (Sent::Queued, Health::Clogging(left - 1)),
            Health::Hiccup => (Sent::Full, Health::Open),
        }
    }
}

/// One event that a room handed to one connection.
#[derive(Debug)]
pub(crate) struct Sending {
    pub(crate) to: Conn,
    pub(crate) event: Event<'static>,
    pub(crate) answer: Sent,
}

/// All connections, and what rooms did with them since the last look, in order.
#[derive(Debug, Default)]
pub(crate) struct FakeOutbox {
    health: Vec<Health>,
    pub(crate) sendings: Vec<Sending>,
    pub(crate) cuts: Vec<(Conn, CutReason)>,
}

impl FakeOutbox {
    pub(crate) fn open(&mut self, health: Health) -> Conn {
        self.health.push(health);
        self.health.len() - 1
    }

    pub(crate) fn ail(&mut self, conn: Conn, health: Health) {
        self.health[conn] = health;
    }

    pub(crate) fn has_failed(&self, conn: Conn) -> bool {
        matches!(self.health[conn], Health::Dying(0) | Health::Clogging(0))
    }

    pub(crate) fn is_dying(&self, conn: Conn) -> bool {
        matches!(self.health[conn], Health::Dying(_))
    }
}

impl Outbox<Conn> for FakeOutbox {
    type Prepared<'e> = &'e Event<'e>;

    fn prepare<'e>(&mut self, event: &'e Event<'e>, _receivers: usize) -> Self::Prepared<'e> {
        event
    }

    fn send(&mut self, to: &Conn, event: &Self::Prepared<'_>) -> Sent {
        let (answer, health) = self.health[*to].take();
        self.health[*to] = health;
        self.sendings.push(Sending {
            to: *to,
            event: (*event).clone().into_owned(),
            answer,
        });
        answer
    }

    /// These connections pass everything on at once: `unsent.rs` has others.
    fn reclaim(&mut self, _conn: &Conn) -> Vec<Event<'static>> {
        Vec::new()
    }

    fn cut(&mut self, conn: &Conn, reason: CutReason) {
        self.cuts.push((*conn, reason));
    }

    /// These rooms are meshes: `media.rs` has others.
    fn release_media(&mut self, _media: &str, _peer: PeerId) {}

    /// There are no other nodes: the simulation has them.
    fn gossip(&mut self, _message: Gossip<'_>) {}
}
