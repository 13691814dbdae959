//! Puts the parsed values together, and checks what concerns more than one.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use secrecy::ExposeSecret;
use url::Url;

use super::admin_ui::admin_ui;
use super::api::api_keys;
use super::cluster::cluster;
use super::events::{channels, emitter_key};
use super::limits::{clients, door};
use super::reader::Reader;
use super::services::{chat, services};
use super::tls::tls;
use super::traces::traces;
use super::turn::turn;
use super::{
    AdminConfig, AuthConfig, Config, EngineConfig, KeySource, ListenConfig, LogConfig, LogFormat,
    Origin, OriginConfig, RoomConfig, RsaPublicKey, ShutdownConfig, SocketParser,
};

/// Every TCP port, and 0 for "any free one".
const PORT: RangeInclusive<u64> = 0..=65_535;
/// A call needs two; in a mesh each peer uploads to every other, which nothing survives at 100.
const MAX_P2P_PEERS: RangeInclusive<u64> = 2..=100;
/// 0 turns the window off. Every waiting peer buffers its events, so not more than ten minutes.
const RECONNECT_WINDOW_MS: RangeInclusive<u64> = 0..=600_000;
/// From the one second that Redis expiry can tell apart, to one day.
const PRESENCE_TTL_MS: RangeInclusive<u64> = 1_000..=86_400_000;
/// Below a tenth of a second pings are the load; above five minutes every NAT forgets the flow.
const PING_INTERVAL_MS: RangeInclusive<u64> = 100..=300_000;
/// Shorter than a slow round trip disconnects the living; longer keeps the dead.
const PING_TIMEOUT_MS: RangeInclusive<u64> = 100..=300_000;
/// From a small session description to 16 MiB, beyond which one client could hurt the others.
const MAX_PAYLOAD_BYTES: RangeInclusive<u64> = 1_024..=16_777_216;
/// 0 closes at once; platforms seldom wait longer than ten minutes before they kill.
const SHUTDOWN_GRACE_MS: RangeInclusive<u64> = 0..=600_000;
/// Below a tenth of a second honest clients are cut off; beyond five minutes a connection that says
/// nothing is none.
pub(super) const PATIENCE_MS: RangeInclusive<u64> = 100..=300_000;
/// Longest host name in text form (RFC 1035 §2.3.4).
const MAX_HOST_BYTES: usize = 253;

fn rooms(reader: &mut Reader) -> RoomConfig {
    RoomConfig {
        max_p2p_peers: size(reader, "MAX_P2P_PEERS", MAX_P2P_PEERS),
        reconnect_window: reader.millis("RECONNECT_WINDOW_MS", RECONNECT_WINDOW_MS),
        presence_ttl: reader.millis("PRESENCE_TTL_MS", PRESENCE_TTL_MS),
    }
}

/// The configuration; `None` only where a mistake leaves nothing to stand in.
pub(super) fn config(reader: &mut Reader, terminal: bool) -> Option<Config> {
    let admin = AdminConfig {
        listen: listen(reader, "ADMIN_HOST", "ADMIN_PORT"),
        port_given: reader.is_given("ADMIN_PORT"),
    };
    let listen = listen(reader, "HOST", "PORT");
    let tls = tls(reader);
    let origins = origins(reader);
    let dev = reader.switch("DEV");
    let dev_key_file = dev_key_file(reader, dev);
    let auth = auth(reader, dev);
    let engine = engine(reader);
    let rooms = rooms(reader);
    let cluster = cluster(reader);
    let services = services(reader);
    let chat = chat(reader);
    let turn = turn(reader);
    let node = cluster.as_ref().map(|cluster| &*cluster.node);
    let admin_ui = admin_ui(reader, node);
    let channels = channels(reader);
    let api_keys = api_keys(reader);
    let emitter_key = emitter_key(reader);
    let clients = clients(reader);
    let door = door(reader, clients.limited);
    let grace = reader.millis("SHUTDOWN_GRACE_MS", SHUTDOWN_GRACE_MS);
    let format = log_format(reader, terminal);
    let traces = traces(reader);
    Some(Config {
        listen,
        tls,
        admin,
        admin_ui,
        origins,
        auth: auth?,
        engine,
        rooms,
        cluster,
        services,
        chat,
        turn,
        channels,
        api_keys,
        emitter_key,
        clients,
        door,
        shutdown: ShutdownConfig { grace },
        log: LogConfig { format },
        traces,
        dev,
        dev_key_file,
    })
}

/// Only the place: the key is read, or made, when the gateway starts.
fn dev_key_file(reader: &mut Reader, dev: bool) -> Option<PathBuf> {
    let path = reader.text("DEV_KEY_FILE")?;
    if path.is_empty() {
        reader.mistake("DEV_KEY_FILE", "is blank");
    } else if !dev {
        reader.mistake("DEV_KEY_FILE", "is for development: it needs DEV=true");
    }
    Some(PathBuf::from(path))
}

fn listen(reader: &mut Reader, host: &'static str, port: &'static str) -> ListenConfig {
    let (host_name, port_name) = (host, port);
    let text = reader.text(host_name).unwrap_or_default();
    let host = text
        .strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(&text);
    if !is_host(host) {
        reader.mistake(host_name, "must be an IP address or a host name");
    }
    let port = u16::try_from(reader.number(port_name, PORT)).unwrap_or_default();
    ListenConfig {
        host: host.to_owned(),
        port,
    }
}

/// An IP address or a host name.
pub(super) fn is_host(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok() || is_host_name(text)
}

