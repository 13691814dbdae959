//! The namespace `/admin` of the Socket.IO Admin UI, protocol of `@socket.io/admin-ui` 0.5.
//!
//! | module | what is there |
//! |---|---|
//! | `credentials` | who may look |
//! | `desk` | what is known of all nodes, and told to whoever looks |
//! | `report` | what nodes tell each other about themselves |
//! | `command` | what operators ask |
//! | `watcher` | one operator |
//!
//! Nothing here is called when a client connects or an event passes. While somebody looks, each
//! node says every two seconds how it is and who is connected, up to a bound; what is new since the
//! last time is told in the UI's own events. So it costs the same on a busy node, and nothing while
//! nobody looks.

pub(super) mod command;
mod credentials;
mod desk;
mod report;
mod watcher;

use std::{fmt::Display, future::Future, num::NonZeroU32, pin::Pin, sync::Arc, time::SystemTime};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use serde_json::{Value as Json, json};
use socketioxide::{
    extract::Data,
    handler::{ConnectHandler, DisconnectHandler, FromConnectParts as _, MessageHandler},
    socket::DisconnectReason,
};
use socketioxide_core::Value;
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

use self::{command::Command, credentials::Credentials, desk::Desk, watcher::Watcher};
use super::{
    frame::json_text,
    handshake::Handshake,
    lifecycle::MAX_REFUSALS,
    namespace::{Adapter, Socket},
};
use crate::{
    cluster::{SubscribeError, Subscription},
    config::{AdminUiConfig, SocketParser},
    hub::Hub,
};

pub(super) use desk::ADMIN;

/// What the Admin UI takes for a reason to ask for the password again.
const INVALID: &str = "invalid credentials";

/// How many passwords a second may be tried on a node, by whomever, once as many were.
const TRIES: NonZeroU32 = NonZeroU32::MIN.saturating_add(4);

/// The connect handler of the namespace.
#[derive(Clone)]
pub(super) struct AdminGate(Arc<Admin>);

struct Admin {
    desk: Arc<Desk>,
    credentials: Credentials,
    readonly: bool,
    tries: DefaultDirectRateLimiter,
    parser: SocketParser,
    /// Both end with the namespace.
    _subscription: Option<Subscription>,
    _upkeep: AbortOnDropHandle<()>,
}

type Verdict = Result<(), Box<dyn Display + Send>>;

impl AdminGate {
    /// Opens the desk.
    ///
    /// # Errors
    /// When the link to Redis is shut down.
    pub(super) fn open(
        hub: &Arc<Hub>,
        config: &AdminUiConfig,
        parser: SocketParser,
    ) -> Result<Self, SubscribeError> {
        let desk = Desk::new(hub, &config.node);
        Ok(Self(Arc::new(Admin {
            credentials: Credentials::new(config),
            readonly: config.readonly,
            tries: RateLimiter::direct(Quota::per_second(TRIES)),
            parser,
            _subscription: desk.listen()?,
            _upkeep: AbortOnDropHandle::new(tokio::spawn(Arc::clone(&desk).keep_up())),
            desk,
        })))
    }
}

impl Admin {
    fn admit(&self, socket: &Arc<Socket>, auth: &Option<Value>) -> bool {
        let auth = match Data::<Json>::from_connect_parts(socket, auth) {
            Ok(Data(auth)) => auth,
            Err(_) => return false,
        };
        let text = |name: &str| auth.get(name).and_then(Json::as_str).unwrap_or_default();
        let (user, password) = (text("username"), text("password"));
        if self.credentials.knows(text("sessionId"), SystemTime::now()) {
            return true;
        }
        if password.is_empty() || self.tries.check().is_err() {
            return false;
        }
        self.credentials.fit(user, password)
    }

    /// Welcomes an operator.
    fn welcome(&self, socket: Arc<Socket>) {
        let Some(handshake) = Handshake::of(&socket) else {
            return;
        };
        let transport = Arc::clone(handshake.transport());
        if self.parser == SocketParser::MsgPack {
            // Its answer to CONNECT cannot be told from an event, and went out just now.
            transport.count_message();
        }
        let sid = socket.id;
        let watcher = Arc::new(Watcher::new(Arc::clone(&socket), transport));
        let session = self.credentials.session(SystemTime::now());
        watcher.tell("session", &[session.into()]);
        watcher.tell("config", &[json!({ "supportedFeatures": self.features() })]);
        if self.desk.enter(watcher) {
            info!(%sid, readonly = self.readonly, "an operator looks through the Admin UI");
        } else {
            warn!(%sid, "too many operators look through the Admin UI");
            drop(socket.disconnect());
        }
    }

    fn features(&self) -> Vec<&'static str> {
        let mut features = vec!["AGGREGATED_EVENTS", "ALL_EVENTS"];
        if !self.readonly {
            features.extend([
                "EMIT",
                "JOIN",
                "LEAVE",
                "DISCONNECT",
                "MJOIN",
                "MLEAVE",
                "MDISCONNECT",
            ]);
        }
        features
    }

    fn handle(&self, socket: &Arc<Socket>, value: Value) {
        let sid = socket.id;
        let Ok(text) = json_text(socket, value) else {
            return warn!(%sid, "an operator's command cannot be read");
        };
        match Command::read(text.as_str()) {
            Ok(command) if self.readonly => {
                warn!(%sid, command = command.name(), "an operator's command was refused: read-only");
            }
            Ok(command) => {
                let (name, target) = (command.name(), command.target().unwrap_or("all"));
                info!(%sid, command = name, target, "an operator's command");
                self.desk.carry_out(command);
            }
            Err(error) => warn!(%sid, %error, "an operator's command was refused"),
        }
    }
}

impl ConnectHandler<Adapter, ()> for AdminGate {
    fn call(&self, socket: Arc<Socket>, _: Option<Value>) {
        self.0.welcome(socket);
    }

    fn call_middleware<'a>(
        &'a self,
        socket: Arc<Socket>,
        auth: &'a Option<Value>,
    ) -> Pin<Box<dyn Future<Output = Verdict> + Send + 'a>> {
        let verdict = if self.0.admit(&socket, auth) {
            // Registered before the client knows that it is connected.
            socket.on_fallback(Commands(self.clone()));
            socket.on_disconnect(Leaving(self.clone()));
            Ok(())
        } else {
            info!(sid = %socket.id, "an operator was refused");
            if let Some(handshake) = Handshake::of(&socket)
                && handshake.refused() >= MAX_REFUSALS
            {
                handshake.transport().cut();
            }
            Err(Box::new(INVALID) as Box<dyn Display + Send>)
        };
        Box::pin(std::future::ready(verdict))
    }
}

/// The handler of an operator's events.
struct Commands(AdminGate);

impl MessageHandler<Adapter, ()> for Commands {
    fn call(&self, socket: Arc<Socket>, value: Value, _: Option<i64>) {
        self.0.0.handle(&socket, value);
    }
}

/// The disconnect handler of an operator.
struct Leaving(AdminGate);

impl DisconnectHandler<Adapter, ()> for Leaving {
    fn call_with_defer(&self, socket: Arc<Socket>, _: DisconnectReason, defer: fn(Arc<Socket>)) {
        self.0.0.desk.leave(socket.id);
        defer(socket);
    }
}
