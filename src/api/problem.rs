//! Errors as they are answered: problem details for HTTP APIs (RFC 9457), with a stable code.

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{
    HeaderValue, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use serde::Serialize;
use thiserror::Error;
use utoipa::{
    IntoResponses, ToSchema,
    openapi::{Content, Ref, RefOr, response},
};

use crate::{cluster::Unavailable, core::channels::InvalidEvent};

/// RFC 9457 §6.1.
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// After what time it is worth to ask again where nothing else is known: Redis is looked for
/// several times a second.
const SOON: Duration = Duration::from_secs(1);

/// The longest part of a message that repeats what was sent, in characters.
const QUOTED: usize = 200;

/// Why a request is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(super) enum ApiError {
    /// The request is not of the right shape.
    #[error("{0}")]
    Invalid(Cow<'static, str>),
    /// No key, or a wrong one.
    #[error("a valid key is needed: Authorization: Bearer <key>")]
    Unauthorized,
    /// There is no such resource, or no API at all.
    #[error("there is nothing here")]
    NotFound,
    /// Nobody is in such a room.
    #[error("there is no such room, or nobody is in it")]
    NoRoom,
    /// There is no such channel.
    #[error("there is no such channel")]
    NoChannel,
    /// The resource has no such method.
    #[error("the method is not allowed here")]
    WrongMethod,
    /// The body did not come.
    #[error("the body took too long")]
    SlowBody,
    /// The same request is under way.
    #[error("a request with this idempotency key is under way")]
    InProgress,
    /// The body is too large.
    #[error("the body is larger than 128 KiB")]
    TooLarge,
    /// The body is no JSON.
    #[error("the body must be application/json")]
    MediaType,
    /// The event is one that nobody but the gateway sends.
    #[error("the event name is reserved for Socket.IO and the gateway")]
    Reserved,
    /// The channel does not take the event.
    #[error("the event {0}")]
    Refused(#[from] InvalidEvent),
    /// The header has another idempotency key than the body.
    #[error("Idempotency-Key and idempotencyKey are not the same")]
    KeysDiffer,
    /// Another request had the same key.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// Too many requests.
    #[error("too many requests")]
    RateLimited(Duration),
    /// The gateway failed.
    #[error("the gateway failed")]
    Internal,
    /// Redis is away.
    #[error("Redis is not there: it is not done, or not everywhere")]
    Unavailable,
    /// It took too long.
    #[error("it takes too long: whether it is done is not known")]
    Late,
    /// Too much at once.
    #[error("too many requests are under way")]
    Busy,
}

impl From<Unavailable> for ApiError {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable
    }
}

impl ApiError {
    /// An error that says what is wrong with the request, and may repeat some of it.
    pub(super) fn invalid(problem: &impl ToString) -> Self {
        let mut problem = problem.to_string();
        if let Some((end, _)) = problem.char_indices().nth(QUOTED) {
            problem.truncate(end);
        }
        Self::Invalid(problem.into())
    }

    /// The status, and the code that stays the same from version to version.
    pub(super) const fn kind(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Invalid(_) => (StatusCode::BAD_REQUEST, "INVALID_PAYLOAD"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "AUTH_REQUIRED"),
            Self::NotFound => (StatusCode::NOT_FOUND, "NOT_FOUND"),
            Self::NoRoom => (StatusCode::NOT_FOUND, "ROOM_NOT_FOUND"),
            Self::NoChannel => (StatusCode::NOT_FOUND, "CHANNEL_NOT_FOUND"),
            Self::WrongMethod => (StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"),
            Self::SlowBody => (StatusCode::REQUEST_TIMEOUT, "TIMEOUT"),
            Self::InProgress => (StatusCode::CONFLICT, "IN_PROGRESS"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE"),
            Self::MediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE"),
            Self::Reserved => (StatusCode::UNPROCESSABLE_ENTITY, "EVENT_RESERVED"),
            Self::Refused(_) => (StatusCode::UNPROCESSABLE_ENTITY, "EVENT_REFUSED"),
            Self::KeysDiffer => (StatusCode::UNPROCESSABLE_ENTITY, "IDEMPOTENCY_KEYS_DIFFER"),
            Self::KeyReused => (StatusCode::UNPROCESSABLE_ENTITY, "IDEMPOTENCY_KEY_REUSED"),
            Self::RateLimited(_) => (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE"),
            Self::Late => (StatusCode::SERVICE_UNAVAILABLE, "TIMEOUT"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "BUSY"),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited(after) => Some(*after),
            Self::InProgress | Self::Unavailable | Self::Late | Self::Busy => Some(SOON),
            _ => None,
        }
    }
}

/// What went wrong, after RFC 9457.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Problem {
    /// Always `about:blank`: the status and the code say what kind it is.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    kind: &'static str,
    /// The name of the status.
    #[schema(example = "Not Found")]
    title: &'static str,
    /// The status.
    #[schema(example = 404, minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong, for people.
    detail: String,
    /// What is wrong, for programs.
    #[schema(example = "ROOM_NOT_FOUND")]
    code: &'static str,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code) = self.kind();
        let problem = Problem {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: self.to_string(),
            code,
        };
        let mut response = (status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, PROBLEM);
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110 §15.5.2 demands it.
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(after) = self.retry_after() {
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }
}

/// The errors that any request may get.
pub(super) struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<response::Response>> {
        describe(&[
            (400, "The request is not of the right shape"),
            (401, "No key, or a wrong one"),
            (404, "There is no such thing, or the API is off"),
            (429, "Too many requests with this key: see `Retry-After`"),
            (500, "The gateway failed"),
            (503, "Redis is away, or it took too long: see `Retry-After`"),
        ])
    }
}

/// The errors that a request with a body may get beside those.
pub(super) struct BodyProblems;

impl IntoResponses for BodyProblems {
    fn responses() -> BTreeMap<String, RefOr<response::Response>> {
        describe(&[
            (408, "The body took too long"),
            (413, "The body is larger than 128 KiB"),
            (415, "The body is not `application/json`"),
        ])
    }
}

/// The errors of what can be asked for and cannot be done.
pub(super) struct PublishProblems;

impl IntoResponses for PublishProblems {
    fn responses() -> BTreeMap<String, RefOr<response::Response>> {
        describe(&[
            (
                409,
                "A request with this idempotency key is under way: see `Retry-After`",
            ),
            (
                422,
                "The event is reserved or the channel does not take it, or the idempotency key was used for another request",
            ),
        ])
    }
}

fn describe(errors: &[(u16, &str)]) -> BTreeMap<String, RefOr<response::Response>> {
    let describe = |(status, what): &(u16, &str)| {
        let schema = Ref::from_schema_name(Problem::name());
        let response = response::ResponseBuilder::new()
            .description(*what)
            .content("application/problem+json", Content::new(Some(schema)))
            .build();
        (status.to_string(), RefOr::T(response))
    };
    errors.iter().map(describe).collect()
}
