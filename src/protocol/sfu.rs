//! The `sfu_*` events: what clients ask of the media server, and what they are answered.
//!
//! The shapes are those of mediasoup-client. What only client and media server have to understand
//! (rtpParameters, dtlsParameters, …) stays the JSON text that was sent.

use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::{
    Decoded, WireError,
    answer::{Done, OkAck},
    fields::Fields,
    foreign::{AppData, MediaObject},
    payload::display,
};
use crate::core::{Direction, MediaKind, PeerId, ProducerInfo};

/// The longest id of a transport, producer or consumer, in bytes. A media server gives UUIDs.
pub(super) const MAX_ID: usize = 128;

/// The most that a client may say of a producer, in bytes of JSON: all others get it, and all
/// nodes keep it.
const MAX_APP_DATA: usize = 4 * 1024;

/// What is said of a producer of which nothing was said.
const NO_APP_DATA: &str = "{}";

/// What a client asks of the media server.
#[derive(Debug)]
pub enum SfuRequest {
    /// `sfu_get_router_capabilities`.
    RouterCapabilities,
    /// `sfu_create_transport`.
    CreateTransport {
        /// Which way it is to go.
        direction: Direction,
        /// What the client can do of SCTP, if it wants data channels.
        sctp: Option<Box<RawValue>>,
    },
    /// `sfu_connect_transport`.
    ConnectTransport {
        /// Which.
        transport: Box<str>,
        /// The client's side of DTLS.
        dtls: Box<RawValue>,
    },
    /// `sfu_restart_ice`.
    RestartIce {
        /// On which transport.
        transport: Box<str>,
    },
    /// `sfu_produce`.
    Produce {
        /// On which transport.
        transport: Box<str>,
        /// What.
        kind: MediaKind,
        /// How it is encoded.
        rtp: Box<RawValue>,
        /// What the client says of it: a JSON object.
        app_data: Box<RawValue>,
    },
    /// `sfu_pause_producer` and `sfu_resume_producer`.
    PauseProducer {
        /// Which.
        producer: Box<str>,
        /// Whether it is to be silent.
        paused: bool,
    },
    /// `sfu_close_producer`.
    CloseProducer {
        /// Which.
        producer: Box<str>,
    },
    /// `sfu_consume`.
    Consume {
        /// On which transport.
        transport: Box<str>,
        /// What.
        producer: Box<str>,
        /// What the client can decode.
        rtp_capabilities: Box<RawValue>,
    },
    /// `sfu_resume_consumer`.
    ResumeConsumer {
        /// Which.
        consumer: Box<str>,
    },
    /// `sfu_get_producers`.
    Producers,
}

impl SfuRequest {
    /// Reads the payload of the event called `name`; nothing if it is no event of the media
    /// server.
    ///
    /// # Errors
    /// `INVALID_PAYLOAD`, with a message that starts with the name of the field at fault.
    pub(super) fn read(name: &str, payload: &Decoded<'_>) -> Result<Option<Self>, WireError> {
        Ok(Some(match name {
            "sfu_get_router_capabilities" => Self::RouterCapabilities,
            "sfu_get_producers" => Self::Producers,
            "sfu_create_transport" => create_transport(payload.fields()?)?,
            "sfu_connect_transport" => {
                let fields = payload.fields()?;
                Self::ConnectTransport {
                    transport: id(fields, "transportId")?,
                    dtls: object(fields, "dtlsParameters")?,
                }
            }
            "sfu_restart_ice" => Self::RestartIce {
                transport: id(payload.fields()?, "transportId")?,
            },
            "sfu_produce" => produce(payload.fields()?)?,
            "sfu_pause_producer" | "sfu_resume_producer" => Self::PauseProducer {
                producer: id(payload.fields()?, "producerId")?,
                paused: name == "sfu_pause_producer",
            },
            "sfu_close_producer" => Self::CloseProducer {
                producer: id(payload.fields()?, "producerId")?,
            },
            "sfu_consume" => {
                let fields = payload.fields()?;
                Self::Consume {
                    transport: id(fields, "transportId")?,
                    producer: id(fields, "producerId")?,
                    rtp_capabilities: object(fields, "rtpCapabilities")?,
                }
            }
            "sfu_resume_consumer" => Self::ResumeConsumer {
                consumer: id(payload.fields()?, "consumerId")?,
            },
            _ => return Ok(None),
        }))
    }

