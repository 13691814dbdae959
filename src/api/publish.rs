//! `POST /api/v1/publish`: an event for a room, a user, or a channel.

use std::sync::Arc;

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::CONTENT_TYPE};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use tracing::error;
use utoipa::ToSchema;

use super::{
    Api, ApiError,
    audit::{self, Deed},
    body::Body,
    door::Visitor,
    idempotency::{Answer, Begun, digest},
    problem::{BodyProblems, Problems, PublishProblems},
};
use crate::{core::channels::is_reserved, events::PublishError, hub::Whom};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The longest name of a room, a user or a channel, in characters.
pub(super) const MAX_NAME: usize = 256;

/// The longest name of an event, in characters.
const MAX_EVENT: usize = 128;

/// The longest idempotency key, in characters.
const MAX_KEY: usize = 255;

/// An event, and exactly one of those that it is for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged, try_from = "Wire")]
#[schema(example = json!({
    "room": "blue",
    "event": "score_changed",
    "data": { "home": 2, "away": 1 },
    "idempotencyKey": "match-42-goal-3"
}))]
pub(super) enum PublishRequest {
    /// To all peers of a room.
    Room(ToRoom),
    /// To all connections of a user.
    User(ToUser),
    /// To those who hear a channel.
    Channel(ToChannel),
}

/// To all peers of a room, on whatever node.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ToRoom {
    /// Its id or its code.
    #[schema(min_length = 1, max_length = 256)]
    room: String,
    /// The name of the event that clients get.
    #[schema(min_length = 1, max_length = 128)]
    event: String,
    /// What they get with it: any JSON.
    #[schema(value_type = serde_json::Value)]
    data: Box<RawValue>,
    /// A repetition under the same key takes effect once. The header `Idempotency-Key` does the
    /// same.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

/// To all connections of a user, on whatever node.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ToUser {
    /// The `sub` of its tokens.
    #[schema(min_length = 1, max_length = 256)]
    user: String,
    /// The name of the event that clients get.
    #[schema(min_length = 1, max_length = 128)]
    event: String,
    /// What they get with it: any JSON.
    #[schema(value_type = serde_json::Value)]
    data: Box<RawValue>,
    /// A repetition under the same key takes effect once. The header `Idempotency-Key` does the
    /// same.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

/// To those who hear a channel: its subscribers, or the user that the data names.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ToChannel {
    /// The name of a backend channel, such as `match:events`.
    #[schema(min_length = 1, max_length = 256)]
    channel: String,
    /// One of the channel's event types.
    #[schema(min_length = 1, max_length = 128)]
    event: String,
    /// What they get with it; the channel may want a field in it that says for whom it is.
    #[schema(value_type = serde_json::Value)]
    data: Box<RawValue>,
    /// A repetition under the same key takes effect once. The header `Idempotency-Key` does the
    /// same.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

/// A request as it is read, before it is known to make sense.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Wire {
    #[serde(default, deserialize_with = "given")]
    room: Option<String>,
    #[serde(default, deserialize_with = "given")]
    user: Option<String>,
    #[serde(default, deserialize_with = "given")]
    channel: Option<String>,
    event: String,
    data: Box<RawValue>,
    idempotency_key: Option<String>,
}

/// A field that is there is a text, and not `null`.
fn given<'de, D: Deserializer<'de>>(field: D) -> Result<Option<String>, D::Error> {
    String::deserialize(field).map(Some)
}

impl TryFrom<Wire> for PublishRequest {
    type Error = &'static str;

    fn try_from(wire: Wire) -> Result<Self, &'static str> {
        let Wire {
            room,
            user,
            channel,
            event,
            data,
            idempotency_key,
        } = wire;
        let fits = |text: &str, most| (1..=most).contains(&text.chars().count());
        let target = room.as_deref().or(user.as_deref()).or(channel.as_deref());
        if target.is_some_and(|target| !fits(target, MAX_NAME)) {
            return Err("room, user and channel have 1 to 256 characters");
        }
        if !fits(&event, MAX_EVENT) {
            return Err("event has 1 to 128 characters");
        }
        if idempotency_key
            .as_deref()
            .is_some_and(|key| !fits(key, MAX_KEY))
        {
            return Err("idempotencyKey has 1 to 255 characters");
        }
        // So deep, or with such numbers or characters, that some clients could not read it.
        if serde_json::from_str::<serde_json::Value>(data.get()).is_err() {
            return Err("data cannot be read by all clients");
        }
        match (room, user, channel) {
            (Some(room), None, None) => Ok(Self::Room(ToRoom {
                room,
                event,
                data,
                idempotency_key,
            })),
            (None, Some(user), None) => Ok(Self::User(ToUser {
                user,
                event,
                data,
                idempotency_key,
            })),
            (None, None, Some(channel)) => Ok(Self::Channel(ToChannel {
                channel,
                event,
                data,
                idempotency_key,
            })),
            _ => Err("exactly one of room, user and channel is needed"),
        }
    }
}

/// The parts of a request, whoever it is for.
struct Parts<'r> {
    kind: &'static str,
    whom: &'r str,
    event: &'r str,
    data: &'r RawValue,
    key: Option<&'r str>,
}

