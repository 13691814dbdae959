//! The door through which a room speaks.

use super::{Event, Gossip, PeerId};

/// What became of an event that was handed to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is queued for the connection, in order.
    Queued,
    /// The connection is gone and its loss will be reported: the event has to wait.
    Gone,
    /// The connection does not drain what it is sent: it has to be cut.
    Full,
}

/// Why the room asks for a connection to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutReason {
    /// It reads too slowly, or too much waited for it.
    SlowReader,
    /// The same peer came back through another connection, or another node has it.
    Replaced,
}

/// Where a room puts what it has to say. Called while the room is being changed, so it must
/// neither block nor call back into the room.
pub trait Outbox<C> {
    /// An event made ready to be sent to many: encoded at most once per wire format.
    type Prepared<'e>;

    /// Makes `event` ready for about so many receivers.
    fn prepare<'e>(&mut self, event: &'e Event<'e>, receivers: usize) -> Self::Prepared<'e>;

    /// Queues a prepared event for one connection.
    fn send(&mut self, to: &C, event: &Self::Prepared<'_>) -> Sent;

    /// Takes back what was queued for a connection that is lost or was cut and certainly
    /// has not left, oldest first.
    fn reclaim(&mut self, conn: &C) -> Vec<Event<'static>>;

    /// Asks for a connection to be closed. It takes no more from now on.
    fn cut(&mut self, conn: &C, reason: CutReason);

    /// Asks for what a peer has in the media server called `media` to be closed there.
    fn release_media(&mut self, media: &str, peer: PeerId);

    /// Tells the other nodes that serve the room, in order.
    fn gossip(&mut self, message: Gossip<'_>);
}
