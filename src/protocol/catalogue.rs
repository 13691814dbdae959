//! All events of Socket.IO, each with the schema of what goes with it. The events of backends are
//! not among them: which there are is configured.

use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::{
    ChatAck, ChatPayload, DrainingPayload, ErrorEvent, ExpiringPayload, HistoryAck,
    IceServersPayload, OkAck, RefreshAck, RoomAck, SubscribeAck,
    payload::{
        AnswerPayload, CandidatePayload, HostPayload, KickedPayload, ModePayload, OfferPayload,
        PeerJoinedPayload, PeerLeftPayload, ResumedPayload, RoomPayload,
    },
    requests as r,
    sfu::{
        CapabilitiesAck, IceAck, ProducedAck, ProducerClosedPayload, ProducerPayload, ProducersAck,
    },
};

/// Makes the schema of a type.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// The schema of `T`, by reference where it has a name.
pub fn schema_of<T: JsonSchema + ?Sized>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// What an event of a client carries.
#[derive(Clone, Copy, Debug)]
pub enum Carried {
    /// Nothing; whatever is there is ignored.
    Nothing,
    /// This, or nothing.
    Maybe(SchemaOf),
    /// This.
    Always(SchemaOf),
}

/// An event that clients send.
#[derive(Clone, Copy, Debug)]
pub struct ClientEvent {
    /// Its name.
    pub name: &'static str,
    /// Another spelling of it.
    pub alias: Option<&'static str>,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// Its first argument.
    pub payload: Carried,
    /// The acknowledgement, if it is not refused.
    pub answer: SchemaOf,
}

/// An event that the gateway sends.
#[derive(Clone, Copy, Debug)]
pub struct ServerEvent {
    /// Its name.
    pub name: &'static str,
    /// What it says, in a sentence.
    pub summary: &'static str,
    /// Its first argument.
    pub payload: SchemaOf,
}

const fn takes<T: JsonSchema, A: JsonSchema>(
    name: &'static str,
    summary: &'static str,
) -> ClientEvent {
    ClientEvent {
        name,
        alias: None,
        summary,
        payload: Carried::Always(schema_of::<T>),
        answer: schema_of::<A>,
    }
}

const fn asks<A: JsonSchema>(name: &'static str, summary: &'static str) -> ClientEvent {
    ClientEvent {
        payload: Carried::Nothing,
        ..takes::<(), A>(name, summary)
    }
}

impl ClientEvent {
    const fn or(self, alias: &'static str) -> Self {
        Self {
            alias: Some(alias),
            ..self
        }
    }
}

const fn tells<T: JsonSchema>(name: &'static str, summary: &'static str) -> ServerEvent {
    ServerEvent {
        name,
        summary,
        payload: schema_of::<T>,
    }
}

/// The acknowledgement of whatever is refused.
pub const REFUSED: SchemaOf = schema_of::<super::RefusedAck<'_>>;

