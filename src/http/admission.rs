//! Which requests are let through: those of clients that have no more connections, and open sessions
//! no faster, than they may.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse as _, Response},
};
use http::{
    HeaderValue, Method, StatusCode, Uri,
    header::{CONNECTION, RETRY_AFTER},
};
use tower::{Layer as _, Service, util::BoxCloneSyncService};
use tracing::{debug, warn};

use super::{App, Caller, Problem, guard::is_for_all};
use crate::{
    limits::{Crowd, Door},
    protocol::ErrorCode,
    telemetry,
};

/// When to come again if it is not known when there will be place.
const COME_AGAIN: Duration = Duration::from_secs(5);

/// Puts `door` before everything else that `app` does.
pub fn admission<S>(app: S, door: Arc<Door>) -> App
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    BoxCloneSyncService::new(from_fn_with_state(door, admit).layer(app))
}

async fn admit(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    // How the node is may be asked however many others are here.
    if is_for_all(&request) {
        return next.run(request).await;
    }
    let Some(caller) = request.extensions().get::<Caller>().cloned() else {
        return next.run(request).await;
    };
    if let Some(crowd) = caller.refused {
        return turn_away(crowd);
    }
    if door.meets_unknown_proxy(caller.peer, request.headers()) {
        warn!(
            "requests come through a proxy that TRUSTED_PROXIES does not name: its clients share the limits of one"
        );
    }
    let network = door.network_of(caller.peer, request.headers());
    let ticket = match door.stand_for(caller.peer, network) {
        Ok(ticket) => ticket,
        Err(crowd) => return turn_away(crowd),
    };
    if opens_a_session(request.method(), request.uri())
        && let Err(crowd) = door.begin(network)
    {
        return turn_away(crowd);
    }
    let response = next.run(request).await;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        caller.wire.becomes_websocket();
        if let Some(ticket) = ticket {
            caller.wire.keep(ticket);
        }
    }
    response
}

/// Whether a request means that a token is going to be checked, and memory to be had.
fn opens_a_session(method: &Method, uri: &Uri) -> bool {
    let path = uri.path();
    if path.starts_with("/socket.io") {
        let query = uri.query().unwrap_or_default();
        return !query.split('&').any(|pair| pair.starts_with("sid="));
    }
    path == "/ws"
        || path.starts_with("/signal/")
        || path == "/turn-credentials"
        || method == Method::POST
}

/// Counts a connection, or a request, that is refused.
pub(super) fn count_refused(crowd: Crowd) {
    debug!(reason = crowd.name(), "client refused");
    telemetry::turned_away(crowd.name());
}

fn turn_away(crowd: Crowd) -> Response {
    count_refused(crowd);
    refuse(crowd)
}

/// Says that there is no place, and when to come again (RFC 6585 §4, RFC 9110 §10.2.3).
pub fn refuse(crowd: Crowd) -> Response {
    let (status, code, message) = match crowd {
        Crowd::Node => (
            StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::ServiceUnavailable,
            "this node has as many connections as it can",
        ),
        Crowd::Network => (
            StatusCode::TOO_MANY_REQUESTS,
            ErrorCode::RateLimited,
            "too many connections from one address",
        ),
        Crowd::Handshakes(_) => (
            StatusCode::TOO_MANY_REQUESTS,
            ErrorCode::RateLimited,
            "too many sessions opened in a short time from one address",
        ),
        Crowd::User => (
            StatusCode::TOO_MANY_REQUESTS,
            ErrorCode::RateLimited,
            "too many connections of one user",
        ),
    };
    let wait = match crowd {
        Crowd::Handshakes(wait) => wait,
        _ => COME_AGAIN,
    };
    let mut response = Problem::new(status, code, message).into_response();
    let headers = response.headers_mut();
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

#[cfg(test)]
#[path = "tests/admission.rs"]
mod tests;
