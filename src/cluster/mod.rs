//! What makes many nodes behave as one: the way to Redis and what goes over it.
//!
//! | module | what is there |
//! |---|---|
//! | [`target`] | which Redis: URLs and credentials, parsed |
//! | [`keys`] | the prefix before every name |
//! | [`pubsub`] | messages between nodes, and the connection for ordinary commands |
//! | [`canary`] | whether Redis delivers messages |
//! | `node` | [`Cluster`]: this node among the others |
//! | `rooms`, `codec` | what nodes tell each other of a room |
//! | `records`, `scripts` | rooms in Redis: who is in them, and where |
//! | `cache` | what the Room Service answered |
//! | `announce` | what is told to every client |
//! | `tell` | what a backend tells a room or a user |
//! | `bequest` | what a node asks of others that is about to end |
//! | `users` | presence, and who is waited for |
//! | `life` | which nodes live |
//! | `survey` | all nodes and all rooms, for operators |
//! | [`chat`] | chat on its way to Redis, and from there to the Chat Service |
//! | `receipts` | what a node that died did not get |
//! | `releases` | what is to be closed on media servers, whoever does it |
//! | [`driver`] | the Socket.IO adapter over it |

mod announce;
mod backoff;
mod bequest;
mod cache;
pub mod canary;
pub mod chat;
mod codec;
mod connect;
pub mod driver;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
pub mod keys;
mod life;
mod node;
pub mod pubsub;
mod receipts;
mod records;
mod releases;
mod rooms;
mod scripts;
mod survey;
pub mod target;
mod tell;
mod users;

pub use self::codec::Undecodable;
pub use self::keys::KeyPrefix;
pub use self::life::{BEAT, LIFE, Pulse, Rhythm};
pub use self::node::{Cluster, ClusterSettings};
pub use self::pubsub::{Failure as RedisFailure, PubSub, SubscribeError, Subscription};
pub use self::records::{Reserved, Snapshot, Unavailable};
pub use self::releases::SharedReleases;
pub use self::rooms::{RoomKeys, Said};
pub use self::survey::{KeptRoom, NodeStatus, RoomCounts, SeenNode};
pub use self::target::RedisTarget;
pub use self::tell::Told;
