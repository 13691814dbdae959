//! Configuration: environment variables, and the same as `--flags`.
//!
//! Everything is read and checked once, at start. Nothing here stops at the first mistake: a
//! wrong deployment should need one correction, not one per restart.
//!
//! The path of a value: `vars` declares it (name, default, help), `flags` takes it from the command
//! line, `reader` chooses (flag before environment before default) and parses, `validate` puts the
//! parsed values together, `effective` tells which they are without their secrets. The value types whose parsing *is* the validation, [`Origin`],
//! [`RsaPublicKey`] and [`TurnUri`], live here too, so that a [`Config`] holds no text that could still be wrong.

mod admin_ui;
mod api;
mod cluster;
mod effective;
mod error;
mod events;
mod flags;
mod limits;
mod origin;
mod reader;
mod rsa_key;
mod services;
mod tls;
mod traces;
mod turn;
mod validate;
mod vars;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::{
    cluster::{KeyPrefix, RedisTarget},
    core::channels::Channels,
    http::TlsIdentity,
    limits::{Rate, Spending, TrustedProxies},
    services::ServiceUrl,
};

pub use self::effective::{Setting, Source};
pub use self::error::{ConfigErrors, EX_USAGE, LoadError, Mistake};
pub use self::origin::{Origin, OriginParseError};
pub use self::rsa_key::{MAX_RSA_BITS, MIN_RSA_BITS, RsaKeyError, RsaPublicKey};
pub use self::traces::{OtlpProtocol, TraceSampler, TracesConfig};
pub use self::turn::{TurnUri, TurnUriError};
pub use self::vars::{VarDoc, reference};

pub(crate) use self::flags::{arguments, command};

/// The whole configuration of one gateway process.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the public listener binds.
    pub listen: ListenConfig,
    /// By which certificate it speaks TLS, if it does (`TLS_CERT`, `TLS_KEY`).
    pub tls: Option<TlsIdentity>,
    /// Where the listener for operators binds.
    pub admin: AdminConfig,
    /// The Admin UI, if operators may look through it.
    pub admin_ui: Option<AdminUiConfig>,
    /// Which web origins may talk to the gateway.
    pub origins: OriginConfig,
    /// How users are authenticated.
    pub auth: AuthConfig,
    /// Engine.IO and Socket.IO wire settings.
    pub engine: EngineConfig,
    /// Room and presence rules.
    pub rooms: RoomConfig,
    /// The other nodes, if there can be any.
    pub cluster: Option<ClusterConfig>,
    /// The services of the deployment.
    pub services: ServicesConfig,
    /// How chat is kept.
    pub chat: ChatConfig,
    /// The TURN servers, if there are any.
    pub turn: Option<TurnConfig>,
    /// The channels on which backends speak (`EVENT_CHANNELS`).
    pub channels: Channels,
    /// Who may use the server API; nobody if it is off (`API_KEY`).
    pub api_keys: Vec<ApiKey>,
    /// What the channels of `@socket.io/redis-emitter` begin with, after the key prefix
    /// (`EMITTER_KEY`).
    pub emitter_key: String,
    /// What single clients may do.
    pub clients: ClientConfig,
    /// How many connections there may be, and how long they may take.
    pub door: DoorConfig,
    /// How the process stops.
    pub shutdown: ShutdownConfig,
    /// How the process logs.
    pub log: LogConfig,
    /// Where traces go, if they go anywhere.
    pub traces: Option<TracesConfig>,
    /// Development mode (`DEV`): a key pair made at start, `POST /dev/login`, the demo.
    pub dev: bool,
    /// Where development mode keeps its key pair, if it is to outlive the process or to be shared
    /// (`DEV_KEY_FILE`).
    pub dev_key_file: Option<PathBuf>,
}

/// Where the public listener binds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenConfig {
    /// An IP address (IPv6 without brackets) or a host name to resolve (`HOST`).
    pub host: String,
    /// TCP port; 0 asks the system for any free one (`PORT`).
    pub port: u16,
}

/// Where the listener for operators binds: metrics, and nothing that is for the public.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminConfig {
    /// The address (`ADMIN_HOST`, `ADMIN_PORT`).
    pub listen: ListenConfig,
    /// Whether the port was asked for. One that was not need not be had: nodes that share a
    /// machine then take other ones.
    pub port_given: bool,
}

