//! What goes over the wire: codes, the payloads clients send, the payloads they get.
//!
//! The shapes here are the contract with every client. They are the same on all transports
//! of Socket.IO; nothing in this module knows how a payload is framed or carried.

mod answer;
mod catalogue;
mod chat;
mod code;
mod command;
mod event;
mod fields;
mod foreign;
mod ice;
mod payload;
mod requests;
mod rtc;
mod secret;
mod sfu;
mod texts;

pub use answer::{ErrorEvent, OkAck, RefreshAck, RefusedAck, RoomAck, SubscribeAck};
pub use catalogue::{
    CLIENT_EVENTS, Carried, ClientEvent, REFUSED, SERVER_EVENTS, SchemaOf, ServerEvent, schema_of,
};
pub use chat::{ChatAck, ChatPayload, HistoryAck};
pub use code::{ErrorCode, WireError};
pub use command::{
    Command, Decoded, check_body, check_label, client_message_id, decode, decode_object,
    subscription,
};
pub use event::EventSource;
pub use fields::{Fields, MAX_DEPTH, text_of};
pub use foreign::TYPESCRIPT;
pub(crate) use foreign::{Candidate, Description, DescriptionInit, RelayBody, TypedDescription};
pub use ice::{IceServers, IceServersPayload, TurnCredentials, TurnUris};
pub use payload::{DrainingPayload, ExpiringPayload, Payload, event_name};
pub(crate) use requests::{Subscribe, Unsubscribe};
pub use rtc::RtcState;
pub use secret::Secret;
pub use sfu::{SfuAnswer, SfuRequest};
pub(crate) use texts::{ChatText, ClientMessageId, Filled, Reason, RoomCodeText};
