//! What can be asked of a media server. Bodies that only it and the client have to understand
//! are handed on as the JSON text they are.

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;
use reqwest::Method;
use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::value::RawValue;

use super::{MediaError, MediaServer};
use crate::{
    core::{Direction, MediaKind, PeerId, RoomId},
    services::http::Call,
};

/// How long a call may take. Clients wait for it.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The longest id that is taken from a media server, in bytes.
const MAX_ID: usize = 128;

/// A peer on a media server.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The room.
    pub room: &'a RoomId,
    /// The peer, which the API calls a broadcaster.
    pub peer: PeerId,
}

/// Something new on a media server.
#[derive(Debug)]
pub struct Made {
    /// Its id.
    pub id: Box<str>,
    /// All that the media server said of it: a JSON object.
    pub json: Box<RawValue>,
}

/// What a call is: its name in metrics, and where it goes below the peer.
struct Step<'a> {
    operation: &'static str,
    method: Method,
    below: &'a [&'a str],
    query: Option<(&'a str, &'a str)>,
}

impl<'a> Step<'a> {
    const fn post(operation: &'static str, below: &'a [&'a str]) -> Self {
        Self {
            operation,
            method: Method::POST,
            below,
            query: None,
        }
    }
}

impl MediaServer {
    /// What it can do in a room (RtpCapabilities).
    ///
    /// # Errors
    /// See [`MediaError`].
    pub async fn capabilities(&self, room: &RoomId) -> Result<Box<RawValue>, MediaError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Wrapped {
            rtp_capabilities: Box<RawValue>,
        }
        let body = self.ask_for_room(room).await?;
        // Some say it of the room as one of several things.
        let whole = self.object(CAPABILITIES, &body)?;
        match serde_json::from_str(whole.get()) {
            Ok(Wrapped { rtp_capabilities }) => Ok(rtp_capabilities),
            Err(_) => Ok(whole),
        }
    }

    /// Whether it knows a room.
    ///
    /// # Errors
    /// See [`MediaError`].
    pub async fn knows(&self, room: &RoomId) -> Result<bool, MediaError> {
        match self.ask_for_room(room).await {
            Ok(_) => Ok(true),
            Err(MediaError::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Registers a peer. It is no mistake if it is there already; returns whether it was not.
    ///
    /// # Errors
    /// See [`MediaError`].
    pub async fn register(&self, place: Place<'_>, name: &str) -> Result<bool, MediaError> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Broadcaster<'a> {
            id: String,
            display_name: &'a str,
            device: Device,
        }
        #[derive(Serialize)]
        struct Device {
            name: &'static str,
        }
        let body = Broadcaster {
            id: place.peer.to_string(),
            display_name: name,
            device: Device {
                name: "switchboard",
            },
        };
        let call = Call {
            method: Method::POST,
            path: &["rooms", place.room.as_str(), "broadcasters"],
            query: None,
            body: Some(self.write(&body)),
            timeout: TIMEOUT,
        };
        match self.call("register", call).await {
            Ok(_) => Ok(true),
            Err(MediaError::Conflict(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Closes all that a peer has. It is no mistake if there is nothing.
    ///
    /// # Errors
    /// See [`MediaError`].
    pub async fn close(&self, place: Place<'_>) -> Result<(), MediaError> {
        let step = Step {
            method: Method::DELETE,
            ..Step::post("close", &[])
        };
        match self.done(place, step, None).await {
            Err(MediaError::NotFound(_)) => Ok(()),
            done => done,
        }
    }

    /// Makes a transport.
    ///
    /// # Errors
    /// See [`MediaError`].
    pub async fn create_transport(
        &self,
        place: Place<'_>,
        direction: Direction,
        sctp: Option<&RawValue>,
    ) -> Result<Made, MediaError> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct NewTransport<'a> {
            r#type: &'static str,
            direction: Direction,
            #[serde(skip_serializing_if = "Option::is_none")]
            sctp_capabilities: Option<&'a RawValue>,
        }
        let body = NewTransport {
            r#type: "webrtc",
            direction,
            sctp_capabilities: sctp,
        };
        let step = Step::post("create-transport", &["transports"]);
        self.make(place, step, &body).await
    }

    /// Tells it the client's side of a transport's DTLS.
    ///
    /// # Errors
    /// See [`MediaError`].
    pub async fn connect(
        &self,
        place: Place<'_>,
        transport: &str,
        dtls: &RawValue,
    ) -> Result<(), MediaError> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Connect<'a> {
            dtls_parameters: &'a RawValue,
        }
        let body = self.write(&Connect {
            dtls_parameters: dtls,
        });
        let below = ["transports", transport, "connect"];
        let step = Step::post("connect-transport", &below);
        self.done(place, step, Some(body)).await
    }

    /// Restarts ICE on a transport (RFC 8445, section 9). Returns the new IceParameters.
    ///
    /// # Errors
    /// See [`MediaError`].
    pub async fn restart_ice(
        &self,
        place: Place<'_>,
        transport: &str,
    ) -> Result<Box<RawValue>, MediaError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Restarted {
            ice_parameters: Box<RawValue>,
        }
        let below = ["transports", transport, "restart-ice"];
        let step = Step::post(RESTART_ICE, &below);
        let body = self.step(place, step, Some(NOTHING.to_vec())).await?;
        let restarted: Result<Restarted, _> = serde_json::from_slice(&body);
        let restarted = restarted.map_err(|_| self.broken(RESTART_ICE))?;
        Ok(restarted.ice_parameters)
    }

    /// Makes a producer.
    ///
    /// # Errors
    /// See [`MediaError`].
    pub async fn produce(
        &self,
        place: Place<'_>,
        transport: &str,
        kind: MediaKind,
        rtp: &RawValue,
        app_data: &RawValue,
    ) -> Result<Box<str>, MediaError> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct NewProducer<'a> {
            kind: MediaKind,
            rtp_parameters: &'a RawValue,
            app_data: &'a RawValue,
        }
        let body = NewProducer {
            kind,
            rtp_parameters: rtp,
            app_data,
        };
        let below = ["transports", transport, "producers"];
        let made = self
            .make(place, Step::post("produce", &below), &body)
            .await?;
        Ok(made.id)
    }

