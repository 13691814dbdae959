//! Reading the body of a request.

use std::time::Duration;

use axum::{
    body::to_bytes,
    extract::{FromRequest, Request},
};
use http::{HeaderMap, header::CONTENT_TYPE};
use http_body_util::LengthLimitError;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::ApiError;

/// The largest body, in bytes: an event is not larger than what clients may send, and this leaves
/// room for what is around it.
const MAX_BODY: usize = 128 * 1024;

/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A body of JSON.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::MediaType);
        }
        let read = timeout(PATIENCE, to_bytes(request.into_body(), MAX_BODY));
        let bytes = match read.await {
            Err(_) => return Err(ApiError::SlowBody),
            Ok(Err(error)) => {
                let too_large = error.into_inner().is::<LengthLimitError>();
                let broken = ApiError::Invalid("the body ended too soon".into());
                return Err(if too_large {
                    ApiError::TooLarge
                } else {
                    broken
                });
            }
            Ok(Ok(bytes)) => bytes,
        };
        let body = serde_json::from_slice(&bytes).map_err(|error| ApiError::invalid(&error))?;
        Ok(Self(body))
    }
}

/// Whether the type of the body is JSON, whatever its parameters (RFC 9110 §8.3.1).
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| {
        let essence = kind.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json")
    })
}