impl PublishRequest {
    fn parts(&self) -> Parts<'_> {
        let (kind, whom, event, data, key) = match self {
            Self::Room(to) => ("room", &to.room, &to.event, &to.data, &to.idempotency_key),
            Self::User(to) => ("user", &to.user, &to.event, &to.data, &to.idempotency_key),
            Self::Channel(to) => (
                "channel",
                &to.channel,
                &to.event,
                &to.data,
                &to.idempotency_key,
            ),
        };
        Parts {
            kind,
            whom,
            event,
            data,
            key: key.as_deref(),
        }
    }

    /// The key of the body or the header; of both, if they say the same. The header may have it in
    /// quotes, as the draft of the standard wants.
    fn key(&self, headers: &HeaderMap) -> Result<Option<String>, ApiError> {
        let in_body = self.parts().key;
        let Some(header) = headers.get(KEY) else {
            return Ok(in_body.map(str::to_owned));
        };
        let text = header.to_str().unwrap_or_default().trim();
        let quoted = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'));
        let key = quoted.unwrap_or(text);
        if key.is_empty() || key.len() > MAX_KEY {
            let wrong = "Idempotency-Key has 1 to 255 visible characters";
            return Err(ApiError::Invalid(wrong.into()));
        }
        if in_body.is_some_and(|in_body| in_body != key) {
            return Err(ApiError::KeysDiffer);
        }
        Ok(Some(key.to_owned()))
    }
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Published {
    /// It is on its way to all nodes.
    published: bool,
    /// How many connections of the node that answers were told; not for channels, which the node
    /// hears like the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    delivered: Option<usize>,
}

/// Publish an event
///
/// To all peers of a room, to all connections of a user, or to those who hear a backend channel,
/// on all nodes: to whoever is connected at this moment, at most once.
#[utoipa::path(
    post,
    path = "/api/v1/publish",
    operation_id = "publish",
    tag = "events",
    params((
        "Idempotency-Key" = Option<String>, Header,
        description = "A repetition under the same key, within a day, takes effect once and gets the first answer again",
        min_length = 1, max_length = 255
    )),
    request_body = PublishRequest,
    responses(
        (
            status = 202, description = "It is on its way to all nodes", body = Published,
            headers((
                "Idempotency-Replayed" = bool,
                description = "`true` if it was done before, under the same key"
            ))
        ),
        Problems, BodyProblems, PublishProblems,
    )
)]
pub(super) async fn publish(
    State(api): State<Arc<Api>>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    Body(request): Body<PublishRequest>,
) -> Result<Response, ApiError> {
    let key = request.key(&headers)?;
    let done = tokio::spawn(async move { api.publish(&visitor, &request, key).await });
    match done.await {
        Ok(done) => done.map(respond),
        Err(error) => {
            error!(%error, "publishing failed");
            Err(ApiError::Internal)
        }
    }
}

fn respond((answer, replayed): (Answer, bool)) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::ACCEPTED);
    let json = HeaderValue::from_static("application/json");
    let mut response = (status, [(CONTENT_TYPE, json)], answer.body).into_response();
    if replayed {
        let headers = response.headers_mut();
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

impl Api {
    async fn publish(
        &self,
        visitor: &Visitor,
        request: &PublishRequest,
        key: Option<String>,
    ) -> Result<(Answer, bool), ApiError> {
        let parts = request.parts();
        let done = match key {
            None => self.deliver(&parts).await.map(|answer| (answer, false)),
            Some(key) => self.deliver_once(visitor, &parts, &key).await,
        };
        let deed = Deed {
            action: "publish",
            kind: parts.kind,
            whom: parts.whom,
            event: parts.event,
        };
        audit::record(visitor, deed, done.as_ref().map(|(_, replayed)| *replayed));
        done
    }

    async fn deliver_once(
        &self,
        visitor: &Visitor,
        parts: &Parts<'_>,
        key: &str,
    ) -> Result<(Answer, bool), ApiError> {
        let key = digest(&[&visitor.backend.name, key]);
        let request = digest(&[parts.kind, parts.whom, parts.event, parts.data.get()]);
        let ticket = match self.answers.begin(key, request).await? {
            Begun::Again(answer) => return Ok((answer, true)),
            Begun::First(ticket) => ticket,
        };
        match self.deliver(parts).await {
            Ok(answer) => {
                self.answers.finish(ticket, answer.clone()).await;
                Ok((answer, false))
            }
            Err(error) => {
                self.answers.abandon(ticket).await;
                Err(error)
            }
        }
    }

    async fn deliver(&self, parts: &Parts<'_>) -> Result<Answer, ApiError> {
        let Parts {
            kind,
            whom,
            event,
            data,
            ..
        } = *parts;
        if is_reserved(event) {
            return Err(ApiError::Reserved);
        }
        let delivered = match kind {
            "room" => Some(self.hub.tell(Whom::Room(whom), event, data).await?),
            "user" => Some(self.hub.tell(Whom::User(whom), event, data).await?),
            _ => {
                self.say(whom, event, data).await?;
                None
            }
        };
        let published = Published {
            published: true,
            delivered,
        };
        Ok(Answer {
            status: StatusCode::ACCEPTED.as_u16(),
            // Plain data can always be written.
            body: serde_json::to_string(&published).unwrap_or_default(),
        })
    }

    async fn say(&self, channel: &str, event: &str, data: &RawValue) -> Result<(), ApiError> {
        // Where events are kept, publishing waits for Redis longer than a request may take.
        if self.hub.cluster().is_some_and(|cluster| !cluster.is_up()) {
            return Err(ApiError::Unavailable);
        }
        let said = self.feed.say(channel, event, data).await;
        said.map_err(|error| match error {
            PublishError::NoChannel => ApiError::NoChannel,
            PublishError::Invalid(invalid) => ApiError::Refused(invalid),
            PublishError::Unavailable => ApiError::Unavailable,
        })
    }
}

#[cfg(test)]
#[path = "tests/publish.rs"]
mod tests;