    /// Pauses a producer, or lets it go on.
    ///
    /// # Errors
    /// See [`MediaError`].
    pub async fn pause_producer(
        &self,
        place: Place<'_>,
        producer: &str,
        paused: bool,
    ) -> Result<(), MediaError> {
        let (operation, verb) = if paused {
            ("pause-producer", "pause")
        } else {
            ("resume-producer", "resume")
        };
        let below = ["producers", producer, verb];
        let step = Step::post(operation, &below);
        self.done(place, step, Some(NOTHING.to_vec())).await
    }

    /// Closes a producer. It is no mistake if it is not there.
    ///
    /// # Errors
    /// See [`MediaError`].
    pub async fn close_producer(&self, place: Place<'_>, producer: &str) -> Result<(), MediaError> {
        let below = ["producers", producer];
        let step = Step {
            method: Method::DELETE,
            ..Step::post("close-producer", &below)
        };
        match self.done(place, step, None).await {
            Err(MediaError::NotFound(_)) => Ok(()),
            done => done,
        }
    }

    /// Makes a consumer, paused.
    ///
    /// # Errors
    /// See [`MediaError`].
    pub async fn consume(
        &self,
        place: Place<'_>,
        transport: &str,
        producer: &str,
        rtp_capabilities: &RawValue,
    ) -> Result<Made, MediaError> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Consume<'a> {
            rtp_capabilities: &'a RawValue,
        }
        let below = ["transports", transport, "consume"];
        let step = Step {
            query: Some(("producerId", producer)),
            ..Step::post("consume", &below)
        };
        self.make(place, step, &Consume { rtp_capabilities }).await
    }

    /// Lets a consumer begin, or go on.
    ///
    /// # Errors
    /// See [`MediaError`].
    pub async fn resume_consumer(
        &self,
        place: Place<'_>,
        consumer: &str,
    ) -> Result<(), MediaError> {
        let below = ["consumers", consumer, "resume"];
        let step = Step::post("resume-consumer", &below);
        self.done(place, step, Some(NOTHING.to_vec())).await
    }

    async fn ask_for_room(&self, room: &RoomId) -> Result<Bytes, MediaError> {
        let call = Call {
            method: Method::GET,
            path: &["rooms", room.as_str()],
            query: None,
            body: None,
            timeout: TIMEOUT,
        };
        self.call(CAPABILITIES, call).await
    }

    async fn make(
        &self,
        place: Place<'_>,
        step: Step<'_>,
        body: &impl Serialize,
    ) -> Result<Made, MediaError> {
        #[derive(Deserialize)]
        struct HasId<'a> {
            #[serde(borrow)]
            id: Cow<'a, str>,
        }
        let operation = step.operation;
        let body = self.step(place, step, Some(self.write(body))).await?;
        let made: Result<HasId<'_>, _> = serde_json::from_slice(&body);
        match made {
            Ok(made) if (1..=MAX_ID).contains(&made.id.len()) => Ok(Made {
                id: made.id.into(),
                json: self.object(operation, &body)?,
            }),
            _ => Err(self.broken(operation)),
        }
    }

    /// Makes a call about a peer.
    async fn step(
        &self,
        place: Place<'_>,
        step: Step<'_>,
        body: Option<Vec<u8>>,
    ) -> Result<Bytes, MediaError> {
        let peer = place.peer.to_string();
        let head = ["rooms", place.room.as_str(), "broadcasters", &peer];
        let call = Call {
            method: step.method,
            path: &[&head, step.below].concat(),
            query: step.query,
            body,
            timeout: TIMEOUT,
        };
        self.call(step.operation, call).await
    }

    /// Makes a call about a peer whose answer says nothing more than that it is done.
    async fn done(
        &self,
        place: Place<'_>,
        step: Step<'_>,
        body: Option<Vec<u8>>,
    ) -> Result<(), MediaError> {
        let operation = step.operation;
        let body = self.step(place, step, body).await?;
        // Something between here and there may answer in the server's place.
        let json = body.is_empty() || serde_json::from_slice::<IgnoredAny>(&body).is_ok();
        json.then_some(()).ok_or_else(|| self.broken(operation))
    }

    fn object(&self, operation: &'static str, body: &[u8]) -> Result<Box<RawValue>, MediaError> {
        let json: Result<Box<RawValue>, _> = serde_json::from_slice(body);
        json.ok()
            .filter(|json| json.get().starts_with('{'))
            .ok_or_else(|| self.broken(operation))
    }

    /// What is sent is plain data: it can always be written.
    fn write(&self, body: &impl Serialize) -> Vec<u8> {
        serde_json::to_vec(body).unwrap_or_default()
    }
}

const CAPABILITIES: &str = "capabilities";
const RESTART_ICE: &str = "restart-ice";

/// The body of a call that has nothing to say.
const NOTHING: &[u8] = b"{}";
