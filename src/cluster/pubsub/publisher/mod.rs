//! The publishing side: a bounded queue, and a task that empties it.

mod pump;
mod queue;

pub(super) use self::pump::Pump;
pub(super) use self::queue::{Interest, Item, Outcome, Queue};
