//! What nodes tell each other about a room.

use std::{borrow::Cow, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{
    ChatMessage, Consumer, Event, HostState, LeaveReason, Member, Mode, ModeReason, ModeState,
    NodeId, PeerId, PeerInfo, PeerRecord, Producer, ProducerInfo, RelayKind, ResumeSecret, RoomId,
    UserId,
};

/// A message on a room's channel. All nodes that serve the room get all of them in one order;
/// the sender does not get its own back, [`Gossip::Claim`], [`Gossip::Adopted`] and
/// [`Gossip::Mode`] excepted.
///
/// What is said of who has which peer is true of the shared records in the same step: whoever
/// sends on the message changes them, and drops a message that they contradict.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Gossip<'a> {
    /// A peer came, through the sender.
    Joined(PeerRecord),
    /// A peer is gone.
    Left {
        /// Which.
        peer: PeerId,
        /// Why.
        reason: LeaveReason,
        /// What the host said, if it was removed.
        note: Arc<str>,
    },
    /// A signalling message for a peer of another node.
    Relay {
        /// Which of the three.
        kind: RelayKind,
        /// From whom.
        from: PeerId,
        /// To whom.
        to: PeerId,
        /// The JSON value as it was sent.
        body: Cow<'a, RawValue>,
    },
    /// Something was said.
    Chat(Arc<ChatMessage>),
    /// A client of the sender wants to be this peer again: whoever has it, hand it over.
    Claim {
        /// Which peer.
        peer: PeerId,
        /// By which node, of those that serve the room, it is thought to be had.
        from: NodeId,
        /// Whose it must be.
        user: UserId,
        /// The proof; without it the peer must be away.
        secret: Option<ResumeSecret>,
    },
    /// A claimed peer goes to another node.
    Handover {
        /// Where.
        to: NodeId,
        /// The peer.
        peer: PeerId,
        /// What it missed, oldest first.
        missed: Vec<Waiting>,
        /// Who is in the room once it has heard all that.
        known: Vec<PeerId>,
        /// Who hosts it then; if nothing is said, the first of those.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        host: Option<PeerId>,
        /// What it receives through the media server.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        consumers: Vec<Consumer>,
        /// The last chat message that the sender said itself, if it did. The peer knows it, and
        /// those before it; the others may hear of them later, if they wait for Redis.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        said: Option<Uuid>,
    },
    /// A claim was not granted.
    Denied {
        /// To whom.
        to: NodeId,
        /// Which peer.
        peer: PeerId,
    },
    /// The sender looks after peers of a node that is gone.
    Adopted(Vec<PeerId>),
    /// What was said to a peer and did not get to the node that has it, which may be gone.
    Again {
        /// The peer.
        peer: PeerId,
        /// That node is gone: it is for the one that took the peer over. Else it is for the one
        /// that asks for the peer, in case nobody answers.
        gone: bool,
        /// What it missed, oldest first.
        missed: Vec<Waiting>,
    },
    /// What is to be known of a peer that the sender has is other than before, and all have to
    /// know it in case that the sender dies: it came back there, and its secrets are new ones; or
    /// it has something else in the media server.
    Renewed(PeerRecord),
    /// Media flows otherwise from now on.
    Mode(ModeState),
    /// The host made another peer the host.
    Host(HostState),
    /// All peers that the sender has by the records, those on their way to it included. Sent
    /// when it found other records than it should have.
    Roster {
        /// The peers.
        peers: Vec<PeerRecord>,
        /// The sender did not hear the others for a time, until just before.
        #[serde(default)]
        deaf: bool,
        /// How media flows, as far as the sender knows.
        #[serde(default)]
        mode: Option<ModeState>,
        /// Who was made the host, as far as the sender knows.
        #[serde(default)]
        host: Option<HostState>,
    },
}

