//! The raw WebSocket transports: `/signal/{roomId}` and `/ws`, JSON text frames both.
//!
//! They decode, call a [`Session`](crate::hub::Session), and encode. The rules are in
//! [`core`](crate::core); a peer that came this way is a peer like any other.
//!
//! | module | what is there |
//! |---|---|
//! | `upgrade` | who may become a WebSocket, decided before it does |
//! | `driver` | one connection: its frames, in order, its pings, its end |
//! | `early` | the frames whose turn has not come |
//! | `connection` | the way from a room to the client |
//! | `outbox` | the frames that wait for the client, and what of them has not left |
//! | `pipe`, `frame`, `close` | bytes: the stream, what is written to it, close codes |
//! | `client` | what both protocols let a client do |
//! | `common` | the frames that both have |
//! | `described` | the frames, for the schemas |
//! | `subscription` | what backends say, for both |
//! | `mapping` | what is called how in which protocol |
//! | `signal`, `ws` | the two protocols: reading and writing frames |
//!
//! A connection is one task that reads, writes and keeps time. Reading is left to the WebSocket
//! library; frames are written from the queue straight to the socket, several at once and the
//! same bytes to all who get the same, and counted as they go: what has not been handed to the
//! kernel when a connection is lost or replaced is given back, and nothing else.

mod client;
mod close;
mod common;
mod connection;
mod described;
mod driver;
mod early;
mod frame;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod mapping;
mod outbox;
mod pipe;
mod signal;
mod subscription;
mod upgrade;
mod ws;

#[cfg(test)]
#[path = "tests/house.rs"]
mod house;

use std::{sync::Arc, time::Duration};

use crate::{auth::Verifier, config::EngineConfig, hub::Hub};

pub use self::{
    described::{PROTOCOLS, Protocol},
    upgrade::routes,
};

/// What the transports need of the rest.
#[derive(Clone)]
pub struct Services {
    /// Where clients live.
    pub hub: Arc<Hub>,
    /// Who they are.
    pub verifier: Verifier,
    /// The cookie in which browsers carry their token.
    pub cookie: Arc<str>,
    /// How connections are kept.
    pub settings: Settings,
}

/// How connections are kept.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Time between two pings.
    ping_interval: Duration,
    /// How long nothing may be heard after that.
    ping_timeout: Duration,
    /// The largest message, in one frame or in fragments, in bytes.
    max_message: usize,
}

impl From<&EngineConfig> for Settings {
    fn from(config: &EngineConfig) -> Self {
        Self {
            ping_interval: config.ping_interval,
            ping_timeout: config.ping_timeout,
            max_message: config.max_payload_bytes,
        }
    }
}
