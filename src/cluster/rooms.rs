//! Rooms in Redis: what all nodes know of them, and the channel on which they tell each other.
//!
//! | key | what |
//! |---|---|
//! | `room:{roomId}:peers` | hash: peer id → record as JSON, with the node that has the peer |
//! | `room:{roomId}:nodes` | hash: node → number of its peers |
//! | `room:{roomId}:places` | sorted set: peers that are about to join, by when that lapses |
//! | `room:{roomId}:mode` | how media flows, as JSON |
//! | `room:{roomId}:host` | which peer was made the host, as JSON |
//! | `room:{roomId}:names` | hash: name that a peer chose → peer id |
//! | `chat:buffer:{roomId}` | list: messages as JSON, see `chat` |
//!
//! Braces are part of the names: in a Cluster they keep what belongs to a room together. All
//! of it is soft: each node can write its part anew.

use std::{fmt::Display, sync::Arc};

use bytes::Bytes;
use tokio::time::timeout;
use tracing::warn;

use super::{
    Cluster,
    chat::{ChatKeeping, Delivered},
    codec::{self, Undecodable},
    node::parts,
    pubsub::{Channel, Message, PublishError, Script, Subscription},
    receipts::Receipts,
    records::{PATIENCE, ROOM_TTL_S, Unavailable, json},
    scripts,
};
use crate::core::{Gossip, NodeId, PeerId, RoomCode, RoomId};

/// The channel names and keys of one room.
#[derive(Debug)]
pub struct RoomKeys {
    id: RoomId,
    pub(super) code: RoomCode,
    pub(super) channel: Channel,
    keys: [String; 7],
    pub(super) receipts: Arc<Receipts>,
}

/// What was said on a room's channel, unread.
#[derive(Clone, Debug)]
pub struct Said(Bytes);

impl Said {
    /// Whether it is about who is in the room, and where; else it is what peers say.
    pub fn is_about_roster(&self) -> bool {
        codec::is_about_roster(&self.0)
    }

    /// Whether it is chat that was published before, and may have been heard.
    pub fn is_repeated(&self) -> bool {
        codec::is_repeated(&self.0)
    }

    /// Who said what.
    ///
    /// # Errors
    /// [`Undecodable`] for what no node of this version says.
    pub fn read(&self) -> Result<(NodeId, Gossip<'_>), Undecodable> {
        codec::decode(&self.0)
    }
}

impl Cluster {
    /// The names of a room.
    pub fn room(&self, room: &RoomId, code: &RoomCode) -> RoomKeys {
        RoomKeys {
            id: room.clone(),
            code: code.clone(),
            channel: Channel::internal(&format!("channel:room:{{{room}}}")),
            keys: self.keys(room),
            receipts: Receipts::new(self.pubsub().clone()),
        }
    }

    fn keys(&self, room: &RoomId) -> [String; 7] {
        [
            format!("room:{{{room}}}:peers"),
            format!("room:{{{room}}}:nodes"),
            format!("room:{{{room}}}:places"),
            format!("chat:buffer:{{{room}}}"),
            format!("room:{{{room}}}:mode"),
            format!("room:{{{room}}}:host"),
            format!("room:{{{room}}}:names"),
        ]
        .map(|name| self.prefix().apply(&name))
    }

    /// Tells the other nodes that serve the room. It only queues.
    pub fn say(&self, room: &RoomKeys, said: &Gossip<'_>) {
        let queued = match codec::encode(self.me(), said) {
            Ok(message) => self.queue(room, said, message),
            Err(error) => return warn!(%error, "a message to other nodes cannot be written"),
        };
        if let Err(error) = queued {
            warn!(%error, "a message to other nodes is lost");
        }
    }

