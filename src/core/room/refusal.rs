//! What a room says no with.

use thiserror::Error;

use crate::core::ChatError;

/// Why a room does not do what it is asked.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// The asking connection speaks for no peer of this room.
    #[error("join a room first")]
    NotInRoom,
    /// The room has no such peer: it may be in another room, gone, or never have been.
    #[error("no such peer in this room")]
    PeerNotFound,
    /// There is no place left.
    #[error("the room is full")]
    RoomFull,
    /// Another peer of the room goes by that name, or is that user.
    #[error("this name is taken in the room")]
    NameTaken,
    /// Only the host may.
    #[error("only the host of the room may do this")]
    NotHost,
    /// A host leaves a room by leaving it.
    #[error("a host cannot remove itself")]
    SelfKick,
    /// The room is a mesh: it has no media server.
    #[error("the room does not use a media server")]
    NotSfu,
    /// The room is not on the same media server any more.
    #[error("the media server has changed")]
    MediaGone,
    /// The transport, producer or consumer is not the peer's own, or is not there.
    #[error("no such transport, producer or consumer of this peer")]
    NotOwner,
    /// The transport goes the other way.
    #[error("transportId must be of a transport of the other direction")]
    WrongDirection,
    /// Nobody in the room sends that.
    #[error("no such producer in this room")]
    NoProducer,
    /// See [`MAX_TRANSPORTS`](crate::core::MAX_TRANSPORTS).
    #[error("too many transports")]
    TooManyTransports,
    /// See [`MAX_PRODUCERS`](crate::core::MAX_PRODUCERS).
    #[error("too many producers")]
    TooManyProducers,
    /// See [`MAX_CONSUMERS`](crate::core::MAX_CONSUMERS).
    #[error("too many consumers")]
    TooManyConsumers,
    /// The text cannot be sent.
    #[error("content {0}")]
    Chat(#[from] ChatError),
}
