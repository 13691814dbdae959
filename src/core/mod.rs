//! The rules of a room: who is in it, who hosts it, who may say what to whom, and what
//! happens to a peer whose connection is lost.
//!
//! Everything here is pure. A [`Room`] is told what happened and what time it is, and answers
//! by handing [`Event`]s to an [`Outbox`]. It opens no socket, reads no clock, draws no random
//! number and knows no wire format, which is what lets the property tests run thousands of
//! histories through the very code that serves.

mod chat;
mod event;
mod ids;
mod outbox;
mod peer;
mod replay;
mod room;

pub use chat::{ChatDraft, ChatError, ChatMessage, HistoryQuery, MAX_CHAT_CHARS};
pub use event::{Event, LeaveReason, Mode, PeerInfo, RelayKind, Welcome};
pub use ids::{
    InvalidResumeToken, InvalidRoomCode, PeerId, ResumeSecret, ResumeToken, RoomCode, RoomId,
    UserId,
};
pub use outbox::{CutReason, Outbox, Sent};
pub use peer::{Member, Newcomer};
pub use room::{Claim, Limits, Refusal, Resumed, Room, Seat};
