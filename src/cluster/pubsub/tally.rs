//! How many got a message.

use std::fmt;

use bytes::Bytes;

/// Counts who gets messages. Called on the publishing task: it must not block.
pub trait Tally: Send + Sync + fmt::Debug {
    /// A message was published and reached so many connections, that of this process included
    /// if it listens. `number` is that of the message among those of this process
    /// ([`Message::number`](super::Message::number)).
    fn published(&self, number: u64, receivers: u64, payload: &Bytes);
}