/// All that clients may send.
pub const CLIENT_EVENTS: &[ClientEvent] = &[
    takes::<r::JoinRoom, RoomAck<'_>>(
        "join:room",
        "Joins a room, and leaves the former one. Joining the room one is in changes nothing.",
    )
    .or("join_room"),
    asks::<OkAck>("leave:room", "Leaves the room.").or("leave_room"),
    takes::<r::SendOffer, OkAck>("webrtc:offer", "Hands an offer to a peer of the same room.")
        .or("webrtc_offer"),
    takes::<r::SendAnswer, OkAck>(
        "webrtc:answer",
        "Hands an answer to a peer of the same room.",
    )
    .or("webrtc_answer"),
    takes::<r::SendCandidate, OkAck>(
        "webrtc:ice",
        "Hands an ICE candidate to a peer of the same room.",
    )
    .or("webrtc_ice"),
    takes::<r::ReportState, OkAck>(
        "webrtc:state",
        "Reports how a peer connection is. Nobody is told: the gateway keeps figures of it.",
    ),
    takes::<r::SendChat, ChatAck>(
        "chat_message",
        "Says something to the whole room, the sender included.",
    ),
    ClientEvent {
        payload: Carried::Maybe(schema_of::<r::AskHistory>),
        ..takes::<(), HistoryAck<'_>>(
            "chat_history",
            "Asks what was said in the room. The answer is the acknowledgement, so there must be one.",
        )
    },
    asks::<OkAck>("heartbeat", "Refreshes the presence of the user."),
    takes::<r::KickPeer, OkAck>("peer:kick", "Removes a peer from the room; for its host."),
    takes::<r::ChangeHost, OkAck>(
        "host:change",
        "Makes another peer the host of the room; for its host.",
    ),
    takes::<r::RefreshAuth, RefreshAck>(
        "auth:refresh",
        "Extends the session with a newer token of the same user.",
    ),
    takes::<r::Subscribe, SubscribeAck<'_>>("subscribe", "Subscribes to a backend channel."),
    takes::<r::Unsubscribe, OkAck>("unsubscribe", "Ends a subscription."),
    asks::<CapabilitiesAck<'_>>(
        "sfu_get_router_capabilities",
        "Asks what the media server can do.",
    ),
    takes::<r::CreateTransport, r::TransportAck>(
        "sfu_create_transport",
        "Makes a transport to or from the media server.",
    ),
    takes::<r::ConnectTransport, OkAck>("sfu_connect_transport", "Connects a transport."),
    takes::<r::OfTransport, IceAck<'_>>("sfu_restart_ice", "Restarts ICE on a transport."),
    takes::<r::Produce, ProducedAck<'_>>("sfu_produce", "Sends media."),
    takes::<r::OfProducer, OkAck>("sfu_pause_producer", "Sends nothing for now."),
    takes::<r::OfProducer, OkAck>("sfu_resume_producer", "Sends again."),
    takes::<r::OfProducer, OkAck>("sfu_close_producer", "Sends no more."),
    asks::<ProducersAck<'_>>("sfu_get_producers", "Asks what the others send."),
    takes::<r::Consume, r::ConsumerAck>("sfu_consume", "Receives media, paused at first."),
    takes::<r::OfConsumer, OkAck>("sfu_resume_consumer", "Starts to receive."),
];

/// All that the gateway sends, but acknowledgements and what backends say.
pub const SERVER_EVENTS: &[ServerEvent] = &[
    tells::<RoomPayload<'_>>("room:joined", "The client is in the room."),
    tells::<ResumedPayload<'_>>(
        "room:resumed",
        "The client is the same peer again; what it missed follows, in order.",
    ),
    tells::<ModePayload<'_>>("room:mode", "Media flows otherwise from now on."),
    tells::<KickedPayload<'_>>("room:kicked", "The host removed the client from the room."),
    tells::<PeerJoinedPayload<'_>>("peer:joined", "Another peer came."),
    tells::<PeerLeftPayload>("peer:left", "Another peer is gone."),
    tells::<HostPayload>("host:changed", "Somebody else hosts the room now."),
    tells::<OfferPayload<'_>>("webrtc:offer", "An offer from another peer."),
    tells::<AnswerPayload<'_>>("webrtc:answer", "An answer from another peer."),
    tells::<CandidatePayload<'_>>("webrtc:ice", "An ICE candidate from another peer."),
    tells::<ChatPayload<'_>>("chat_message", "Something was said in the room."),
    tells::<ProducerPayload<'_>>("sfu_new_producer", "Another peer sends media."),
    tells::<ProducerClosedPayload<'_>>(
        "sfu_producer_closed",
        "Another peer sends something no more.",
    ),
    tells::<IceServersPayload<'_>>(
        "ice:servers",
        "Newer credentials for TURN servers, before the former expire.",
    ),
    tells::<ErrorEvent<'_>>(
        "error",
        "An event that asked for no acknowledgement was refused.",
    ),
    tells::<ExpiringPayload>(
        "auth:expiring",
        "The session is about to end, unless a newer token comes.",
    ),
    tells::<DrainingPayload>(
        "server:draining",
        "The node stops: the client is to connect again after this time.",
    ),
];

#[cfg(test)]
#[path = "tests/catalogue.rs"]
mod tests;
