//! Who hears what backends say: users, and whoever subscribes to topics.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use dashmap::DashMap;
use parking_lot::Mutex;
use serde_json::value::RawValue;
use smallvec::SmallVec;

use super::{Conn, ConnId, Hub, Session, session::unix_millis};
use crate::{
    core::{
        PeerId, UserId,
        channels::{Channels, Topic, Wanted},
        replayed::{From, KeptEvent, Offset, Recovery, Ring},
    },
    protocol::{ErrorCode, WireError},
};

/// The most topics that one client may subscribe to.
pub const MAX_TOPICS: usize = 100;

/// An event that has nothing to do with rooms.
#[derive(Clone, Copy, Debug)]
pub struct Notice<'n> {
    /// Its name.
    pub name: &'n str,
    /// What is to be known.
    pub data: &'n RawValue,
    /// Where it comes from: an object.
    pub about: Option<&'n RawValue>,
}

/// What becomes of a subscription.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Subscribed {
    /// Whether the client has got all that it missed, if it asked for that.
    pub recovered: Option<bool>,
    /// The place of the last event of the channel, if events are kept.
    pub offset: Option<Offset>,
}

/// Who wants a session to hear something.
#[derive(Clone, Copy, Debug)]
enum Side {
    Client,
    Backend,
}

/// What a session hears, by who wants that.
#[derive(Debug, Default)]
pub(super) struct Topics {
    client: HashSet<Topic>,
    backend: HashSet<Topic>,
}

impl Topics {
    const fn by(&mut self, side: Side) -> &mut HashSet<Topic> {
        match side {
            Side::Client => &mut self.client,
            Side::Backend => &mut self.backend,
        }
    }

    fn contains(&self, name: &str) -> bool {
        self.client.contains(name) || self.backend.contains(name)
    }

    /// All of them, some perhaps twice.
    pub(super) fn all(&self) -> impl Iterator<Item = &Topic> {
        self.client.iter().chain(&self.backend)
    }
}

/// The clients of this node, by what they are to hear.
#[derive(Debug)]
pub(super) struct Audiences {
    pub(super) channels: Channels,
    users: DashMap<UserId, SmallVec<[Conn; 1]>>,
    topics: DashMap<Topic, HashMap<ConnId, Conn>>,
    /// Who speaks for a peer: a hint, as the place of a session is.
    pub(super) peers: DashMap<PeerId, ConnId>,
    /// Whose transport gave it that id.
    pub(super) addresses: DashMap<Arc<str>, ConnId>,
    /// What is kept of channels that keep events.
    rings: HashMap<Arc<str>, Mutex<Ring>>,
}

impl Audiences {
    /// `alone`: there are no other nodes, from which something may be known.
    pub(super) fn new(channels: Channels, alone: bool) -> Self {
        let kept = channels.all().iter().filter(|rule| rule.replay > 0);
        let rings = kept.map(|rule| {
            let mut ring = Ring::new(rule.replay);
            if alone {
                ring.get_ready();
            }
            (Arc::clone(&rule.name), Mutex::new(ring))
        });
        Self {
            rings: rings.collect(),
            channels,
            users: DashMap::new(),
            topics: DashMap::new(),
            peers: DashMap::new(),
            addresses: DashMap::new(),
        }
    }

    pub(super) fn enter(&self, user: &UserId, conn: &Conn) {
        self.users
            .entry(user.clone())
            .or_default()
            .push(conn.clone());
    }

    pub(super) fn exit(&self, user: &UserId, conn: ConnId, topics: &Topics) {
        if let Some(mut of_user) = self.users.get_mut(user) {
            of_user.retain(|other| other.id() != conn);
        }
        self.users.remove_if(user, |_, of_user| of_user.is_empty());
        for topic in topics.all() {
            self.leave(topic, conn);
        }
    }

    fn join(&self, topic: Topic, conn: &Conn) {
        let mut subscribers = self.topics.entry(topic).or_default();
        subscribers.insert(conn.id(), conn.clone());
    }

    fn leave(&self, topic: &Topic, conn: ConnId) {
        if let Some(mut subscribers) = self.topics.get_mut(topic) {
            subscribers.remove(&conn);
        }
        self.topics
            .remove_if(topic, |_, subscribers| subscribers.is_empty());
    }