    fn queue(
        &self,
        room: &RoomKeys,
        said: &Gossip<'_>,
        message: Bytes,
    ) -> Result<(), PublishError> {
        let (name, life) = self.identity();
        let (body, args) = match said {
            Gossip::Joined(record) => (
                scripts::JOINED,
                vec![
                    text(record.id),
                    self.keep(room, record),
                    text(name),
                    text(ROOM_TTL_S),
                    text(record.member.alias.as_deref().unwrap_or_default()),
                ],
            ),
            Gossip::Left { peer, .. } => {
                // What the Chat Service does not have yet outlives the room.
                let forget = self.chat().keeping() == ChatKeeping::Ring;
                (scripts::LEFT, vec![text(peer), flag(forget)])
            }
            Gossip::Renewed(record) => (
                scripts::RENEWED,
                vec![
                    text(record.id),
                    self.keep(room, record),
                    text(name),
                    text(life),
                ],
            ),
            Gossip::Handover { to, peer, .. } => {
                let (to_name, to_life) = parts(to);
                let args = [name, life, to_name, to_life].map(text);
                let args = std::iter::once(text(peer)).chain(args).collect();
                (scripts::HANDOVER, args)
            }
            Gossip::Host(state) => (scripts::HOST, vec![json(state), text(ROOM_TTL_S)]),
            Gossip::Chat(said) => {
                self.say_chat(room, said, message);
                return Ok(());
            }
            Gossip::Relay { .. } => {
                let receipts = Arc::<Receipts>::clone(&room.receipts);
                let pubsub = self.pubsub();
                return pubsub.publish_counted(&room.channel, message, None, receipts);
            }
            _ => return self.pubsub().publish(&room.channel, message),
        };
        let script = room.script(body, args);
        self.pubsub().execute(&room.channel, message, script)
    }

    /// Hears what is said of a room, from now on; of what this node says itself all but relays
    /// and chat, for their place among the rest. Returns when Redis has confirmed, or after a
    /// while without.
    ///
    /// # Errors
    /// [`Unavailable`] when the node stops.
    pub async fn listen<H>(&self, room: &RoomKeys, hear: H) -> Result<Subscription, Unavailable>
    where
        H: Fn(Said) -> Result<(), Undecodable> + Send + Sync + 'static,
    {
        let (me, receipts) = (self.pubsub().server_id(), Arc::clone(&room.receipts));
        let chat = Arc::clone(self.chat());
        let of = room.id.clone();
        let handler = move |message: &Message| {
            if let Some(delivered) = codec::decode_delivered(&message.payload) {
                let Delivered { ids, left } = delivered?;
                chat.delivered(&ids);
                chat.note_length(&of, left);
                return Ok(());
            }
            if message.from == Some(me) {
                let counted = !codec::is_about_roster(&message.payload);
                receipts.heard(message.number, counted);
                if counted {
                    return Ok(());
                }
            }
            Ok(hear(Said(message.payload.clone()))?)
        };
        let listening = self.pubsub().subscribe_hearing_own(&room.channel, handler);
        let subscription = listening.await.map_err(|_| Unavailable)?;
        if self.is_up() {
            let _ = timeout(PATIENCE, subscription.confirmed()).await;
        }
        Ok(subscription)
    }
}

impl RoomKeys {
    /// Sets which other nodes serve the room.
    pub fn expect(&self, others: Vec<NodeId>) {
        self.receipts.expect(others);
    }

    /// A node has asked for peers, or taken them over if the one that had them is `gone`, and
    /// keeps from now on what they miss. Each comes with the node that had it. Returns the own
    /// message that has to be [answered](Self::is_answered) before it is known what they missed
    /// until now.
    pub fn claimed(&self, peers: &[(PeerId, NodeId)], by: &NodeId, gone: bool) -> u64 {
        self.receipts.claimed(peers, by, gone)
    }

    /// Whether the node that had a peer was found to be gone since the peer was asked for.
    pub fn is_gone(&self, peer: PeerId) -> bool {
        self.receipts.is_gone(peer)
    }

    /// Whether Redis has said which nodes got that message, and those before it.
    pub fn is_answered(&self, number: u64) -> bool {
        self.receipts.is_answered(number)
    }

    /// What was published of late and did not get to `peers`, whose node is gone; each with
    /// those that it is for, if it is for all.
    pub fn missed_by(&self, peers: &[PeerId]) -> Vec<(Said, Vec<PeerId>)> {
        let missed = self.receipts.missed_by(peers).into_iter();
        missed
            .map(|(message, peers)| (Said(message), peers))
            .collect()
    }

    pub(super) fn script(&self, body: &'static str, args: Vec<Bytes>) -> Script {
        Script {
            body,
            keys: self.keys.to_vec(),
            args,
        }
    }
}

pub(super) fn text(value: impl Display) -> Bytes {
    value.to_string().into()
}

pub(super) fn flag(value: bool) -> Bytes {
    Bytes::from_static(if value { b"1" } else { b"0" })
}