    /// Whether what is asked has to be done in the order in which it was asked.
    pub const fn is_ordered(&self) -> bool {
        !matches!(
            self,
            Self::RouterCapabilities
                | Self::Producers
                | Self::Consume { .. }
                | Self::ResumeConsumer { .. }
        )
    }

    /// Roughly what it costs to keep the request, in bytes.
    pub fn weight(&self) -> usize {
        /// Ids, pointers and the slot in the queue.
        const OVERHEAD: usize = 256;
        OVERHEAD
            + match self {
                Self::CreateTransport { sctp, .. } => {
                    sctp.as_ref().map_or(0, |sctp| sctp.get().len())
                }
                Self::ConnectTransport { dtls, .. } => dtls.get().len(),
                Self::Produce { rtp, app_data, .. } => rtp.get().len() + app_data.get().len(),
                Self::Consume {
                    rtp_capabilities, ..
                } => rtp_capabilities.get().len(),
                _ => 0,
            }
    }
}

fn create_transport(fields: &Fields<'_>) -> Result<SfuRequest, WireError> {
    let direction = match &*fields.required_text("direction")? {
        "send" => Direction::Send,
        "recv" => Direction::Recv,
        _ => return Err(WireError::invalid("direction", "must be send or recv")),
    };
    let sctp = fields.optional("sctpCapabilities");
    let sctp = sctp.map(|_| object(fields, "sctpCapabilities"));
    Ok(SfuRequest::CreateTransport {
        direction,
        sctp: sctp.transpose()?,
    })
}

fn produce(fields: &Fields<'_>) -> Result<SfuRequest, WireError> {
    let transport = id(fields, "transportId")?;
    let kind = match &*fields.required_text("kind")? {
        "audio" => MediaKind::Audio,
        "video" => MediaKind::Video,
        _ => return Err(WireError::invalid("kind", "must be audio or video")),
    };
    let rtp = object(fields, "rtpParameters")?;
    let app_data = match fields.optional("appData") {
        Some(_) => object(fields, "appData")?,
        None => RawValue::from_string(NO_APP_DATA.to_owned()).unwrap_or_default(),
    };
    if app_data.get().len() > MAX_APP_DATA {
        let must = format!("must be at most {MAX_APP_DATA} bytes");
        return Err(WireError::invalid("appData", must));
    }
    Ok(SfuRequest::Produce {
        transport,
        kind,
        rtp,
        app_data,
    })
}

fn id(fields: &Fields<'_>, name: &str) -> Result<Box<str>, WireError> {
    let id = fields.required_text(name)?;
    if id.is_empty() || id.len() > MAX_ID || id.chars().any(char::is_control) {
        let must = format!("must be 1 to {MAX_ID} characters");
        return Err(WireError::invalid(name, must));
    }
    Ok(id.into())
}

fn object(fields: &Fields<'_>, name: &str) -> Result<Box<RawValue>, WireError> {
    let value = fields.required(name)?;
    if !value.get().starts_with('{') {
        return Err(WireError::invalid(name, "must be an object"));
    }
    Ok(value.to_owned())
}

/// What a client is answered. All of it but what the gateway itself knows is the JSON text that
/// the media server gave.
#[derive(Debug)]
pub enum SfuAnswer {
    /// It is done.
    Done,
    /// What the media server can do.
    Capabilities(Box<RawValue>),
    /// A transport, with what the client needs for its side: a JSON object.
    Transport(Box<RawValue>),
    /// What the client needs to find the media server anew.
    Ice(Box<RawValue>),
    /// What is sent, has this id.
    Produced(Box<str>),
    /// A consumer, with what the client needs to receive: a JSON object.
    Consumer(Box<RawValue>),
    /// What the others send.
    Producers(Vec<ProducerInfo>),
}