impl Gossip<'_> {
    /// What of the message is for `peer`, to wait for it: a relay to it, or chat.
    pub fn for_peer(&self, peer: PeerId) -> Option<Waiting> {
        match self {
            Self::Relay {
                kind,
                from,
                to,
                body,
            } if *to == peer => {
                let body = body.clone().into_owned();
                Some(Waiting::Relay(*kind, *from, None, *to, body))
            }
            Self::Chat(message) => Some(Waiting::Chat(Arc::clone(message))),
            _ => None,
        }
    }

    /// Detaches the message from the frame that it may borrow from.
    #[expect(clippy::too_many_lines, reason = "an arm for each kind of message")]
    pub fn into_owned(self) -> Gossip<'static> {
        match self {
            Self::Joined(record) => Gossip::Joined(record),
            Self::Left { peer, reason, note } => Gossip::Left { peer, reason, note },
            Self::Relay {
                kind,
                from,
                to,
                body,
            } => Gossip::Relay {
                kind,
                from,
                to,
                body: Cow::Owned(body.into_owned()),
            },
            Self::Chat(message) => Gossip::Chat(message),
            Self::Claim {
                peer,
                from,
                user,
                secret,
            } => Gossip::Claim {
                peer,
                from,
                user,
                secret,
            },
            Self::Handover {
                to,
                peer,
                missed,
                known,
                host,
                consumers,
                said,
            } => Gossip::Handover {
                to,
                peer,
                missed,
                known,
                host,
                consumers,
                said,
            },
            Self::Denied { to, peer } => Gossip::Denied { to, peer },
            Self::Adopted(peers) => Gossip::Adopted(peers),
            Self::Again { peer, gone, missed } => Gossip::Again { peer, gone, missed },
            Self::Renewed(record) => Gossip::Renewed(record),
            Self::Mode(state) => Gossip::Mode(state),
            Self::Host(state) => Gossip::Host(state),
            Self::Roster {
                peers,
                deaf,
                mode,
                host,
            } => Gossip::Roster {
                peers,
                deaf,
                mode,
                host,
            },
        }
    }
}

/// An event that waits for a peer, on its way to another node.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Waiting {
    /// See [`Event::PeerJoined`].
    PeerJoined(PeerInfo),
    /// See [`Event::PeerLeft`].
    PeerLeft(PeerId, Option<Arc<Member>>, LeaveReason),
    /// See [`Event::HostChanged`].
    HostChanged(PeerId, Option<Arc<Member>>),
    /// See [`Event::ModeChanged`].
    ModeChanged(RoomId, Mode, ModeReason),
    /// See [`Event::NewProducer`].
    NewProducer(PeerId, Arc<Producer>),
    /// See [`Event::ProducerClosed`].
    ProducerClosed(PeerId, Arc<str>),
    /// See [`Event::Kicked`].
    Kicked(RoomId, Arc<str>),
    /// See [`Event::Relay`].
    Relay(
        RelayKind,
        PeerId,
        Option<Arc<Member>>,
        PeerId,
        Box<RawValue>,
    ),
    /// See [`Event::Chat`].
    Chat(Arc<ChatMessage>),
}

impl Waiting {
    /// What can wait of `event`. A welcome cannot: a peer that comes back gets a newer one.
    pub(super) fn of(event: Event<'static>) -> Option<Self> {
        Some(match event {
            Event::Joined(_) | Event::Resumed { .. } => return None,
            Event::PeerJoined(info) => Self::PeerJoined(info),
            Event::PeerLeft {
                peer,
                member,
                reason,
            } => Self::PeerLeft(peer, member, reason),
            Event::HostChanged { host, member } => Self::HostChanged(host, member),
            Event::ModeChanged { room, mode, reason } => Self::ModeChanged(room, mode, reason),
            Event::NewProducer(ProducerInfo { peer, producer }) => {
                Self::NewProducer(peer, producer)
            }
            Event::ProducerClosed { peer, producer } => Self::ProducerClosed(peer, producer),
            Event::Kicked { room, reason } => Self::Kicked(room, reason),
            Event::Relay {
                kind,
                from,
                sender,
                to,
                body,
            } => Self::Relay(kind, from, sender, to, body.into_owned()),
            Event::Chat(message) => Self::Chat(message),
        })
    }
}

impl From<Waiting> for Event<'static> {
    fn from(waiting: Waiting) -> Self {
        match waiting {
            Waiting::PeerJoined(info) => Self::PeerJoined(info),
            Waiting::PeerLeft(peer, member, reason) => Self::PeerLeft {
                peer,
                member,
                reason,
            },
            Waiting::HostChanged(host, member) => Self::HostChanged { host, member },
            Waiting::ModeChanged(room, mode, reason) => Self::ModeChanged { room, mode, reason },
            Waiting::NewProducer(peer, producer) => {
                Self::NewProducer(ProducerInfo { peer, producer })
            }
            Waiting::ProducerClosed(peer, producer) => Self::ProducerClosed { peer, producer },
            Waiting::Kicked(room, reason) => Self::Kicked { room, reason },
            Waiting::Relay(kind, from, sender, to, body) => Self::Relay {
                kind,
                from,
                sender,
                to,
                body: Cow::Owned(body),
            },
            Waiting::Chat(message) => Self::Chat(message),
        }
    }
}

#[cfg(test)]
#[path = "tests/gossip.rs"]
mod tests;