/// The Socket.IO Admin UI.
#[derive(Debug, Clone)]
pub struct AdminUiConfig {
    /// The user who may look (`ADMIN_UI_USER`).
    pub user: String,
    /// The password (`ADMIN_UI_PASSWORD`).
    pub password: SecretString,
    /// Whether it may only look (`ADMIN_UI_READONLY`).
    pub readonly: bool,
    /// By which the UI knows this node (`NODE_ID`).
    pub node: String,
}

/// Which web origins may talk to the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginConfig {
    /// The allowed origins besides the gateway's own, without repetition (`CLIENT_URL`).
    pub allowed: Vec<Origin>,
    /// Whether a request without an `Origin` header is refused (`REQUIRE_ORIGIN`).
    pub require_origin: bool,
}

/// How users are authenticated.
#[derive(Debug, Clone)]
pub struct AuthConfig {
    /// Where the keys that verify tokens come from.
    pub keys: KeySource,
    /// The `iss` a token must carry, if any (`JWT_ISSUER`).
    pub issuer: Option<String>,
    /// A value that must be among a token's `aud`, if any (`JWT_AUDIENCE`).
    pub audience: Option<String>,
    /// Name of the cookie that carries the token (`AUTH_COOKIE`).
    pub cookie: String,
}

/// Where the keys that verify tokens come from.
///
/// Development mode adds its own key pair to whichever source is configured: one can then try the
/// demo against a gateway that serves real users' tokens too.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// One fixed public key (`JWT_PUBLIC_KEY` or `JWT_PUBLIC_KEY_FILE`).
    Pem(RsaPublicKey),
    /// A JSON Web Key Set (RFC 7517), fetched and refreshed (`JWKS_URL`).
    Jwks(Url),
    /// None but the key pair of development mode.
    Dev,
}

/// Engine.IO and Socket.IO wire settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineConfig {
    /// Time between two PINGs of the server (`PING_INTERVAL_MS`).
    pub ping_interval: Duration,
    /// How long the answer to a PING may take (`PING_TIMEOUT_MS`).
    pub ping_timeout: Duration,
    /// How long a new session may take to connect to a namespace (`CONNECT_TIMEOUT_MS`).
    pub connect_timeout: Duration,
    /// Largest message accepted from a client, in bytes (`MAX_PAYLOAD_BYTES`).
    pub max_payload_bytes: usize,
    /// The Socket.IO packet encoding (`SOCKET_PARSER`).
    pub parser: SocketParser,
}

/// The Socket.IO packet encoding; clients must use the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketParser {
    /// The default JSON encoding.
    Common,
    /// The encoding of `socket.io-msgpack-parser`.
    MsgPack,
}

/// Room and presence rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomConfig {
    /// Most peers in a room without a media server (`MAX_P2P_PEERS`).
    pub max_p2p_peers: usize,
    /// How long an abruptly lost peer may come back as the same peer (`RECONNECT_WINDOW_MS`).
    pub reconnect_window: Duration,
    /// How long presence lasts without a heartbeat (`PRESENCE_TTL_MS`).
    pub presence_ttl: Duration,
}

/// What joins this node with others.
#[derive(Debug, Clone)]
pub struct ClusterConfig {
    /// Which Redis (`REDIS_URL`, or `REDIS_HOST` and so on).
    pub redis: RedisTarget,
    /// What goes before every name in Redis (`REDIS_KEY_PREFIX`).
    pub prefix: KeyPrefix,
    /// The name of this node; each needs its own (`NODE_ID`).
    pub node: String,
    /// Whether the node is ready while Redis is away (`READY_WITHOUT_REDIS`).
    pub ready_without_redis: bool,
}

/// The services of the deployment, each if there is one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServicesConfig {
    /// The Room Service (`ROOM_SERVICE_URL`).
    pub rooms: Option<ServiceUrl>,
    /// The media servers, without repetition (`MEDIA_SERVICE_URL`).
    pub media: Vec<ServiceUrl>,
}

/// How chat is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatConfig {
    /// The Chat Service, if there is one (`CHAT_SERVICE_URL`).
    pub service: Option<ServiceUrl>,
    /// The most messages of one room that wait for it (`CHAT_BUFFER_MAX`).
    pub buffer_max: usize,
}

/// The TURN servers that relay media, and the credentials for them.
#[derive(Debug, Clone)]
pub struct TurnConfig {
    /// Where they are, without repetition; at least one is a TURN server (`TURN_URIS`).
    pub uris: Vec<TurnUri>,
    /// What they share with the gateway: the secret that signs (`TURN_SECRET`).
    pub secret: SecretString,
    /// How long a credential is good (`TURN_TTL_S`).
    pub ttl: Duration,
}

