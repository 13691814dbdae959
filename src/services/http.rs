//! Calling a service: JSON over HTTP/1.1, on connections that are used again.
//!
//! What can go wrong is told by kind, since that decides what happens next: a service that cannot
//! be reached is left alone for a while, one that answers nonsense is looked at, one that refuses
//! is believed.

use std::{error::Error as _, fmt, str::FromStr, time::Duration};

use bytes::{Bytes, BytesMut};
use reqwest::{Client, Method, RequestBuilder, StatusCode, header::CONTENT_TYPE, redirect};
use thiserror::Error;
use url::Url;
use uuid::Uuid;

use crate::telemetry::traces;

/// How long it may take to connect. Services are near.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a connection is kept without being used: less than the five seconds after which
/// Node.js closes it, which a request would find out by failing.
const IDLE: Duration = Duration::from_secs(4);

/// How many connections without work are kept for each service.
const MAX_IDLE: usize = 32;

/// The largest answer that is read, in bytes: several times the capabilities of a media server
/// with every codec.
const MAX_ANSWER: usize = 1024 * 1024;

/// The longest message of a service that is passed on to a client, in characters.
const MAX_MESSAGE: usize = 200;

/// Where a service is: a URL without credentials, query and fragment. A path is a prefix.
#[derive(Clone, PartialEq, Eq)]
pub struct ServiceUrl(Url);

/// Why a text is no [`ServiceUrl`].
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ServiceUrlError {
    /// It cannot be parsed.
    #[error("is not a URL ({0})")]
    Syntax(#[from] url::ParseError),
    /// It is something else than HTTP.
    #[error("must begin with http:// or https://")]
    Scheme,
    /// Credentials would end up in logs.
    #[error("must not hold a user name or password")]
    Credentials,
    /// Paths are appended to it.
    #[error("must not have a query or a fragment")]
    Query,
}

impl FromStr for ServiceUrl {
    type Err = ServiceUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut url = Url::parse(text)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(ServiceUrlError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ServiceUrlError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(ServiceUrlError::Query);
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }
}

impl fmt::Display for ServiceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for ServiceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServiceUrl({self})")
    }
}

/// The HTTP client cannot be set up.
#[derive(Debug, Error)]
#[error("the HTTP client cannot be set up")]
pub struct SetupError(#[source] reqwest::Error);

/// Why a call has no good answer.
#[derive(Debug, Error)]
pub(super) enum CallError {
    /// No connection, or it broke before there was an answer.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// No answer in time.
    #[error("no answer in time")]
    TimedOut,
    /// The answer ends too early, is too large, or is not what it should be.
    #[error("broken answer: {0}")]
    Broken(String),
    /// An answer that is neither good nor bad, such as that it is elsewhere.
    #[error("unexpected status {0}")]
    Unexpected(StatusCode),
    /// The service failed: a status from 500.
    #[error("the service failed with status {0}")]
    Failed(StatusCode),
    /// The service refused: a status of 400 to 499, with its reason for people.
    #[error("refused with status {status}")]
    Refused {
        /// The status.
        status: StatusCode,
        /// What it said, cut to a bearable length, on one line.
        message: String,
    },
}

impl CallError {
    /// The status that the service answered with, if it did.
    pub(super) const fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Unexpected(status) | Self::Failed(status) | Self::Refused { status, .. } => {
                Some(*status)
            }
            Self::Unreachable(_) | Self::TimedOut | Self::Broken(_) => None,
        }
    }
}

/// One call.
pub(super) struct Call<'a> {
    pub(super) method: Method,
    /// The segments of the path below the service's URL, unescaped.
    pub(super) path: &'a [&'a str],
    pub(super) query: Option<(&'a str, &'a str)>,
    /// JSON text.
    pub(super) body: Option<Vec<u8>>,
    /// From the first attempt to connect to the last byte of the answer.
    pub(super) timeout: Duration,
}

/// A service at one URL.
#[derive(Clone, Debug)]
pub(super) struct Service {
    client: Client,
    url: ServiceUrl,
}

