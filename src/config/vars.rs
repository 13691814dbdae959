//! The table of variables: the one place where a variable gets its name, default and help.
//!
//! The command line, `--help` and the documentation are derived from it.

/// How a variable is given on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `--flag <VALUE>`.
    Value,
    /// `--flag` alone means `true`.
    Switch,
    /// `--flag <VALUE>` with a value that may begin with hyphens, as PEM does.
    Pem,
}

/// One variable.
pub(super) struct Var {
    pub(super) name: &'static str,
    pub(super) default: Option<&'static str>,
    pub(super) kind: Kind,
    pub(super) help: &'static str,
}

const fn var(name: &'static str, default: Option<&'static str>, help: &'static str) -> Var {
    Var {
        name,
        default,
        kind: Kind::Value,
        help,
    }
}

const fn switch(name: &'static str, help: &'static str) -> Var {
    Var {
        name,
        default: Some("false"),
        kind: Kind::Switch,
        help,
    }
}

/// Every variable, in the order of `--help`.
pub(super) const VARS: &[Var] = &[
    var("HOST", Some("0.0.0.0"), "Address or host name to listen on"),
    var(
        "PORT",
        Some("3000"),
        "TCP port to listen on; 0 takes any free one",
    ),
    var(
        "TLS_CERT",
        None,
        "File with the certificate chain (PEM), by which HOST and PORT speak TLS; read anew when it changes [default: no TLS]",
    ),
    var(
        "TLS_KEY",
        None,
        "File with the private key (PEM) of TLS_CERT",
    ),
    var(
        "ADMIN_HOST",
        Some("127.0.0.1"),
        "Address or host name for operators and backends: GET /metrics, the server API",
    ),
    var(
        "ADMIN_PORT",
        Some("9464"),
        "TCP port for operators; 0 takes any free one, as does the default if it is taken",
    ),
    var(
        "ADMIN_UI_USER",
        None,
        "User of the Socket.IO Admin UI, in the namespace /admin [default: it is off]",
    ),
    var(
        "ADMIN_UI_PASSWORD",
        None,
        "Password of ADMIN_UI_USER, at least 12 characters",
    ),
    var(
        "ADMIN_UI_PASSWORD_FILE",
        None,
        "File that holds ADMIN_UI_PASSWORD",
    ),
    var(
        "ADMIN_UI_READONLY",
        Some("true"),
        "Whether the Admin UI may only look, and not emit, join, leave and disconnect",
    ),
    var(
        "CLIENT_URL",
        Some("http://localhost:5173"),
        "Allowed web origins besides the gateway's own, separated by commas",
    ),
    Var {
        name: "JWT_PUBLIC_KEY",
        default: None,
        kind: Kind::Pem,
        help: "RSA public key (PEM) that verifies tokens; \\n may stand for line breaks",
    },
    var(
        "JWT_PUBLIC_KEY_FILE",
        None,
        "File that holds JWT_PUBLIC_KEY",
    ),
    var(
        "JWKS_URL",
        None,
        "URL of the JSON Web Key Set that verifies tokens",
    ),
    var("JWT_ISSUER", None, "Issuer (iss) that tokens must carry"),
    var(
        "JWT_AUDIENCE",
        None,
        "Audience (aud) that tokens must carry",
    ),
    var(
        "AUTH_COOKIE",
        Some("access_token"),
        "Name of the cookie that carries the token",
    ),
    switch("REQUIRE_ORIGIN", "Refuse requests without an Origin header"),
    var(
        "SOCKET_PARSER",
        Some("common"),
        "Socket.IO packet encoding: common or msgpack",
    ),
    switch(
        "DEV",
        "Development: own key pair, POST /dev/login, the demo. Never in production",
    ),
    var(
        "DEV_KEY_FILE",
        None,
        "PEM file with the key pair of development, made if it is missing: nodes that share it know each other's users",
    ),
    var(
        "REDIS_URL",
        None,
        "Redis that joins several nodes into one: redis://, rediss://, redis+sentinel:// or redis+cluster://",
    ),
    var("REDIS_URL_FILE", None, "File that holds REDIS_URL"),
    var(
        "REDIS_HOST",
        None,
        "Host of a single Redis, in place of REDIS_URL",
    ),
    var("REDIS_PORT", Some("6379"), "Port of REDIS_HOST"),
    var("REDIS_PASSWORD", None, "Password of REDIS_HOST"),
    var(
        "REDIS_PASSWORD_FILE",
        None,
        "File that holds REDIS_PASSWORD",
    ),
    var("REDIS_DB", Some("0"), "Database of REDIS_HOST"),
    var(
        "REDIS_KEY_PREFIX",
        None,
        "What goes before every key and channel, so that deployments can share one Redis",
    ),
    var(
        "NODE_ID",
        None,
        "Name of this node among the others [default: random]",
    ),
    switch(
        "READY_WITHOUT_REDIS",
        "Stay ready (degraded) while a configured Redis is away",
    ),
    var(
        "ROOM_SERVICE_URL",
        None,
        "Room Service that says which rooms there are [default: any valid code is a room]",
    ),
    var(
        "CHAT_SERVICE_URL",
        None,
        "Chat Service that stores what is said; without one it is kept while its room lives",
    ),
    var(
        "EVENT_CHANNELS",
        None,
        "Channels on which backends speak, beyond the usual ones, as a JSON array",
    ),
    var(
        "EVENT_CHANNELS_FILE",
        None,
        "File that holds EVENT_CHANNELS",
    ),
    var(
        "API_KEY",
        None,
        "Keys of the server API on the admin listener, each as key or name:key, separated by commas [default: no API]",
    ),
    var("API_KEY_FILE", None, "File that holds API_KEY"),
    var(
        "EMITTER_KEY",
        Some("socket.io"),
        "What the Redis channels of @socket.io/redis-emitter begin with: its option key",
    ),
    var(
        "CHAT_BUFFER_MAX",
        Some("10000"),
        "Most messages of one room that wait for the Chat Service; beyond that new ones are refused",
    ),
    var(
        "MEDIA_SERVICE_URL",
        None,
        "Media servers (SFU), separated by commas",
    ),
    var(
        "TURN_URIS",
        None,
        "TURN servers that relay media, and STUN servers, separated by commas: turn:turn.example:3478?transport=udp",
    ),
    var(
        "TURN_SECRET",
        None,
        "Secret shared with the TURN servers, which signs credentials; of two, separated by a comma, the first signs",
    ),
    var("TURN_SECRET_FILE", None, "File that holds TURN_SECRET"),
    var(
        "TURN_TTL_S",
        Some("3600"),
        "How long a TURN credential is good, in seconds",
    ),
    var(
        "MAX_P2P_PEERS",
        Some("10"),
        "Most peers in a room without a media server",
    ),
    var(
        "RECONNECT_WINDOW_MS",
        Some("5000"),
        "How long a lost peer may come back as the same peer, in milliseconds",
    ),
    var(
        "PRESENCE_TTL_MS",
        Some("30000"),
        "Presence without a heartbeat, in milliseconds",
    ),
    var(
        "PING_INTERVAL_MS",
        Some("25000"),
        "Time between two pings, in milliseconds",
    ),
    var(
        "PING_TIMEOUT_MS",
        Some("20000"),
        "Time a client has to answer a ping, in milliseconds",
    ),
    var(
        "MAX_PAYLOAD_BYTES",
        Some("100000"),
        "Largest message of a client, in bytes",
    ),
    var(
        "MAX_QUEUED_BYTES",
        Some("2097152"),
        "Most bytes of events that wait for one client, and of answers; a slower reader is cut off",
    ),
    var(
        "MAX_CONNECTIONS",
        Some("100000"),
        "Most connections of this node; beyond that clients get 503 and come again",
    ),
    var(
        "MAX_CONNECTIONS_PER_IP",
        Some("5000"),
        "Most connections of one IPv4 address, or of one /64 of IPv6",
    ),
    var(
        "MAX_CONNECTIONS_PER_USER",
        Some("200"),
        "Most connections of one user to this node",
    ),
    var(
        "HANDSHAKES_PER_IP_PER_S",
        Some("200:2000"),
        "Sessions that one address may open, as RATE:BURST: each second, and at once",
    ),
    var(
        "TRUSTED_PROXIES",
        None,
        "Addresses of the proxies before the gateway, and ranges of them (10.0.0.0/8), separated by commas: they are believed about whose a request is",
    ),
    var(
        "TRUSTED_PROXY_HEADER",
        Some("x-forwarded-for"),
        "Where they say it: x-forwarded-for, or forwarded (RFC 7239)",
    ),
    var(
        "HEADER_TIMEOUT_MS",
        Some("10000"),
        "Time in which the head of the first request on a connection has to be there, in milliseconds",
    ),
    var(
        "BODY_TIMEOUT_MS",
        Some("20000"),
        "Time in which the body of a request has to be there, in milliseconds",
    ),
    var(
        "KEEP_ALIVE_TIMEOUT_MS",
        Some("75000"),
        "Time that an HTTP connection may be without a request, in milliseconds; longer than that of proxies before it",
    ),
    var(
        "CONNECT_TIMEOUT_MS",
        Some("15000"),
        "Time in which a new Socket.IO session has to connect to a namespace, in milliseconds",
    ),
    var(
        "RATE_LIMITS",
        Some("on"),
        "on, or off to lift the limits of single clients, for load tests",
    ),
    var(
        "RATE_RELAY",
        Some("1000:5000"),
        "Offers, answers and candidates of one client, as RATE:BURST: each second, and at once",
    ),
    var(
        "RATE_CHAT",
        Some("20:300"),
        "Chat messages of one client, as RATE:BURST",
    ),
    var(
        "RATE_HISTORY",
        Some("20:100"),
        "Pages of chat history of one client, as RATE:BURST",
    ),
    var(
        "RATE_JOIN",
        Some("10:60"),
        "Joins and leaves of one client, as RATE:BURST",
    ),
    var(
        "RATE_SFU",
        Some("200:5000"),
        "Requests of one client to a media server, as RATE:BURST",
    ),
    var(
        "RATE_OTHER",
        Some("50:500"),
        "All other events of one client, as RATE:BURST",
    ),
    var(
        "RATE_REFUSED",
        Some("50:1000"),
        "Refusals of one client by these limits, and frames that cannot be read, as RATE:BURST: beyond that it is disconnected",
    ),
    var(
        "ROOMS_PER_MIN",
        Some("60"),
        "Rooms that one client may join in a minute",
    ),
    var(
        "SHUTDOWN_GRACE_MS",
        Some("10000"),
        "Time over which clients are sent away at shutdown, in milliseconds",
    ),
    var(
        "LOG_FORMAT",
        None,
        "pretty or json [default: pretty on a terminal, else json]",
    ),
    var(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        None,
        "OpenTelemetry collector that gets traces: http://collector:4318, or :4317 for gRPC [default: no traces]",
    ),
    var(
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        Some("http/protobuf"),
        "How it is spoken to: http/protobuf, http/json or grpc",
    ),
    var(
        "OTEL_EXPORTER_OTLP_HEADERS",
        None,
        "Headers for the collector, as name=value separated by commas",
    ),
    var(
        "OTEL_EXPORTER_OTLP_HEADERS_FILE",
        None,
        "File that holds OTEL_EXPORTER_OTLP_HEADERS",
    ),
    var(
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        Some("10000"),
        "Time the collector may take, in milliseconds",
    ),
    var(
        "OTEL_SERVICE_NAME",
        None,
        "Name of the service in traces [default: switchboard]",
    ),
    var(
        "OTEL_RESOURCE_ATTRIBUTES",
        None,
        "What else is said of the service in traces, as name=value separated by commas",
    ),
    var(
        "OTEL_TRACES_SAMPLER",
        Some("parentbased_always_on"),
        "Which traces are recorded: always_on, always_off or traceidratio, each also after parentbased_",
    ),
    var(
        "OTEL_TRACES_SAMPLER_ARG",
        None,
        "Share of the traces that traceidratio records, from 0 to 1",
    ),
];

/// What documentation says about one variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VarDoc {
    /// The environment variable; the flag is the same in lower case with hyphens.
    pub name: &'static str,
    /// The value when unset, if there is a fixed one.
    pub default: Option<&'static str>,
    /// One line of help, with the unit.
    pub help: &'static str,
}

impl VarDoc {
    /// The flag that sets the same, with its two hyphens.
    #[must_use]
    pub fn flag(&self) -> String {
        format!("--{}", flag_name(self.name))
    }
}

/// Every variable the gateway reads, in the order of `--help`: what a documentation's table can be
/// checked against.
#[must_use]
pub fn reference() -> Vec<VarDoc> {
    VARS.iter()
        .map(|v| VarDoc {
            name: v.name,
            default: v.default,
            help: v.help,
        })
        .collect()
}

/// The long name of a variable's flag, without hyphens in front.
pub(super) fn flag_name(variable: &str) -> String {
    variable.to_ascii_lowercase().replace('_', "-")
}
