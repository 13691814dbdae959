//! TURN servers: where they are, and what signs credentials for them.

use std::{fmt, net::Ipv6Addr, ops::RangeInclusive, str::FromStr};

use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;

use super::{TurnConfig, reader::Reader, validate::is_host};

/// From what setting up one call takes, to a week: whoever has a credential uses the relay until
/// it expires, whatever becomes of the user meanwhile.
const TURN_TTL_S: RangeInclusive<u64> = 10..=604_800;

/// Browsers gather candidates from each, and warn when there are many.
const MAX_URIS: usize = 16;

/// What signs, and what signed before or is going to sign.
const MAX_SECRETS: usize = 2;

/// Beyond 64 bytes HMAC-SHA1 has nothing of it (RFC 2104 §3); a longer one is a wrong file.
const MAX_SECRET_BYTES: usize = 256;

/// The TURN servers; nothing if none are configured.
pub(super) fn turn(reader: &mut Reader) -> Option<TurnConfig> {
    // All of it is read in any case, so that what is wrong is told all the same.
    let ttl = reader.seconds("TURN_TTL_S", TURN_TTL_S);
    let uris = uris(reader);
    let secret = secret(reader);
    let uris_given = reader.is_given("TURN_URIS");
    let secret_given = reader.is_given("TURN_SECRET") || reader.is_given("TURN_SECRET_FILE");
    if uris_given && !secret_given {
        reader.mistake("TURN_SECRET", "is missing: TURN_URIS needs it");
    }
    if secret_given && !uris_given {
        reader.mistake("TURN_URIS", "is missing: TURN_SECRET is of no use alone");
    }
    Some(TurnConfig {
        uris: uris?,
        secret: secret?,
        ttl,
    })
}

fn uris(reader: &mut Reader) -> Option<Vec<TurnUri>> {
    let list = reader.text("TURN_URIS")?;
    let mut uris: Vec<TurnUri> = Vec::new();
    let mut wrong = false;
    for (index, entry) in list.split(',').map(str::trim).enumerate() {
        match entry.parse::<TurnUri>() {
            Ok(uri) if uris.contains(&uri) => {}
            Ok(uri) => uris.push(uri),
            Err(error) => {
                wrong = true;
                // Not quoted: what stands before an @ may be a password.
                reader.mistake("TURN_URIS", format!("entry {} {error}", index + 1));
            }
        }
    }
    if uris.len() > MAX_URIS {
        let problem = format!("must have at most {MAX_URIS} entries");
        reader.mistake("TURN_URIS", problem);
    }
    if !wrong && !uris.iter().any(TurnUri::is_relay) {
        let problem = "has no turn: or turns: entry, which is what credentials are for";
        reader.mistake("TURN_URIS", problem);
    }
    Some(uris)
}

/// The secret that signs: the first of those that the servers know.
fn secret(reader: &mut Reader) -> Option<SecretString> {
    let list = reader.secret("TURN_SECRET")?;
    let name = if reader.is_given("TURN_SECRET") {
        "TURN_SECRET"
    } else {
        "TURN_SECRET_FILE"
    };
    let secrets: Vec<&str> = list.expose_secret().split(',').map(str::trim).collect();
    if secrets.len() > MAX_SECRETS {
        let problem = format!("must be one secret, or {MAX_SECRETS} separated by a comma");
        reader.mistake(name, problem);
    }
    for (index, secret) in secrets.iter().enumerate() {
        let problem = if secret.is_empty() {
            "is blank".to_owned()
        } else if secret.len() > MAX_SECRET_BYTES {
            format!("is longer than {MAX_SECRET_BYTES} bytes")
        } else if secret.chars().any(char::is_control) {
            "has a control character or a line break".to_owned()
        } else if secrets.iter().take(index).any(|before| before == secret) {
            "is the same as another".to_owned()
        } else {
            continue;
        };
        reader.mistake(name, format!("secret {} {problem}", index + 1));
    }
    secrets.first().map(|first| SecretString::from(*first))
}

/// The address of a TURN server (RFC 7065) or a STUN server (RFC 7064), as browsers take it in
/// `RTCIceServer.urls`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnUri {
    text: String,
    relay: bool,
}

/// Why a text is no [`TurnUri`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TurnUriError {
    /// Another scheme, or none.
    #[error("must begin with turn:, turns:, stun: or stuns:")]
    Scheme,
    /// `turn://host`, as other URLs are written.
    #[error("must not have // after the scheme: turn:turn.example:3478")]
    Slashes,
    /// A user name or a password, which is what the gateway makes.
    #[error("must not hold a user name or password")]
    Credentials,
    /// No host, or none that can be.
    #[error("must name a host: a name, an IPv4 address, or an IPv6 address in brackets")]
    Host,
    /// Not a TCP or UDP port.
    #[error("must have a port from 1 to 65535, or none")]
    Port,
    /// A query other than the transport of a `turn:` or `turns:` URI.
    #[error(
        "may end in ?transport=udp or ?transport=tcp after turn: or turns:, and in no other query"
    )]
    Query,
}

impl TurnUri {
    /// The URI, its scheme and host in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is a TURN server, which wants credentials.
    #[must_use]
    pub const fn is_relay(&self) -> bool {
        self.relay
    }
}

impl fmt::Display for TurnUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for TurnUri {
    type Err = TurnUriError;

    fn from_str(text: &str) -> Result<Self, TurnUriError> {
        // Everything in it is compared without regard to case (RFC 3986 §6.2.2.1, RFC 7065 §3.1).
        let text = text.to_ascii_lowercase();
        let (scheme, rest) = text.split_once(':').ok_or(TurnUriError::Scheme)?;
        let relay = match scheme {
            "turn" | "turns" => true,
            "stun" | "stuns" => false,
            _ => return Err(TurnUriError::Scheme),
        };
        if rest.starts_with('/') {
            return Err(TurnUriError::Slashes);
        }
        let (address, query) = match rest.split_once('?') {
            Some((address, query)) => (address, Some(query)),
            None => (rest, None),
        };
        if address.contains('@') {
            return Err(TurnUriError::Credentials);
        }
        // RFC 7065 leaves room for others; browsers refuse them.
        if query.is_some_and(|query| !relay || !matches!(query, "transport=udp" | "transport=tcp"))
        {
            return Err(TurnUriError::Query);
        }
        check_address(address)?;
        Ok(Self { text, relay })
    }
}

fn check_address(address: &str) -> Result<(), TurnUriError> {
    let (host_is_good, port) = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or(TurnUriError::Host)?;
            (host.parse::<Ipv6Addr>().is_ok(), port)
        }
        None => {
            let end = address.find(':').unwrap_or(address.len());
            let (host, port) = address.split_at(end);
            (is_host(host), port)
        }
    };
    if !host_is_good {
        return Err(TurnUriError::Host);
    }
    let is_port = |port: &str| {
        port.bytes().all(|byte| byte.is_ascii_digit())
            && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    match port.strip_prefix(':') {
        Some(port) if !is_port(port) => Err(TurnUriError::Port),
        None if !port.is_empty() => Err(TurnUriError::Host),
        _ => Ok(()),
    }
}
