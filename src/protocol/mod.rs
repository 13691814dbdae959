//! What goes over the wire: codes, the payloads clients send, the payloads they get.
//!
//! The shapes here are the contract with every client. They are the same on all transports
//! of Socket.IO; nothing in this module knows how a payload is framed or carried.

mod chat;
mod code;
mod command;
mod fields;
mod ice;
mod payload;
mod sfu;

pub use chat::{ChatAck, ChatPayload, HistoryAck};
pub use code::{ErrorCode, WireError};
pub use command::{
    Command, Decoded, check_body, check_label, client_message_id, decode, decode_object,
    subscription,
};
pub use fields::{Fields, text_of};
pub use ice::{IceServers, IceServersPayload, TurnCredentials, TurnUris};
pub use payload::{
    DrainingPayload, ErrorEvent, ExpiringPayload, OkAck, Payload, RefreshAck, RoomAck,
    SubscribeAck, event_name,
};
pub use sfu::{SfuAnswer, SfuRequest};
