//! What concerns a user or everybody, on whatever node they are connected.
//!
//! The library's adapter finds and ends a user's connections on all nodes. Events do not take
//! its way: it would put packets into a client's queue that are in nobody's books, and what a
//! lost connection had not passed on could no longer be told (see `ledger`).

use std::sync::Arc;

use serde_json::value::RawValue;
use socketioxide::{SocketIo, adapter::Emitter};
use socketioxide_redis::drivers::{ChanItem, Driver, MessageStream};
use thiserror::Error;

use crate::{
    cluster::{
        SubscribeError,
        driver::{self, PubSubDriver},
    },
    core::UserId,
    hub::Hub,
};

/// The adapter, with or without other nodes.
pub(super) type Adapter = driver::Adapter<Emitter, Way>;

/// A connection, as the library knows it.
pub(super) type Socket = socketioxide::socket::Socket<Adapter>;

/// The way of the adapter to other nodes.
#[derive(Clone, Debug)]
pub(super) enum Way {
    /// There are none.
    Alone,
    /// Over Redis.
    Shared(PubSubDriver),
}

impl Driver for Way {
    type Error = SubscribeError;

    async fn publish(&self, channel: String, message: Vec<u8>) -> Result<(), Self::Error> {
        match self {
            Self::Alone => Ok(()),
            Self::Shared(driver) => driver.publish(channel, message).await,
        }
    }

    async fn subscribe(
        &self,
        channel: String,
        size: usize,
    ) -> Result<MessageStream<ChanItem>, Self::Error> {
        match self {
            Self::Alone => Ok(MessageStream::new_empty()),
            Self::Shared(driver) => driver.subscribe(channel, size).await,
        }
    }

    async fn unsubscribe(&self, channel: String) -> Result<(), Self::Error> {
        match self {
            Self::Alone => Ok(()),
            Self::Shared(driver) => driver.unsubscribe(channel).await,
        }
    }

    async fn num_serv(&self, channel: &str) -> Result<u16, Self::Error> {
        match self {
            Self::Alone => Ok(1),
            Self::Shared(driver) => driver.num_serv(channel).await,
        }
    }
}

/// Not all nodes could be asked.
#[derive(Debug, Error)]
#[error("not all nodes could be asked")]
pub struct Unreachable;

/// All clients, on whatever node.
#[derive(Clone, Debug)]
pub struct Namespace {
    io: SocketIo<Adapter>,
    hub: Arc<Hub>,
}

impl Namespace {
    pub(super) const fn new(io: SocketIo<Adapter>, hub: Arc<Hub>) -> Self {
        Self { io, hub }
    }

    /// How many connections a user has, on all nodes together. It asks every node and waits for
    /// the answers: nothing for a hot path.
    ///
    /// # Errors
    /// [`Unreachable`].
    pub async fn connections_of(&self, user: &UserId) -> Result<usize, Unreachable> {
        let sockets = self.io.to(room_of(user)).fetch_sockets().await;
        sockets
            .map(|sockets| sockets.len())
            .map_err(|_| Unreachable)
    }

    /// Ends all connections of a user, on all nodes, as if it had left: a client does not come
    /// back by itself, and there is no reconnection window.
    ///
    /// # Errors
    /// [`Unreachable`].
    pub async fn disconnect(&self, user: &UserId) -> Result<(), Unreachable> {
        let ended = self.io.to(room_of(user)).disconnect().await;
        ended.map_err(|_| Unreachable)
    }

    /// Tells an event to every client, on all nodes.
    pub fn broadcast(&self, event: &str, data: &RawValue) {
        self.hub.announce(event, data);
    }
}

/// The library's room in which all connections of a user are.
pub(super) fn room_of(user: &UserId) -> String {
    format!("user:{user}")
}
