//! What clients send, described. It is read by hand ([`Command::read`](super::Command::read)), so
//! that each error can name the field at fault; these types say the same for the schemas, and
//! the tests with real clients compare the two.

#![expect(
    dead_code,
    reason = "they describe what is read by hand, and are never made"
)]

use schemars::JsonSchema;
use uuid::Uuid;

use super::{
    answer::Done,
    command::MAX_HISTORY,
    foreign::{AppData, Candidate, Description, MediaList, MediaObject},
    rtc::RtcState,
    texts::{ChatText, ClientMessageId, Filled, MediaId, OffsetText, Reason, RoomCodeText},
};
use crate::core::{Direction, MediaKind, channels::MAX_REPLAY};

/// The room to join.
#[derive(JsonSchema)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub(super) enum JoinRoom {
    /// As people know it.
    #[schemars(title = "JoinByCode")]
    Code { room_code: RoomCodeText },
    /// Another spelling.
    #[schemars(title = "JoinById", extend("not" = {"required": ["roomCode"]}))]
    Id { room_id: RoomCodeText },
}

/// An offer for another peer of the room.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SendOffer {
    /// The peer that is meant.
    target_peer_id: Filled,
    #[schemars(with = "Description")]
    offer: (),
}

/// An answer for another peer of the room.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SendAnswer {
    /// The peer that is meant.
    target_peer_id: Filled,
    #[schemars(with = "Description")]
    answer: (),
}

/// A candidate for another peer of the room.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SendCandidate {
    /// The peer that is meant.
    target_peer_id: Filled,
    #[schemars(required, with = "Candidate")]
    candidate: (),
}

/// How a peer connection is, for the figures of the gateway.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReportState {
    /// `connectionState` of the `RTCPeerConnection`, or of a transport to the media server.
    state: RtcState,
    /// The peer at its other end; none for the media server.
    target_peer_id: Option<String>,
}

/// A message for the whole room.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SendChat {
    content: ChatText,
    client_message_id: Option<ClientMessageId>,
}

/// Which messages of the room.
#[derive(JsonSchema)]
pub(super) struct AskHistory {
    /// Those before the message with this id; without it the newest.
    before: Option<Uuid>,
    #[schemars(range(min = 1, max = MAX_HISTORY))]
    limit: Option<u64>,
}

/// Whom to remove from the room.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct KickPeer {
    /// The peer that is meant.
    target_peer_id: Filled,
    reason: Option<Reason>,
}

/// Whom to make the host.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChangeHost {
    /// The peer that is meant.
    target_peer_id: Filled,
}

/// A newer token of the same user.
#[derive(JsonSchema)]
pub(super) struct RefreshAuth {
    token: String,
}

/// A backend channel, or a part of one. Of `since` and `last` there may be one.
#[derive(JsonSchema)]
#[schemars(extend("not" = {
    "required": ["since", "last"],
    "properties": {"since": {"type": "string"}, "last": {"type": "integer"}},
}))]
pub(crate) struct Subscribe {
    channel: String,
    /// The `offset` of the last event that was heard: what came after it is told first.
    since: Option<OffsetText>,
    /// So many of the last events are told first.
    #[schemars(range(min = 0, max = MAX_REPLAY))]
    last: Option<u64>,
}

/// A backend channel that was subscribed to.
#[derive(JsonSchema)]
pub(crate) struct Unsubscribe {
    channel: String,
}

/// A transport to make.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateTransport {
    direction: Direction,
    /// For data channels.
    #[schemars(with = "Option<MediaObject>")]
    sctp_capabilities: Option<()>,
}

/// The client's side of a transport.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConnectTransport {
    transport_id: MediaId,
    #[schemars(with = "MediaObject")]
    dtls_parameters: (),
}

/// A transport that was made.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct OfTransport {
    transport_id: MediaId,
}

/// Media to send.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Produce {
    transport_id: MediaId,
    kind: MediaKind,
    #[schemars(with = "MediaObject")]
    rtp_parameters: (),
    /// What the others are to know of it, at most 4 KiB.
    #[schemars(with = "Option<AppData>")]
    app_data: Option<()>,
}

/// Media that the client sends.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct OfProducer {
    producer_id: MediaId,
}

/// Media to receive.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Consume {
    transport_id: MediaId,
    producer_id: MediaId,
    #[schemars(with = "MediaObject")]
    rtp_capabilities: (),
}

/// Media that the client receives.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct OfConsumer {
    consumer_id: MediaId,
}

/// The acknowledgement of `sfu_create_transport`, as the media server gave it.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("additionalProperties" = true))]
pub(super) struct TransportAck {
    status: Done,
    id: String,
    #[schemars(with = "MediaObject")]
    ice_parameters: (),
    #[schemars(with = "MediaList")]
    ice_candidates: (),
    #[schemars(with = "MediaObject")]
    dtls_parameters: (),
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<MediaObject>")]
    sctp_parameters: Option<()>,
}

/// The acknowledgement of `sfu_consume`, as the media server gave it. The consumer is paused.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("additionalProperties" = true))]
pub(super) struct ConsumerAck {
    status: Done,
    id: String,
    producer_id: String,
    kind: MediaKind,
    #[schemars(with = "MediaObject")]
    rtp_parameters: (),
}
