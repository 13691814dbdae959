//! The wire format of `@socket.io/redis-emitter`, with which backends speak to Socket.IO clients
//! through Redis: [`Emitter`] does what they ask, for the clients of this node.
//!
//! | module | what is there |
//! |---|---|
//! | `wire` | what is published, read |
//! | `json` | MessagePack as JSON |
//!
//! | channel | what is published there |
//! |---|---|
//! | `{key}#/#` | MessagePack `[uid, packet, {rooms, except, flags}]`: an event |
//! | `{key}#/#{room}#` | the same, for one room |
//! | `{key}-request#/#` | JSON `{type, opts: {rooms, except}, …}`: join, leave, disconnect |
//!
//! A node listens to all of them by one pattern. So they arrive in the order in which they were
//! published, in a Redis Cluster too; and Socket.IO servers on the same Redis, which count the
//! subscribers of the channel for requests, do not wait for answers of a gateway.
//!
//! Only the namespace `/` has clients. What the names of rooms mean is decided by
//! [`hub::Selection`](crate::hub::Selection).

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod json;
mod wire;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use metrics::counter;
use tracing::{info, warn};

use self::wire::{Packet, Request, Unusable};
use crate::{
    cluster::{
        Cluster, SubscribeError, Subscription,
        keys::literal,
        pubsub::{Channel, Message},
    },
    hub::{Emission, Hub},
};

/// The ear of this node for emitters.
#[derive(Debug)]
pub struct Emitter {
    /// Ends when this is dropped.
    _subscription: Subscription,
}

impl Emitter {
    /// Begins to listen. Redis need not be there. `key` is what the emitters' channels begin with,
    /// after the key prefix.
    ///
    /// # Errors
    /// When the link to Redis is shut down.
    pub fn start(hub: &Arc<Hub>, cluster: &Cluster, key: &str) -> Result<Self, SubscribeError> {
        let ear = Ear {
            hub: Arc::clone(hub),
            events: format!("{key}#/#"),
            requests: format!("{key}-request#/#"),
            refused: AtomicU64::new(0),
        };
        let pattern = Channel::raw(&format!("{}*#/#*", literal(key)));
        let subscription = cluster.pubsub().psubscribe_soon(&pattern, move |message| {
            ear.hear(message);
            Ok(())
        })?;
        Ok(Self {
            _subscription: subscription,
        })
    }
}

/// Carries out what backends ask.
struct Ear {
    hub: Arc<Hub>,
    /// What the names of channels for events begin with.
    events: String,
    /// The channel for requests.
    requests: String,
    refused: AtomicU64,
}

impl Ear {
    /// Something was published on a channel that fits the pattern. Others than those of emitters
    /// do too, the answers of Socket.IO servers to each other for one.
    fn hear(&self, message: &Message) {
        let (channel, payload) = (&*message.channel, &*message.payload);
        if channel == self.requests {
            return match wire::read_request(payload) {
                Ok(request) => self.carry_out(&request),
                Err(reason) => self.refuse("request", payload, reason),
            };
        }
        let Some(room) = channel.strip_prefix(&*self.events) else {
            return;
        };
        let room = room.strip_suffix('#').filter(|room| !room.is_empty());
        if room.is_some_and(|room| !self.hub.knows(room)) {
            return count("event", "for_nobody");
        }
        match wire::read_packet(payload, room) {
            Ok(packet) => self.tell(&packet),
            Err(reason) => self.refuse("event", payload, reason),
        }
    }

    fn tell(&self, packet: &Packet) {
        let emission = Emission::new(&packet.name, &packet.args, packet.volatile);
        let told = self.hub.emit(&packet.to, &emission);
        count("event", "accepted");
        counter!("switchboard_emitter_told_total").increment(told as u64);
    }

    fn carry_out(&self, request: &Request) {
        match request {
            Request::Join { who, rooms } => {
                count("join", "accepted");
                let connections = self.hub.join_groups(who, rooms);
                if connections > 0 {
                    warn!(
                        connections,
                        "a backend joins clients to more rooms than a client may be in"
                    );
                }
            }
            Request::Leave { who, rooms } => {
                count("leave", "accepted");
                self.hub.leave_groups(who, rooms);
            }
            Request::Disconnect { who, whole } => {
                count("disconnect", "accepted");
                let connections = self.hub.dismiss(who, *whole);
                if connections > 0 {
                    info!(connections, "disconnected by a backend");
                }
            }
        }
    }

    fn refuse(&self, kind: &'static str, payload: &[u8], reason: Unusable) {
        count(kind, reason.code());
        let refused = self.refused.fetch_add(1, Ordering::Relaxed) + 1;
        // In a flood the log gets a line now and then.
        if refused.is_power_of_two() {
            warn!(
                kind,
                reason = reason.code(),
                bytes = payload.len(),
                refused,
                "what an emitter published was skipped: it {reason}"
            );
        }
    }
}

impl fmt::Debug for Ear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ear")
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}

fn count(kind: &'static str, outcome: &'static str) {
    counter!("switchboard_emitter_messages_total", "kind" => kind, "outcome" => outcome)
        .increment(1);
}
