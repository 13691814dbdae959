//! Who may become a WebSocket. All is decided before it does: a page cannot read why an upgrade
//! failed, but a log can, and nothing has been set up for those who may not.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State, rejection::PathRejection},
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{RETRY_AFTER, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE},
};
use hyper::upgrade::{OnUpgrade, Upgraded};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{
    Error, error::ProtocolError, handshake::server::create_response_with_body,
};
use tracing::{debug, info};

use super::{
    Services,
    client::{Client, Protocol},
    connection::{Connection, Dialect},
    driver::Driver,
    signal::Signal,
    ws::Ws,
};
use crate::{
    auth::{AUTHENTICATION_ERROR, AuthError, Identity, token_from_headers},
    core::{Member, RoomCode},
    http::{Problem, refuse},
    hub::Link,
    protocol::ErrorCode,
    telemetry,
};

/// The subprotocol by which pages bring a token: `bearer, <token>`. It is what is selected.
const BEARER: &str = "bearer";

/// The longest resume token, in bytes.
const MAX_RESUME_TOKEN: usize = 512;

/// When to come again to a node that stops, in seconds: by then a load balancer knows others.
const RETRY_AFTER_S: &str = "1";

/// How long the answer that accepts an upgrade may take to be sent.
const UPGRADE_TIMEOUT: Duration = Duration::from_secs(10);

/// The routes of both protocols.
pub fn routes(services: Services) -> Router {
    Router::new()
        .route("/signal/{room}", get(signal))
        .route("/ws", get(ws))
        .with_state(services)
}

async fn signal(
    State(services): State<Services>,
    room: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let code = room.ok().map(|Path(room)| room.parse::<RoomCode>());
    let Some(Ok(code)) = code else {
        let message = "roomId must be 1 to 64 characters of A-Z a-z 0-9 _ -";
        return Problem::new(StatusCode::BAD_REQUEST, ErrorCode::InvalidPayload, message)
            .into_response();
    };
    let resume = resume_token(&request);
    accept(services, request, Dialect::Signal, move |entry| {
        let session = entry.services.hub.admit(
            Arc::clone(&entry.link) as Arc<dyn Link>,
            Arc::clone(&entry.member),
            entry.expires_at,
        );
        let client = entry.client(session);
        let protocol = Signal::new(client.clone(), code, resume);
        (client, Box::new(protocol) as Box<dyn Protocol>)
    })
    .await
}

async fn ws(State(services): State<Services>, request: Request) -> Response {
    let resume = resume_token(&request);
    accept(services, request, Dialect::Ws, move |entry| {
        let (session, returning) = entry.services.hub.open(
            Arc::clone(&entry.link) as Arc<dyn Link>,
            Arc::clone(&entry.member),
            entry.expires_at,
            resume.as_deref(),
        );
        let client = entry.client(session);
        let protocol = Ws::new(client.clone(), returning, resume.is_some());
        (client, Box::new(protocol) as Box<dyn Protocol>)
    })
    .await
}

/// A client that was let in.
struct Entry {
    services: Services,
    link: Arc<Connection>,
    member: Arc<Member>,
    /// Until when, in seconds since the Unix epoch.
    expires_at: u64,
}

impl Entry {
    fn client(&self, session: Arc<crate::hub::Session>) -> Client {
        Client {
            link: Arc::clone(&self.link),
            session,
            verifier: self.services.verifier.clone(),
        }
    }
}

/// Answers a request to become a WebSocket. If it is accepted, `open` makes what serves it.
async fn accept<O>(services: Services, request: Request, dialect: Dialect, open: O) -> Response
where
    O: FnOnce(&Entry) -> (Client, Box<dyn Protocol>) + Send + 'static,
{
    if services.hub.is_draining() {
        telemetry::connection_refused(dialect.protocol(), "draining");
        return stopping();
    }
    let mut response = match create_response_with_body(&request, Body::empty) {
        Ok(response) => response,
        Err(error) => return not_an_upgrade(&error),
    };
    let offer = Offer::of(request.headers());
    let token = token_from_headers(request.headers(), &services.cookie).or(offer.token);
    let identity = match verify(&services, token).await {
        Ok(identity) => identity,
        Err(error) => {
            telemetry::connection_refused(dialect.protocol(), error.reason());
            info!(
                protocol = dialect.name(),
                reason = error.reason(),
                "client refused"
            );
            return unauthorized();
        }
    };
    let member = identity.member();
    let ticket = match services.hub.count(&member.user) {
        Ok(ticket) => ticket,
        Err(crowd) => {
            telemetry::connection_refused(dialect.protocol(), crowd.name());
            return refuse(crowd);
        }
    };
    if offer.bearer {
        let bearer = HeaderValue::from_static(BEARER);
        response
            .headers_mut()
            .insert(SEC_WEBSOCKET_PROTOCOL, bearer);
    }
    let upgrade = hyper::upgrade::on(request);
    let entry = Entry {
        link: Connection::new(dialect, services.hub.queued_bytes()),
        services,
        member,
        expires_at: identity.expires_at,
    };
    tokio::spawn(async move {
        serve(upgrade, entry, dialect, open).await;
        drop(ticket);
    });
    response
}

