//! Letting clients in, and noticing that they go.

use std::{
    fmt::Display,
    future::Future,
    pin::Pin,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value as Json;
use socketioxide::{
    extract::Data,
    handler::{ConnectHandler, DisconnectHandler, FromConnectParts as _},
    socket::DisconnectReason,
};
use socketioxide_core::Value;
use tracing::{debug, info, warn};

use super::{
    Services,
    connection::{Connection, protocol_of},
    dispatch::{Client, Dispatcher},
    handshake::{Admitted, Handshake, Proof},
    namespace::{Adapter, Socket, room_of},
};
use crate::{
    auth::{AUTHENTICATION_ERROR, AuthError, Identity},
    config::SocketParser,
    hub::{CloseReason, Ending, Link},
    limits::{Class, Crowd},
    telemetry,
};

/// How often a client may fail to authenticate on one connection. Another costs it another
/// handshake.
pub(super) const MAX_REFUSALS: u8 = 3;

/// What a client is told whose user has as many connections as one may.
const TOO_MANY: &str = "Too many connections";

/// The longest resume token, in bytes.
const MAX_RESUME_TOKEN: usize = 512;

/// The connect handler of the namespace `/`.
#[derive(Clone)]
pub(super) struct Gate {
    services: Services,
    parser: SocketParser,
}

type Verdict = Result<(), Box<dyn Display + Send>>;

impl Gate {
    pub(super) fn new(services: Services, parser: SocketParser) -> Self {
        Self { services, parser }
    }

    /// Authenticates the client, and registers its handlers before it is told that it is
    /// connected: what it sends in that moment must find them.
    async fn admit(&self, socket: Arc<Socket>, auth: &Option<Value>) -> Verdict {
        let Some(handshake) = Handshake::of(&socket) else {
            warn!("a session without a handshake was refused");
            return refused();
        };
        if self.services.hub.is_draining() {
            telemetry::connection_refused(protocol_of(&socket), "draining");
            handshake.transport().cut();
            return refused();
        }
        let auth = AuthPayload::of(&socket, auth);
        match self.authenticate(&handshake, auth.token).await {
            Ok(identity) => {
                let member = identity.member();
                let Ok(ticket) = self.services.hub.count(&member.user) else {
                    telemetry::connection_refused(protocol_of(&socket), Crowd::User.name());
                    return Err(Box::new(TOO_MANY));
                };
                let admitted = Admitted {
                    member,
                    resume: auth.resume,
                    expires_at: identity.expires_at,
                };
                handshake.admit(admitted, ticket);
                handshake.proven(identity);
                socket.on_fallback(Dispatcher::new(self.services.verifier.clone()));
                socket.on_disconnect(Farewell);
                Ok(())
            }
            Err(error) => {
                telemetry::connection_refused(protocol_of(&socket), error.reason());
                info!(reason = error.reason(), "client refused");
                if handshake.refused() >= MAX_REFUSALS {
                    handshake.transport().cut();
                }
                refused()
            }
        }
    }

    async fn authenticate(
        &self,
        handshake: &Handshake,
        token: Option<SecretString>,
    ) -> Result<Arc<Identity>, AuthError> {
        let now = SystemTime::now();
        let token = match handshake.proof() {
            Proof::Identity(identity) if is_current(&identity, now) => return Ok(identity),
            Proof::Identity(_) => return Err(AuthError::Expired),
            Proof::Token(token) => token,
            Proof::None => token.ok_or(AuthError::Missing)?,
        };
        self.services
            .verifier
            .verify(token.expose_secret(), now)
            .await
            .map(Arc::new)
    }

    /// Opens the session, then lets the events through that came meanwhile.
    fn open(&self, socket: Arc<Socket>) {
        let Some(handshake) = Handshake::of(&socket) else {
            return;
        };
        let Some(pause) = handshake.waiting() else {
            return;
        };
        let Some(admitted) = pause.admitted() else {
            return;
        };
        if self.parser == SocketParser::MsgPack {
            // Its answer to CONNECT cannot be told from an event, and went out just now.
            handshake.transport().count_message();
        }
        socket.join(room_of(&admitted.member.user));
        let sid = socket.id;
        let connection = Connection::new(socket, Arc::clone(handshake.transport()), self.parser);
        let link: Arc<dyn Link> = Arc::clone(&connection) as Arc<dyn Link>;
        let (session, returning) = self.services.hub.open(
            link,
            admitted.member,
            admitted.expires_at,
            admitted.resume.as_ref().map(ExposeSecret::expose_secret),
        );
        session.known_as(sid.as_str());
        debug!(user = %session.member().user, "client connected");
        if session.spend(Class::Join).is_err() {
            // It connects to the namespace again and again, and costs a session each time.
            connection.close(CloseReason::Abusive);
        }
        let verifier = self.services.verifier.clone();
        Client {
            handshake,
            connection,
            session,
            verifier,
        }
        .come_back(returning, pause);
    }
}

impl ConnectHandler<Adapter, ()> for Gate {
    fn call(&self, socket: Arc<Socket>, _: Option<Value>) {
        self.open(socket);
    }

    fn call_middleware<'a>(
        &'a self,
        socket: Arc<Socket>,
        auth: &'a Option<Value>,
    ) -> Pin<Box<dyn Future<Output = Verdict> + Send + 'a>> {
        Box::pin(self.admit(socket, auth))
    }
}

/// The disconnect handler.
struct Farewell;

impl DisconnectHandler<Adapter, ()> for Farewell {
    fn call_with_defer(
        &self,
        socket: Arc<Socket>,
        reason: DisconnectReason,
        defer: fn(Arc<Socket>),
    ) {
        if let Some(handshake) = Handshake::of(&socket) {
            debug!(sid = %socket.id, %reason, "socket closed");
            if matches!(
                reason,
                DisconnectReason::ClientNSDisconnect | DisconnectReason::ServerNSDisconnect
            ) {
                handshake.end(Ending::Intended);
            } else {
                handshake.transport().ended();
            }
        }
        defer(socket);
    }
}

fn is_current(identity: &Identity, now: SystemTime) -> bool {
    UNIX_EPOCH + Duration::from_secs(identity.expires_at) > now
}

fn refused() -> Verdict {
    Err(Box::new(AUTHENTICATION_ERROR))
}

/// What the CONNECT packet brings. Whatever is not understood counts as not given.
struct AuthPayload {
    token: Option<SecretString>,
    resume: Option<SecretString>,
}

impl AuthPayload {
    fn of(socket: &Arc<Socket>, auth: &Option<Value>) -> Self {
        let mut fields = match Data::<Json>::from_connect_parts(socket, auth) {
            Ok(Data(Json::Object(fields))) => fields,
            _ => serde_json::Map::new(),
        };
        let mut text = |name: &str| match fields.remove(name) {
            Some(Json::String(text)) if !text.is_empty() => Some(text),
            _ => None,
        };
        Self {
            token: text("token").map(SecretString::from),
            resume: text("resumeToken")
                .filter(|token| token.len() <= MAX_RESUME_TOKEN)
                .map(SecretString::from),
        }
    }
}
