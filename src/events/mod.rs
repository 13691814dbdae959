//! What backends say: from a channel in Redis to the clients that are to hear it.
//!
//! | module | what is there |
//! |---|---|
//! | `feed` | [`Feed`]: hears all channels |
//! | `line` | one channel: checks what is said, and tells those who are to hear it |
//! | `keeper` | one channel that keeps its events |
//! | `kept` | streams of events in Redis |
//! | `refused` | what cannot be handed on, kept to look at |
//! | [`publisher`] | the way for backends in Rust to publish |
//! | `system` | what the gateway itself says |
//!
//! Which channels there are, and who hears what, is decided by [`core::channels`](crate::core::channels).
//! Each node subscribes to each channel once and tells its own clients.
//!
//! Events are told to whoever is connected at that moment; twice only where a `PUBLISH` of this
//! crate is repeated since its answer was lost with the connection. A channel that keeps events
//! tells each once. It writes them to a stream in Redis: the publication is then only the sign that there is
//! something new in it, so that a node which was cut off tells what it missed, and a client that
//! comes back can ask for what it missed.

mod feed;
mod keeper;
mod kept;
mod line;
pub mod publisher;
mod refused;
mod system;

pub use feed::{Feed, FeedSettings, PublishError};
