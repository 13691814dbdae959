//! The Chat Service's HTTP interface.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response, StatusCode, header};
use serde::Deserialize;
use serde_json::value::RawValue;
use thiserror::Error;
use tracing::warn;

use super::buffer::Batch;
use crate::{
    core::{ChatMessage, HistoryQuery, RoomId},
    protocol::ChatPayload,
    services::{
        ServiceUrl, SetupError,
        http::{self, CallError},
    },
    telemetry::traces,
};

/// Longest time for a delivery.
const STORE_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest time for a page of history: somebody is waiting for it.
const HISTORY_TIMEOUT: Duration = Duration::from_secs(3);

/// The most of an answer that is read, in bytes: a hundred of the longest messages.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// The most of an answer to a delivery that is kept, in bytes.
const MAX_REASON: usize = 1024;

/// The longest wish of a service to be left alone that is respected.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// What names a delivery: the same for the same messages
/// (draft-ietf-httpapi-idempotency-key-header).
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The Chat Service did not answer as it should.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ChatServiceError {
    /// No connection, no answer in time, or a broken answer.
    #[error("{0}")]
    NoAnswer(String),
    /// It answered with an error.
    #[error("the service answered {0}")]
    Status(StatusCode),
    /// The answer is too long, or is not what was asked for.
    #[error("the answer cannot be read")]
    Unreadable,
}

impl From<CallError> for ChatServiceError {
    fn from(error: CallError) -> Self {
        Self::NoAnswer(error.to_string())
    }
}

/// What became of a delivery.
#[derive(Debug)]
pub enum Delivery {
    /// It is stored.
    Stored,
    /// It may succeed later: not before the given time, if the service said so.
    Failed(ChatServiceError, Option<Duration>),
    /// The service does not want it, and will not.
    Refused {
        /// The status of the answer.
        status: u16,
        /// The beginning of its body.
        answer: String,
    },
}

/// The Chat Service.
#[derive(Clone, Debug)]
pub struct ChatClient {
    client: Client,
    url: ServiceUrl,
}

impl ChatClient {
    /// A client of the service at `url`.
    ///
    /// # Errors
    /// [`SetupError`], when TLS cannot be used.
    pub fn new(url: ServiceUrl) -> Result<Self, SetupError> {
        let client = http::client()?;
        Ok(Self { client, url })
    }

    /// `POST /internal/messages`.
    pub async fn store(&self, room: &RoomId, batch: &Batch) -> Delivery {
        let url = match self.url.below(&["internal", "messages"]) {
            Ok(url) => url,
            Err(error) => return Delivery::Failed(error.into(), None),
        };
        let request = self
            .client
            .post(url)
            .timeout(STORE_TIMEOUT)
            .header(header::CONTENT_TYPE, "application/json")
            .header(IDEMPOTENCY_KEY, batch.key(room))
            .body(batch.body());
        let span = traces::storing("/internal/messages", batch.ids());
        let answer = match span.run(send(request)).await {
            Ok(answer) => answer,
            Err(error) => {
                span.answered(None);
                return Delivery::Failed(error, None);
            }
        };
        let status = answer.status();
        span.answered(Some(status.as_u16()));
        if status.is_success() {
            return Delivery::Stored;
        }
        let later = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
        if status.is_client_error() && !later.contains(&status) {
            let body = read(answer, MAX_REASON).await.0;
            return Delivery::Refused {
                status: status.as_u16(),
                answer: String::from_utf8_lossy(&body).into_owned(),
            };
        }
        let wish = retry_after(&answer);
        Delivery::Failed(ChatServiceError::Status(status), wish)
    }

    /// `GET /internal/rooms/:id/messages`, in whatever order. Messages that cannot be read are
    /// passed over.
    ///
    /// # Errors
    /// [`ChatServiceError`].
    pub async fn history(
        &self,
        room: &RoomId,
        query: HistoryQuery,
    ) -> Result<Vec<ChatMessage>, ChatServiceError> {
        let path = ["internal", "rooms", room.as_str(), "messages"];
        let mut url = self.url.below(&path)?;
        if let Some(before) = query.before {
            url.query_pairs_mut()
                .append_pair("before", &before.to_string());
        }
        url.query_pairs_mut()
            .append_pair("limit", &query.limit.to_string());
        let answer = send(self.client.get(url).timeout(HISTORY_TIMEOUT)).await?;
        if !answer.status().is_success() {
            return Err(ChatServiceError::Status(answer.status()));
        }
        let (body, whole) = read(answer, MAX_ANSWER).await;
        let page = if whole { page(&body) } else { None };
        let page = page.ok_or(ChatServiceError::Unreadable)?;
        let messages = page.iter().filter_map(|json| message(room, json));
        Ok(messages.collect())
    }
}

async fn send(request: RequestBuilder) -> Result<Response, ChatServiceError> {
    let answer = http::named(request).send().await;
    // The operator knows the URL; a log collector need not.
    Ok(answer.map_err(|error| http::failure(&error))?)
}

/// The beginning of an answer, and whether it is all of it.
async fn read(mut answer: Response, most: usize) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return (body, true),
            Err(_) => return (body, false),
        }
        if body.len() > most {
            body.truncate(most);
            return (body, false);
        }
    }
}

/// How long the service wants to be left alone, given in seconds (RFC 9110 §10.2.3).
fn retry_after(answer: &Response) -> Option<Duration> {
    let seconds = answer.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    let wish = Duration::from_secs(seconds.trim().parse().ok()?);
    Some(wish.min(MAX_RETRY_AFTER))
}

/// The messages of an answer: `{"messages":[…]}`, or the list alone.
fn page(body: &[u8]) -> Option<Vec<&RawValue>> {
    #[derive(Deserialize)]
    struct Page<'a> {
        #[serde(borrow)]
        messages: Vec<&'a RawValue>,
    }
    let page = serde_json::from_slice(body).map(|Page { messages }| messages);
    page.or_else(|_| serde_json::from_slice(body)).ok()
}

fn message(room: &RoomId, json: &RawValue) -> Option<ChatMessage> {
    let message = serde_json::from_str::<ChatPayload<'_>>(json.get());
    let message = message.inspect_err(|error| {
        // Its text may quote what is in it.
        let (line, column) = (error.line(), error.column());
        warn!(%room, line, column, "the Chat Service gives a message that cannot be read");
    });
    message.ok().map(ChatMessage::from)
}

#[cfg(test)]
#[path = "tests/client.rs"]
mod tests;