    /// Takes note of who speaks for a peer.
    pub(super) fn sit(&self, peer: PeerId, conn: ConnId) {
        self.peers.insert(peer, conn);
    }

    /// A connection does not speak for a peer any more. Another may do so already.
    pub(super) fn rise(&self, peer: PeerId, conn: ConnId) {
        self.peers.remove_if(&peer, |_, speaker| *speaker == conn);
    }

    /// Those that subscribe to a topic.
    pub(super) fn of_topic(&self, topic: &str, into: &mut Vec<Conn>) {
        if let Some(subscribers) = self.topics.get(topic) {
            into.extend(subscribers.values().cloned());
        }
    }

    /// Tells all connections of a user. Returns how many that are.
    pub(super) fn tell_user(&self, user: &UserId, notice: &Notice<'_>) -> usize {
        let Some(of_user) = self.users.get(user) else {
            return 0;
        };
        for conn in of_user.iter() {
            conn.link().notify(notice);
        }
        of_user.len()
    }

    /// All connections of a user.
    pub(super) fn of_user(&self, user: &UserId) -> SmallVec<[Conn; 1]> {
        let of_user = self.users.get(user);
        of_user.map(|of_user| of_user.clone()).unwrap_or_default()
    }

    /// Tells all that subscribe to any of the topics, each once. Returns how many that are.
    pub(super) fn tell_topics(&self, topics: &[Topic], notice: &Notice<'_>) -> usize {
        let mut told = HashSet::new();
        let mut count = 0;
        for (place, topic) in topics.iter().enumerate() {
            let Some(subscribers) = self.topics.get(topic) else {
                continue;
            };
            let more = place + 1 < topics.len();
            for (id, conn) in subscribers.iter() {
                if place > 0 && told.contains(id) {
                    continue;
                }
                if more {
                    told.insert(*id);
                }
                conn.link().notify(notice);
                count += 1;
            }
        }
        count
    }

    fn ring(&self, channel: &str) -> Option<&Mutex<Ring>> {
        self.rings.get(channel)
    }
}

impl Hub {
    /// The backend channels.
    pub const fn channels(&self) -> &Channels {
        &self.audiences.channels
    }

    /// Tells all connections that a user has to this node. Returns how many that are.
    pub fn tell_user(&self, user: &UserId, notice: &Notice<'_>) -> usize {
        self.audiences.tell_user(user, notice)
    }

    /// Tells those on this node that subscribe to any of the topics, each once. Returns how many
    /// that are.
    pub fn tell_topics(&self, topics: &[Topic], notice: &Notice<'_>) -> usize {
        self.audiences.tell_topics(topics, notice)
    }

    /// Keeps an event of a channel that keeps them, and tells those on this node that subscribe to
    /// its topics, unless it is no news, or nobody is to be told. Returns how many were told.
    pub fn tell_and_keep(&self, channel: &str, event: KeptEvent, tell: bool) -> usize {
        let Some(ring) = self.audiences.ring(channel) else {
            return 0;
        };
        // Told under the lock: whoever subscribes gets an event from the ring or by this.
        let mut ring = ring.lock();
        let Some(event) = ring.push(event) else {
            return 0;
        };
        if !tell || event.until.is_some_and(|until| until <= unix_millis()) {
            return 0;
        }
        self.audiences.tell_topics(&event.topics, &event.notice())
    }

    /// The place of the last event that is kept of a channel.
    pub fn last_offset(&self, channel: &str) -> Offset {
        let ring = self.audiences.ring(channel);
        ring.map_or_else(Offset::default, |ring| ring.lock().last())
    }

    /// What is in that place of a channel is nothing to tell.
    pub fn pass_over(&self, channel: &str, offset: Offset) {
        if let Some(ring) = self.audiences.ring(channel) {
            ring.lock().pass_over(offset);
        }
    }

    /// What a channel kept before is known now.
    pub fn knows_kept(&self, channel: &str) {
        if let Some(ring) = self.audiences.ring(channel) {
            ring.lock().get_ready();
        }
    }

    /// What a channel kept up to that place is not known here.
    pub fn begin_after(&self, channel: &str, offset: Offset) {
        if let Some(ring) = self.audiences.ring(channel) {
            ring.lock().begin_after(offset);
        }
    }
}