impl Serialize for SfuAnswer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let status = Done::Ok;
        match self {
            Self::Done => OkAck::default().serialize(serializer),
            Self::Produced(id) => ProducedAck { status, id }.serialize(serializer),
            Self::Capabilities(rtp_capabilities) => CapabilitiesAck {
                status,
                rtp_capabilities,
            }
            .serialize(serializer),
            Self::Ice(ice_parameters) => IceAck {
                status,
                ice_parameters,
            }
            .serialize(serializer),
            Self::Producers(producers) => ProducersAck {
                status,
                producers: producers.iter().map(ListedProducer::from).collect(),
            }
            .serialize(serializer),
            Self::Transport(object) | Self::Consumer(object) => {
                merge_status(object).serialize(serializer)
            }
        }
    }
}

/// The acknowledgement of `sfu_get_router_capabilities`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CapabilitiesAck<'a> {
    status: Done,
    #[schemars(with = "MediaObject")]
    rtp_capabilities: &'a RawValue,
}

/// The acknowledgement of `sfu_restart_ice`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct IceAck<'a> {
    status: Done,
    #[schemars(with = "MediaObject")]
    ice_parameters: &'a RawValue,
}

/// The acknowledgement of `sfu_produce`.
#[derive(Serialize, JsonSchema)]
pub(super) struct ProducedAck<'a> {
    status: Done,
    /// The producer's id.
    id: &'a str,
}

/// The acknowledgement of `sfu_get_producers`.
#[derive(Serialize, JsonSchema)]
pub(super) struct ProducersAck<'a> {
    status: Done,
    /// Those of the others.
    producers: Vec<ListedProducer<'a>>,
}

/// The members of a JSON object after `"status":"ok"`. Where the media server says something of
/// a status itself, it is the last that counts: the answers given here have none.
fn merge_status(object: &RawValue) -> Box<RawValue> {
    let members = object.get().trim_start().trim_start_matches('{');
    let separator = if members.trim_start().starts_with('}') {
        ""
    } else {
        ","
    };
    let merged = format!("{{\"status\":\"ok\"{separator}{members}");
    RawValue::from_string(merged).unwrap_or_default()
}

/// `sfu_new_producer`: media that another peer sends.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "NewProducer")]
pub(super) struct ProducerPayload<'a> {
    producer_id: &'a str,
    /// Who sends.
    #[serde(serialize_with = "display")]
    peer_id: PeerId,
    kind: MediaKind,
    #[serde(serialize_with = "json_text")]
    #[schemars(with = "AppData")]
    app_data: &'a str,
}

/// An item of a list of producers.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ProducerInfo")]
pub(super) struct ListedProducer<'a> {
    #[serde(flatten)]
    producer: ProducerPayload<'a>,
    /// Its client sends nothing for now.
    paused: bool,
}

impl<'a> ProducerPayload<'a> {
    /// As the news that it is there.
    pub(super) fn news(info: &'a ProducerInfo) -> Self {
        Self {
            producer_id: &info.producer.id,
            peer_id: info.peer,
            kind: info.producer.kind,
            app_data: &info.producer.app_data,
        }
    }
}

impl<'a> From<&'a ProducerInfo> for ListedProducer<'a> {
    fn from(info: &'a ProducerInfo) -> Self {
        Self {
            producer: ProducerPayload::news(info),
            paused: info.producer.paused,
        }
    }
}

/// `sfu_producer_closed`: another peer sends something no more.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ProducerClosed")]
pub(super) struct ProducerClosedPayload<'a> {
    pub(super) producer_id: &'a str,
    #[serde(serialize_with = "display")]
    pub(super) peer_id: PeerId,
}

/// Writes text that is JSON as the value it stands for.
fn json_text<S: Serializer>(text: &str, to: S) -> Result<S::Ok, S::Error> {
    let value: Option<&RawValue> = serde_json::from_str(text).ok();
    value.serialize(to)
}

#[cfg(test)]
#[path = "tests/sfu.rs"]
mod tests;