impl Service {
    pub(super) fn new(url: ServiceUrl) -> Result<Self, SetupError> {
        let client = client()?;
        Ok(Self { client, url })
    }

    /// Makes a call, and returns the body of a good answer.
    ///
    /// Nothing is tried a second time, but for what the HTTP client knows not to have been sent.
    pub(super) async fn call(&self, call: Call<'_>) -> Result<Bytes, CallError> {
        let timeout = call.timeout;
        match tokio::time::timeout(timeout, self.exchange(call)).await {
            Ok(answered) => answered,
            Err(_) => Err(CallError::TimedOut),
        }
    }

    async fn exchange(&self, call: Call<'_>) -> Result<Bytes, CallError> {
        let url = self.address(call.path, call.query)?;
        let mut request = named(self.client.request(call.method, url));
        if let Some(body) = call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        let response = request.send().await.map_err(|error| failure(&error))?;
        let status = response.status();
        let body = read(response).await;
        if status.is_success() {
            body
        } else if status.is_server_error() {
            Err(CallError::Failed(status))
        } else if status.is_client_error() {
            let message = body.map(|body| message_of(&body)).unwrap_or_default();
            Err(CallError::Refused { status, message })
        } else {
            Err(CallError::Unexpected(status))
        }
    }

    fn address(&self, path: &[&str], query: Option<(&str, &str)>) -> Result<Url, CallError> {
        let mut url = self.url.below(path)?;
        if let Some((name, value)) = query {
            url.query_pairs_mut().append_pair(name, value);
        }
        Ok(url)
    }
}

impl ServiceUrl {
    /// What is at a path below the service's URL, given by its segments.
    pub(super) fn below(&self, path: &[&str]) -> Result<Url, CallError> {
        let mut url = self.0.clone();
        // What would be taken for a way through the tree is nobody's id.
        if path
            .iter()
            .any(|segment| matches!(*segment, "" | "." | ".."))
        {
            return Err(CallError::Broken("an id that cannot be in a path".into()));
        }
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        Ok(url)
    }
}

/// A client for a service that is near.
pub(super) fn client() -> Result<Client, SetupError> {
    Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(MAX_IDLE)
        .tcp_nodelay(true)
        .redirect(redirect::Policy::none())
        // A proxy of the environment is meant for the world outside.
        .no_proxy()
        .user_agent(concat!("switchboard/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(SetupError)
}

/// Gives a request the names by which it is found in the logs of services.
pub(super) fn named(request: RequestBuilder) -> RequestBuilder {
    request
        .header("x-request-id", Uuid::new_v4().to_string())
        .header("traceparent", traces::parent().unwrap_or_else(trace_parent))
}

async fn read(mut response: reqwest::Response) -> Result<Bytes, CallError> {
    let mut body = BytesMut::new();
    let broken = |error: reqwest::Error| CallError::Broken(chain(&error));
    // Counted while reading: the announced length may be absent or untrue.
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(CallError::Broken(format!("more than {MAX_ANSWER} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

pub(super) fn failure(error: &reqwest::Error) -> CallError {
    if error.is_timeout() && !error.is_connect() {
        CallError::TimedOut
    } else {
        CallError::Unreachable(chain(error))
    }
}

/// The causes of an error. What is outermost names the URL and says little more.
fn chain(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    causes.join(": ")
}

/// What a service says of its refusal: `message` of a JSON object, or `error` where it is called
/// that.
fn message_of(body: &[u8]) -> String {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let named = ["message", "error", "detail"].into_iter();
    let mut texts = named.filter_map(|name| body.get(name)?.as_str());
    let text = texts.next().unwrap_or_default();
    let one_line = text.chars().filter(|c| !c.is_control());
    one_line.take(MAX_MESSAGE).collect()
}

/// The call as a span of a trace of its own (W3C Trace Context, version 00), where the gateway keeps
/// none.
fn trace_parent() -> String {
    let trace = Uuid::new_v4().simple();
    let span = Uuid::new_v4().as_u128() >> 64;
    format!("00-{trace}-{:016x}-01", span.max(1))
}

#[cfg(test)]
#[path = "tests/http.rs"]
mod tests;
