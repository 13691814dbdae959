//! Fetches the key set document over HTTP.

use std::time::Duration;

use reqwest::{Client, StatusCode, redirect};
use url::Url;

use super::document::{KeySet, MAX_KEYS};

/// Longest time for a whole fetch. Handshakes may be waiting for it.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// Largest document that is read, in bytes. Real ones have some kilobytes.
pub(super) const MAX_DOCUMENT_BYTES: usize = 256 * 1024;

/// Why a key set could not be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// No connection, no answer in time, or a broken answer.
    #[error("the request failed: {}", chain(.0))]
    Http(reqwest::Error),
    /// The server answered with another status than 200.
    #[error("the server answered {0}")]
    Status(StatusCode),
    /// The document is larger than 256 KiB.
    #[error("the document is larger than {MAX_DOCUMENT_BYTES} bytes")]
    TooLarge,
    /// The document is no JSON Web Key Set.
    #[error("the document is not a JSON Web Key Set")]
    NotAKeySet,
    /// The set has more than 64 keys.
    #[error("the set has more than {MAX_KEYS} keys")]
    TooManyKeys,
    /// The process is shutting down.
    #[error("the fetch was interrupted")]
    Interrupted,
}

impl From<reqwest::Error> for FetchError {
    fn from(error: reqwest::Error) -> Self {
        // The operator knows the URL; a log collector need not, as it may hold a key in its query.
        Self::Http(error.without_url())
    }
}

/// The error with its causes: reqwest's own text says little more than "error sending request".
/// (So the error types that show it do not offer it as their source too.)
pub(in crate::auth) fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Where the key set is, and the client to ask for it.
pub(super) struct Fetcher {
    client: Client,
    url: Url,
}

impl Fetcher {
    pub(super) fn new(url: Url) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .timeout(FETCH_TIMEOUT)
            // Keys are trusted because of where they come from, so it has to be exactly there.
            .redirect(redirect::Policy::none())
            // Minutes lie between two fetches; a connection kept that long is mostly a dead one.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("switchboard/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, url })
    }

    pub(super) async fn fetch(&self) -> Result<KeySet, FetchError> {
        let mut response = self.client.get(self.url.clone()).send().await?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        let mut document = Vec::new();
        // Counted while reading: the announced length may be absent or untrue.
        while let Some(chunk) = response.chunk().await? {
            if document.len() + chunk.len() > MAX_DOCUMENT_BYTES {
                return Err(FetchError::TooLarge);
            }
            document.extend_from_slice(&chunk);
        }
        KeySet::parse(&document)
    }
}
