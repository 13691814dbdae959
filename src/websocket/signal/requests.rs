//! What clients of `/signal` send, described for the schemas.

#![expect(
    dead_code,
    reason = "they describe what is read by hand, and are never made"
)]

use schemars::JsonSchema;

use crate::protocol::{
    Candidate, ChatText, ClientMessageId, Filled, Reason, Subscribe, TypedDescription, Unsubscribe,
};

/// A frame of a client, as [`Incoming`](super::frames::Incoming) reads it.
#[derive(JsonSchema)]
#[serde(
    tag = "type",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub(in crate::websocket) enum Asked {
    /// A session description, for one peer or all others.
    Sdp {
        sender_id: String,
        /// A user or a peer.
        target_id: Option<Filled>,
        #[schemars(with = "TypedDescription")]
        sdp: (),
    },
    /// An ICE candidate, for one peer or all others.
    Ice {
        sender_id: String,
        /// A user or a peer.
        target_id: Option<Filled>,
        #[schemars(required, with = "Candidate")]
        candidate: (),
    },
    /// Makes another peer the host; for the host.
    HostChange {
        sender_id: String,
        /// A user or a peer.
        host_id: Filled,
    },
    /// Removes a peer; for the host.
    Kick {
        sender_id: String,
        /// A user or a peer.
        target_id: Filled,
        reason: Option<Reason>,
    },
    /// Says something to the whole room.
    Chat {
        sender_id: String,
        content: ChatText,
        client_message_id: Option<ClientMessageId>,
    },
    /// Says, as the first frame, which peer the client was.
    Resume {
        sender_id: Option<String>,
        resume_token: String,
    },
    /// Extends the session with a newer token of the same user.
    Auth {
        sender_id: Option<String>,
        token: String,
    },
    /// Subscribes to a backend channel.
    Subscribe(Subscribe),
    /// Ends a subscription.
    Unsubscribe(Unsubscribe),
    /// Leaves the room and ends the connection.
    Leave { sender_id: Option<String> },
}
