//! What a room tells its peers.

use std::{borrow::Cow, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{ChatMessage, Member, ModeReason, PeerId, ProducerInfo, ResumeToken, RoomCode, RoomId};

/// How the media of a room flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Each peer to each other, a mesh.
    P2p,
    /// Through a selective forwarding unit.
    Sfu,
}

/// Which of the three WebRTC signalling messages a relay carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RelayKind {
    /// A session description that proposes (RFC 8829).
    Offer,
    /// A session description that accepts (RFC 8829).
    Answer,
    /// A trickled ICE candidate (RFC 8838).
    Ice,
}

/// Why a peer is no longer in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LeaveReason {
    /// It said so.
    Left,
    /// Its connection was lost and its reconnection window passed.
    Disconnected,
    /// The host removed it.
    Kicked,
    /// The node that served it is gone, and it did not come back through another in time.
    NodeLost,
}

/// One peer as the others see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerInfo {
    /// The peer.
    pub id: PeerId,
    /// Who is behind it.
    #[serde(flatten)]
    pub member: Arc<Member>,
}

/// All that a peer needs to know of the room it is in.
#[derive(Clone, Debug)]
pub struct Welcome {
    /// The room.
    pub room: RoomId,
    /// The code it was reached by.
    pub code: RoomCode,
    /// The receiving peer's own id.
    pub peer: PeerId,
    /// Who the receiver is there.
    pub member: Arc<Member>,
    /// The others, oldest first.
    pub peers: Vec<PeerInfo>,
    /// How media flows.
    pub mode: Mode,
    /// What the others send through the media server; nothing in a [`Mode::P2p`] room.
    pub producers: Vec<ProducerInfo>,
    /// The host.
    pub host: PeerId,
    /// What brings the receiver back as the same peer.
    pub resume: ResumeToken,
}

impl Welcome {
    /// Who the host is.
    pub fn host_member(&self) -> Option<&Member> {
        if self.host == self.peer {
            return Some(&self.member);
        }
        let host = self.peers.iter().find(|info| info.id == self.host);
        host.map(|info| &*info.member)
    }
}

/// Something that a peer is told.
///
/// Relayed bodies are borrowed from the frame they arrived in: a relay to a connected peer
/// copies nothing. [`Event::into_owned`] is for those that must wait.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// The receiver is in the room.
    Joined(Box<Welcome>),
    /// The receiver is the same peer again; `missed` events follow, in order.
    Resumed {
        /// The room as it is now.
        welcome: Box<Welcome>,
        /// How many events follow that were sent while it was away.
        missed: usize,
    },
    /// Another peer came.
    PeerJoined(PeerInfo),
    /// Another peer is gone.
    PeerLeft {
        /// Which.
        peer: PeerId,
        /// Who was behind it, if that is still known.
        member: Option<Arc<Member>>,
        /// Why.
        reason: LeaveReason,
    },
    /// Somebody else hosts the room now.
    HostChanged {
        /// Which peer.
        host: PeerId,
        /// Who is behind it, if that is known.
        member: Option<Arc<Member>>,
    },
    /// Media flows otherwise from now on.
    ModeChanged {
        /// In which room.
        room: RoomId,
        /// How.
        mode: Mode,
        /// Why.
        reason: ModeReason,
    },
    /// Another peer sends something through the media server.
    NewProducer(ProducerInfo),
    /// Another peer sends something no more.
    ProducerClosed {
        /// Who.
        peer: PeerId,
        /// What.
        producer: Arc<str>,
    },
    /// The receiver was removed by the host.
    Kicked {
        /// From which room.
        room: RoomId,
        /// What the host said.
        reason: Arc<str>,
    },
    /// A signalling message from another peer.
    Relay {
        /// Which of the three.
        kind: RelayKind,
        /// The sender, as the gateway knows it.
        from: PeerId,
        /// Who is behind the sender, if that is known.
        sender: Option<Arc<Member>>,
        /// The receiver.
        to: PeerId,
        /// The JSON value as it was sent.
        body: Cow<'a, RawValue>,
    },
    /// Something was said in the room.
    Chat(Arc<ChatMessage>),
}

impl Event<'_> {
    /// Whether it is for a peer, as far as it says for whom it is.
    pub(super) fn is_for(&self, peer: PeerId) -> bool {
        match self {
            Event::Relay { to, .. } => *to == peer,
            _ => true,
        }
    }

    /// Detaches the event from the frame that it may borrow from.
    pub fn into_owned(self) -> Event<'static> {
        match self {
            Event::Joined(welcome) => Event::Joined(welcome),
            Event::Resumed { welcome, missed } => Event::Resumed { welcome, missed },
            Event::PeerJoined(info) => Event::PeerJoined(info),
            Event::PeerLeft {
                peer,
                member,
                reason,
            } => Event::PeerLeft {
                peer,
                member,
                reason,
            },
            Event::HostChanged { host, member } => Event::HostChanged { host, member },
            Event::ModeChanged { room, mode, reason } => Event::ModeChanged { room, mode, reason },
            Event::NewProducer(info) => Event::NewProducer(info),
            Event::ProducerClosed { peer, producer } => Event::ProducerClosed { peer, producer },
            Event::Kicked { room, reason } => Event::Kicked { room, reason },
            Event::Relay {
                kind,
                from,
                sender,
                to,
                body,
            } => Event::Relay {
                kind,
                from,
                sender,
                to,
                body: Cow::Owned(body.into_owned()),
            },
            Event::Chat(message) => Event::Chat(message),
        }
    }

    /// Roughly what holding the event costs, in bytes. It bounds what waits for a peer.
    pub fn weight(&self) -> usize {
        /// Ids, pointers and the slot in the queue.
        const OVERHEAD: usize = 128;
        OVERHEAD
            + match self {
                Event::Joined(welcome) | Event::Resumed { welcome, .. } => {
                    welcome.peers.len() * size_of::<PeerInfo>()
                        + welcome.producers.len() * size_of::<ProducerInfo>()
                }
                Event::Relay { body, .. } => body.get().len(),
                Event::Chat(message) => message.content.len(),
                Event::Kicked { reason, .. } => reason.len(),
                Event::NewProducer(info) => info.producer.app_data.len(),
                Event::PeerJoined(_)
                | Event::PeerLeft { .. }
                | Event::HostChanged { .. }
                | Event::ModeChanged { .. }
                | Event::ProducerClosed { .. } => 0,
            }
    }
}
