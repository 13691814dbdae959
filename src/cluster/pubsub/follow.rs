//! Following a message through the queue.

use std::fmt;

use bytes::Bytes;
use redis::Value;

use super::error::PublishError;

/// Who wants to know what becomes of a message, and may take it back until it is on its way.
///
/// Both are called on the publishing task, so they must not block; and for the messages of one
/// channel in the order in which those were queued.
pub trait Watch: Send + Sync + fmt::Debug {
    /// Whether the message is still to be published. Asked before each attempt, when all that
    /// went before it has been settled. If not it counts as failed.
    fn is_wanted(&self) -> bool;

    /// What Redis answered, or why the message was not published. `number` is that of the
    /// message among those of this process.
    fn settled(&self, number: u64, outcome: Result<Value, PublishError>, payload: &Bytes);
}
