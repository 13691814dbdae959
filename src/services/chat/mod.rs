//! The Chat Service: it gets all that is said, and has the history of rooms.
//!
//! | module | what is there |
//! |---|---|
//! | [`client`] | its HTTP interface |
//! | `buffer`, `memory` | what is to be delivered, and where it waits |
//! | [`flush`] | the delivery |
//!
//! Messages are delivered at least once, in the order of their room's buffer, each with one id
//! that never changes. A batch carries an `Idempotency-Key` that follows from what is in it: who
//! delivers it once more, after a lost answer or in the place of another node, sends the same.

mod buffer;
pub mod client;
pub mod flush;
mod memory;

pub use self::{
    buffer::{Away, Batch, Buffer, Claim, LEASE, MAX_BATCH, MAX_BATCH_BYTES, Removal},
    client::ChatClient,
    flush::Flusher,
    memory::MemoryBuffer,
};
