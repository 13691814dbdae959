//! What clients of `/ws` send, described for the schemas.

#![expect(
    dead_code,
    reason = "they describe what is read by hand, and are never made"
)]

use schemars::JsonSchema;

use super::frames::MAX_NAME_CHARS;
use crate::protocol::{
    Candidate, ChatText, ClientMessageId, Description, Filled, Reason, RoomCodeText, Subscribe,
    Unsubscribe,
};

/// A frame of a client, as [`Incoming`](super::frames::Incoming) reads it. In all but `join`, `room`
/// and `sender` are those that were joined with.
#[derive(JsonSchema)]
#[serde(
    tag = "type",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub(in crate::websocket) enum Asked {
    /// Joins a room under a name.
    Join {
        room: RoomCodeText,
        sender: Name,
        payload: Option<Returning>,
    },
    /// Leaves the room.
    Leave { room: String, sender: String },
    /// An offer, for one peer or all others.
    Offer {
        room: String,
        sender: String,
        /// A name, a peer or a user.
        recipient: Option<Filled>,
        #[schemars(with = "Description")]
        payload: (),
    },
    /// An answer, for one peer or all others.
    Answer {
        room: String,
        sender: String,
        /// A name, a peer or a user.
        recipient: Option<Filled>,
        #[schemars(with = "Description")]
        payload: (),
    },
    /// An ICE candidate, for one peer or all others.
    IceCandidate(CandidateFrame),
    /// The same.
    Candidate(CandidateFrame),
    /// The same.
    Ice(CandidateFrame),
    /// Says something to the whole room.
    Chat {
        room: String,
        sender: String,
        payload: Saying,
    },
    /// Removes a peer; for the host.
    Kick {
        room: String,
        sender: String,
        /// A name, a peer or a user.
        recipient: Filled,
        payload: Option<Kicking>,
    },
    /// Makes another peer the host; for the host.
    HostChange {
        room: String,
        sender: String,
        /// A name, a peer or a user.
        recipient: Filled,
    },
    /// Subscribes to a backend channel.
    Subscribe(Subscribe),
    /// Ends a subscription.
    Unsubscribe(Unsubscribe),
    /// Says which peer the client was. The token may be in `payload` too.
    #[schemars(extend("anyOf" = [
        {"required": ["resumeToken"]},
        {"required": ["payload"], "properties": {"payload": {"required": ["resumeToken"]}}},
    ]))]
    Resume {
        #[schemars(with = "String")]
        #[serde(skip_serializing_if = "Option::is_none", default)]
        resume_token: Option<()>,
        payload: Option<Returning>,
    },
    /// Extends the session with a newer token of the same user. It may be in `payload` too.
    #[schemars(extend("anyOf" = [
        {"required": ["token"]},
        {"required": ["payload"], "properties": {"payload": {"required": ["token"]}}},
    ]))]
    Auth {
        #[schemars(with = "String")]
        #[serde(skip_serializing_if = "Option::is_none", default)]
        token: Option<()>,
        payload: Option<NewToken>,
    },
}

/// The name by which the others reach a client.
#[derive(JsonSchema)]
#[schemars(inline, transparent)]
pub(in crate::websocket) struct Name(
    #[schemars(
        length(min = 1, max = MAX_NAME_CHARS),
        regex(pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")
    )]
    String,
);

/// A candidate; without one it is the end of candidates.
#[derive(JsonSchema)]
#[schemars(inline)]
pub(in crate::websocket) struct CandidateFrame {
    room: String,
    sender: String,
    /// A name, a peer or a user.
    recipient: Option<Filled>,
    #[schemars(with = "Option<Candidate>")]
    payload: Option<()>,
}

/// Which peer a client was.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub(in crate::websocket) struct Returning {
    resume_token: Option<String>,
}

/// A newer token.
#[derive(JsonSchema)]
#[schemars(inline)]
pub(in crate::websocket) struct NewToken {
    token: Option<String>,
}

/// What a peer that is removed is told.
#[derive(JsonSchema)]
#[schemars(inline)]
pub(in crate::websocket) struct Kicking {
    reason: Option<Reason>,
}

/// What is said: the text, alone or in an object.
#[derive(JsonSchema)]
#[serde(untagged, rename_all_fields = "camelCase")]
#[schemars(inline)]
pub(in crate::websocket) enum Saying {
    Text(ChatText),
    Message {
        content: ChatText,
        client_message_id: Option<ClientMessageId>,
    },
}
