//! What each request goes through first.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, header::CACHE_CONTROL};
use metrics::counter;
use tokio::{sync::OwnedSemaphorePermit, time::timeout};
use tracing::warn;

use super::{Api, ApiError, keys::Backend};

/// How long a request may take. Whoever waits longer has given up.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who makes a request, and its place among those that are under way: whoever works for it keeps
/// this until that is done.
#[derive(Clone, Debug)]
pub(super) struct Visitor {
    pub(super) backend: Arc<Backend>,
    _place: Arc<OwnedSemaphorePermit>,
}

/// Lets those in that have a key, not too often and not too many at once.
pub(super) async fn admit(
    State(api): State<Arc<Api>>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.extensions().get::<MatchedPath>();
    let path = path.map_or("/", MatchedPath::as_str).to_owned();
    let mut response = match api.let_in(&request) {
        Ok(visitor) => {
            request.extensions_mut().insert(visitor);
            match timeout(PATIENCE, next.run(request)).await {
                Ok(response) => response,
                Err(_) => ApiError::Late.into_response(),
            }
        }
        Err(refused) => refused.into_response(),
    };
    let status = response.status().as_u16().to_string();
    counter!("switchboard_api_requests_total", "path" => path, "status" => status).increment(1);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl Api {
    fn let_in(&self, request: &Request) -> Result<Visitor, ApiError> {
        if self.keys.is_empty() {
            return Err(ApiError::NotFound);
        }
        let backend = self.keys.identify(request.headers()).inspect_err(|error| {
            if *error == ApiError::Unauthorized {
                warn!(
                    path = request.uri().path(),
                    "a request to the server API has no valid key"
                );
            }
        })?;
        backend.count()?;
        let place = Arc::clone(&self.places).try_acquire_owned();
        Ok(Visitor {
            backend: Arc::clone(backend),
            _place: Arc::new(place.map_err(|_| ApiError::Busy)?),
        })
    }
}