/// Sends a client to another node.
fn stopping() -> Response {
    let retry = [(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S))];
    let problem = Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::Draining,
        "this node is stopping",
    );
    (retry, problem).into_response()
}

async fn serve<O>(upgrade: OnUpgrade, entry: Entry, dialect: Dialect, open: O)
where
    O: FnOnce(&Entry) -> (Client, Box<dyn Protocol>) + Send + 'static,
{
    let Ok(Ok(upgraded)) = timeout(UPGRADE_TIMEOUT, upgrade).await else {
        debug!(
            protocol = dialect.name(),
            "connection lost before it was upgraded"
        );
        return;
    };
    let driver = start(upgraded, &entry, open);
    drop(entry);
    driver.await.run(dialect).await;
}

/// Opens the session of a connection that is upgraded.
fn start<O>(upgraded: Upgraded, entry: &Entry, open: O) -> impl Future<Output = Driver> + use<O>
where
    O: FnOnce(&Entry) -> (Client, Box<dyn Protocol>),
{
    let (client, protocol) = open(entry);
    debug!(user = %client.session.member().user, "client connected");
    Driver::new(upgraded, client, protocol, entry.services.settings)
}

async fn verify(services: &Services, token: Option<SecretString>) -> Result<Identity, AuthError> {
    let token = token.ok_or(AuthError::Missing)?;
    let now = SystemTime::now();
    services.verifier.verify(token.expose_secret(), now).await
}

/// What a client offers as subprotocols.
#[derive(Default)]
pub(super) struct Offer {
    pub(super) bearer: bool,
    pub(super) token: Option<SecretString>,
}

impl Offer {
    /// A token is what follows `bearer`.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut offered = headers
            .get_all(SEC_WEBSOCKET_PROTOCOL)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim);
        if !offered.any(|name| name == BEARER) {
            return Self::default();
        }
        let token = offered.next().filter(|token| !token.is_empty());
        Self {
            bearer: true,
            token: token.map(SecretString::from),
        }
    }
}

/// The resume token in the query, if there is one that can be.
fn resume_token(request: &Request) -> Option<Box<str>> {
    let query = request.uri().query()?;
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let (_, token) = pairs.find(|(name, _)| name == "resumeToken")?;
    (!token.is_empty() && token.len() <= MAX_RESUME_TOKEN).then(|| token.into())
}

fn unauthorized() -> Response {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        ErrorCode::AuthRequired,
        AUTHENTICATION_ERROR,
    )
    .into_response()
}

/// Says what a WebSocket takes (RFC 6455 §4.2.1 and §4.4, RFC 9110 §15.5.22).
fn not_an_upgrade(error: &Error) -> Response {
    debug!(%error, "no upgrade");
    if let Error::Protocol(
        ProtocolError::MissingSecWebSocketKey | ProtocolError::InvalidSecWebSocketKey,
    ) = error
    {
        let message = "Sec-WebSocket-Key must be 16 bytes in base64";
        return Problem::new(StatusCode::BAD_REQUEST, ErrorCode::InvalidPayload, message)
            .into_response();
    }
    let wanted = [
        (UPGRADE, HeaderValue::from_static("websocket")),
        (SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13")),
    ];
    let problem = Problem::new(
        StatusCode::UPGRADE_REQUIRED,
        ErrorCode::InvalidPayload,
        "this address is for WebSockets, version 13",
    );
    (wanted, problem).into_response()
}

#[cfg(test)]
#[path = "tests/upgrade.rs"]
mod tests;