/// A host name as in RFC 1123 §2.1. One whose last label is a number would be a mistyped address.
fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= MAX_HOST_BYTES
        && text.split('.').all(is_label)
        && !last.chars().all(|c| c.is_ascii_digit())
}

fn origins(reader: &mut Reader) -> OriginConfig {
    let list = reader.text("CLIENT_URL").unwrap_or_default();
    let mut allowed = Vec::new();
    for (index, entry) in list.split(',').map(str::trim).enumerate() {
        // A trailing slash is what one copies from the address bar; it means nothing else here.
        match Origin::parse(entry.strip_suffix('/').unwrap_or(entry)) {
            Ok(origin) if allowed.contains(&origin) => {}
            Ok(origin) => allowed.push(origin),
            // Not quoted: a URL may hold a password.
            Err(error) => reader.mistake("CLIENT_URL", format!("entry {} {error}", index + 1)),
        }
    }
    OriginConfig {
        allowed,
        require_origin: reader.switch("REQUIRE_ORIGIN"),
    }
}

fn auth(reader: &mut Reader, dev: bool) -> Option<AuthConfig> {
    let cookie = reader.text("AUTH_COOKIE").unwrap_or_default();
    if cookie.is_empty() || !cookie.chars().all(is_token_char) {
        reader.mistake(
            "AUTH_COOKIE",
            "must be a cookie name: letters, digits and !#$%&'*+-.^_`|~",
        );
    }
    let issuer = reader.text("JWT_ISSUER");
    let audience = reader.text("JWT_AUDIENCE");
    for (name, value) in [("JWT_ISSUER", &issuer), ("JWT_AUDIENCE", &audience)] {
        if value.as_deref().is_some_and(str::is_empty) {
            reader.mistake(name, "is blank; leave it out to accept any");
        }
    }
    let keys = key_source(reader, dev)?;
    Some(AuthConfig {
        keys,
        issuer,
        audience,
        cookie,
    })
}

/// `tchar` of RFC 9110 §5.6.2, of which a cookie's name consists (RFC 6265 §4.1.1).
fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

fn key_source(reader: &mut Reader, dev: bool) -> Option<KeySource> {
    let pem_given = reader.is_given("JWT_PUBLIC_KEY") || reader.is_given("JWT_PUBLIC_KEY_FILE");
    let url_given = reader.is_given("JWKS_URL");
    if pem_given && url_given {
        reader.mistake(
            "JWKS_URL",
            "is given together with JWT_PUBLIC_KEY; keep one",
        );
    }
    // Both are read even then, so that what is wrong in them is told in the same run.
    let pem = pem_given
        .then(|| public_key(reader))
        .flatten()
        .map(KeySource::Pem);
    let jwks = url_given
        .then(|| jwks_url(reader))
        .flatten()
        .map(KeySource::Jwks);
    if !pem_given && !url_given {
        if dev {
            return Some(KeySource::Dev);
        }
        reader.mistake(
            "JWT_PUBLIC_KEY",
            "is missing: set it, JWT_PUBLIC_KEY_FILE or JWKS_URL (or DEV=true to try things out)",
        );
    }
    pem.or(jwks)
}

fn public_key(reader: &mut Reader) -> Option<RsaPublicKey> {
    let secret = reader.secret("JWT_PUBLIC_KEY")?;
    // Platforms whose variables are single lines write the two characters `\n` for a break.
    let text = secret.expose_secret().replace("\\n", "\n");
    let source = if reader.is_given("JWT_PUBLIC_KEY") {
        "JWT_PUBLIC_KEY"
    } else {
        "JWT_PUBLIC_KEY_FILE"
    };
    RsaPublicKey::from_pem(&text)
        .map_err(|error| reader.mistake(source, error.to_string()))
        .ok()
}

fn jwks_url(reader: &mut Reader) -> Option<Url> {
    let text = reader.text("JWKS_URL")?;
    // Never quoted, for it may hold a password where none belongs.
    let problem = match Url::parse(&text) {
        Err(error) => format!("is not a URL ({error})"),
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            "must begin with http:// or https://".to_owned()
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            "must not hold a user name or password".to_owned()
        }
        Ok(url) => return Some(url),
    };
    reader.mistake("JWKS_URL", problem);
    None
}

fn engine(reader: &mut Reader) -> EngineConfig {
    let parsers = [
        ("common", SocketParser::Common),
        ("msgpack", SocketParser::MsgPack),
    ];
    EngineConfig {
        ping_interval: reader.millis("PING_INTERVAL_MS", PING_INTERVAL_MS),
        ping_timeout: reader.millis("PING_TIMEOUT_MS", PING_TIMEOUT_MS),
        connect_timeout: reader.millis("CONNECT_TIMEOUT_MS", PATIENCE_MS),
        max_payload_bytes: size(reader, "MAX_PAYLOAD_BYTES", MAX_PAYLOAD_BYTES),
        parser: reader
            .choice("SOCKET_PARSER", &parsers)
            .unwrap_or(SocketParser::Common),
    }
}

pub(super) fn size(reader: &mut Reader, name: &str, range: RangeInclusive<u64>) -> usize {
    usize::try_from(reader.number(name, range)).unwrap_or(usize::MAX)
}

fn log_format(reader: &mut Reader, terminal: bool) -> LogFormat {
    let formats = [("pretty", LogFormat::Pretty), ("json", LogFormat::Json)];
    let default = if terminal {
        LogFormat::Pretty
    } else {
        LogFormat::Json
    };
    reader.choice("LOG_FORMAT", &formats).unwrap_or(default)
}