/// What single clients may do.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// Whether clients, and backends with a key of the server API, are held to rates
    /// (`RATE_LIMITS`).
    pub limited: bool,
    /// What each may send; nothing if there is no limit (`RATE_RELAY` and so on, `ROOMS_PER_MIN`).
    pub spending: Option<Spending>,
    /// The most connections of one user on this node, if there is a limit
    /// (`MAX_CONNECTIONS_PER_USER`).
    pub connections: Option<u32>,
    /// The most bytes that wait for one (`MAX_QUEUED_BYTES`).
    pub queued_bytes: usize,
}

/// How many connections there may be, and how long they may take.
#[derive(Debug, Clone)]
pub struct DoorConfig {
    /// The most connections (`MAX_CONNECTIONS`).
    pub connections: usize,
    /// The most of one address, if there is a limit (`MAX_CONNECTIONS_PER_IP`).
    pub per_ip: Option<u32>,
    /// How often one address may open sessions, if there is a limit (`HANDSHAKES_PER_IP_PER_S`).
    pub handshakes: Option<Rate>,
    /// Who is believed about for whom they ask (`TRUSTED_PROXIES`, `TRUSTED_PROXY_HEADER`).
    pub proxies: TrustedProxies,
    /// How long the head of the first request may take (`HEADER_TIMEOUT_MS`).
    pub header_timeout: Duration,
    /// How long the body of a request may take (`BODY_TIMEOUT_MS`).
    pub body_timeout: Duration,
    /// How long a connection may be without a request (`KEEP_ALIVE_TIMEOUT_MS`).
    pub keep_alive_timeout: Duration,
}

/// A key of the server API.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// Who has it. Several keys of one backend have the same name.
    pub name: Arc<str>,
    /// The key.
    pub key: SecretString,
}

/// How the process stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShutdownConfig {
    /// Time over which clients are sent away after SIGTERM (`SHUTDOWN_GRACE_MS`).
    pub grace: Duration,
}

/// How the process logs. The level filter, `RUST_LOG`, is read by the tracing subscriber.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// The form of a log line (`LOG_FORMAT`).
    pub format: LogFormat,
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Coloured, for people.
    Pretty,
    /// One JSON object per line, for collectors.
    Json,
}

/// What the process finds around itself, as a value, so that tests need not change the real one.
#[derive(Clone, Default)]
pub struct Environment {
    vars: HashMap<String, OsString>,
    terminal: bool,
}

impl Environment {
    /// The variables of this process, and whether its standard output is a terminal.
    #[must_use]
    pub fn of_process() -> Self {
        let vars =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        Self {
            vars: vars.collect(),
            terminal: std::io::stdout().is_terminal(),
        }
    }

    /// Made-up surroundings: these variables and nothing else.
    pub fn new<N: Into<String>, V: Into<OsString>>(
        vars: impl IntoIterator<Item = (N, V)>,
        terminal: bool,
    ) -> Self {
        let vars = vars
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        Self {
            vars: vars.collect(),
            terminal,
        }
    }

    /// The value of a variable; an empty one counts as unset, as container platforms often cannot
    /// remove an inherited variable, only blank it.
    pub(crate) fn var(&self, name: &str) -> Option<&OsString> {
        self.vars.get(name).filter(|value| !value.is_empty())
    }
}

impl Config {
    /// Reads and checks the whole configuration.
    ///
    /// `args` are the command-line arguments with the program name first. A flag wins over the
    /// environment variable of the same name.
    ///
    /// # Errors
    /// [`LoadError::Info`] for `--help` and `--version`; else [`LoadError::Invalid`] with every
    /// mistake that was found, in flags, variables and secret files together.
    pub fn load(
        args: impl IntoIterator<Item = OsString>,
        environment: &Environment,
    ) -> Result<Self, LoadError> {
        Self::load_by(&command(), args, environment).map(|(config, _)| config)
    }

    /// As [`Config::load`], by a command that has the flags of [`command`] and more; and where each
    /// value came from.
    pub(crate) fn load_by(
        command: &clap::Command,
        args: impl IntoIterator<Item = OsString>,
        environment: &Environment,
    ) -> Result<(Self, Vec<Setting>), LoadError> {
        let flags = flags::Flags::parse(command, args)?;
        let mut reader = reader::Reader::open(flags, environment);
        let config = validate::config(&mut reader, environment.terminal);
        let settings = effective::settings(&reader);
        let config = reader.finish(config).map_err(LoadError::Invalid)?;
        Ok((config, settings))
    }
}