impl KeptEvent {
    fn notice(&self) -> Notice<'_> {
        Notice {
            name: &self.kind,
            data: &self.data,
            about: Some(&self.about),
        }
    }
}

impl Session {
    /// Subscribes to a backend channel, or to a part of one. What the client missed, if it asks
    /// for that, comes before this returns.
    ///
    /// # Errors
    /// `FORBIDDEN` if there is no such channel for clients, `RATE_LIMITED` beyond the most topics.
    pub fn subscribe(&self, name: &str, from: Option<From>) -> Result<Subscribed, WireError> {
        let audiences = &self.hub.audiences;
        let rule = match audiences.channels.wanted(name) {
            Some(Wanted::Topic(rule)) => rule,
            // It hears that unasked.
            Some(Wanted::Own(_)) => return Ok(Subscribed::default()),
            None => {
                let message = "there is no such channel to subscribe to";
                return Err(WireError::new(ErrorCode::Forbidden, message));
            }
        };
        let topic: Topic = name.into();
        let Some(ring) = audiences.ring(&rule.name) else {
            self.follow_as(Side::Client, topic)?;
            return Ok(Subscribed {
                recovered: from.map(|_| false),
                offset: None,
            });
        };
        let ring = ring.lock();
        let recovery = from.map(|from| {
            let known = ring
                .is_ready()
                .then(|| ring.recover(name, from, unix_millis()));
            known.unwrap_or_default()
        });
        self.follow_as(Side::Client, topic)?;
        let recovered = recovery.map(|Recovery { events, complete }| {
            for event in events {
                self.conn.link().notify(&event.notice());
            }
            complete
        });
        Ok(Subscribed {
            recovered,
            offset: ring.is_ready().then(|| ring.last()),
        })
    }

    /// Puts the session into a group, or has it hear a channel, as a backend wishes: the client
    /// cannot end that.
    ///
    /// # Errors
    /// `RATE_LIMITED` beyond the most topics.
    pub fn follow(&self, topic: Topic) -> Result<(), WireError> {
        self.follow_as(Side::Backend, topic)
    }

    fn follow_as(&self, side: Side, topic: Topic) -> Result<(), WireError> {
        let mut topics = self.topics.lock();
        let Some(topics) = topics.as_mut() else {
            return Ok(());
        };
        if topics.by(side).len() >= MAX_TOPICS && !topics.by(side).contains(&topic) {
            let message = format!("at most {MAX_TOPICS} channels can be subscribed to");
            return Err(WireError::new(ErrorCode::RateLimited, message));
        }
        topics.by(side).insert(Arc::clone(&topic));
        self.hub.audiences.join(topic, &self.conn);
        Ok(())
    }

    /// Ends what the client subscribed to, if it did.
    pub fn unsubscribe(&self, name: &str) {
        self.unfollow_as(Side::Client, name);
    }

    /// Takes the session out of a group, as a backend wishes, or has it hear a channel no more.
    pub fn unfollow(&self, name: &str) {
        self.unfollow_as(Side::Backend, name);
        self.unfollow_as(Side::Client, name);
    }

    fn unfollow_as(&self, side: Side, name: &str) {
        let mut topics = self.topics.lock();
        let Some(topics) = topics.as_mut() else {
            return;
        };
        if let Some(topic) = topics.by(side).take(name)
            && !topics.contains(name)
        {
            self.hub.audiences.leave(&topic, self.conn.id());
        }
    }

    /// Lets backends reach the client by the id that its transport gave it.
    pub fn known_as(&self, address: &str) {
        let address: Arc<str> = address.into();
        let topics = self.topics.lock();
        // Once the session has ended nobody would take the entry away.
        if topics.is_some() && self.address.set(Arc::clone(&address)).is_ok() {
            let addresses = &self.hub.audiences.addresses;
            addresses.insert(address, self.conn.id());
        }
    }

    /// Ends all subscriptions for good.
    pub(super) fn leave_audiences(&self) {
        let topics = self.topics.lock().take();
        if let Some(address) = self.address.get() {
            self.hub.audiences.addresses.remove(address);
        }
        if let Some(topics) = topics {
            let user = &self.member.user;
            self.hub.audiences.exit(user, self.conn.id(), &topics);
        }
    }
}

#[cfg(test)]
#[path = "tests/audience.rs"]
mod tests;
