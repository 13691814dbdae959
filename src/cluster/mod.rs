//! What makes many nodes behave as one: the way to Redis and what goes over it.
//!
//! | module | what is there |
//! |---|---|
//! | [`target`] | which Redis: URLs and credentials, parsed |
//! | [`keys`] | the prefix before every name |
//! | [`pubsub`] | messages between nodes, and the connection for ordinary commands |
//! | [`canary`] | whether Redis delivers messages |

mod backoff;
pub mod canary;
mod connect;
pub mod keys;
pub mod pubsub;
pub mod target;

pub use self::keys::KeyPrefix;
pub use self::pubsub::PubSub;
pub use self::target::RedisTarget;
