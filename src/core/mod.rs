//! The rules of a room: who is in it, who hosts it, who may say what to whom, and what
//! happens to a peer whose connection is lost.
//!
//! Everything here is pure. A [`Room`] is told what happened and what time it is, and answers
//! by handing [`Event`]s to an [`Outbox`]. It opens no socket, reads no clock, draws no random
//! number and knows no wire format, which is what lets the property tests run thousands of
//! histories through the very code that serves.
//!
//! A room may span nodes. Each has the whole room, decides about the peers that are connected
//! to it, and tells the others by [`Gossip`], which its [`Outbox`] passes on. What the others
//! say comes in by [`Room::hear`], so that a peer of another node is no different from one of
//! this one.

mod arrival;
pub mod channels;
mod chat;
mod event;
mod gossip;
mod host;
mod ids;
mod media;
mod outbox;
mod peer;
mod recent;
mod replay;
pub mod replayed;
mod room;

pub use chat::{
    ChatDraft, ChatError, ChatMessage, HistoryQuery, MAX_CHAT_CHARS, MAX_CHAT_MESSAGES, Spoken,
    Utterance,
};
pub use event::{Event, LeaveReason, Mode, PeerInfo, RelayKind, Welcome};
pub use gossip::{Gossip, Waiting};
pub use host::HostState;
pub use ids::{
    InvalidResumeToken, InvalidRoomCode, NodeId, PeerId, ResumeSecret, ResumeToken, RoomCode,
    RoomId, UserId,
};
pub use media::{
    Consumer, Direction, MAX_CONSUMERS, MAX_PRODUCERS, MAX_TRANSPORTS, MediaKind, ModeReason,
    ModeState, PeerMedia, Producer, ProducerInfo, Transport,
};
pub use outbox::{CutReason, Outbox, Sent};
pub use peer::{Member, Newcomer, PeerRecord};
pub use recent::Recent;
pub use replay::MAX_MISSED_BYTES;
pub use room::{Claim, Limits, MediaSeat, NewWindow, Refusal, Resumed, Room, Seat, Whereabouts};
