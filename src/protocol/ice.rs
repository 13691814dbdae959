//! The STUN and TURN servers that a client is given, with its credentials for them.

use std::{borrow::Cow, fmt, sync::Arc};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer, ser::SerializeSeq as _};

/// Where the servers are, as URIs (RFC 7064, RFC 7065); the same for all clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TurnUris {
    /// All, in the order in which they were configured.
    pub all: Vec<String>,
    /// Those that answer anybody: STUN.
    pub open: Vec<String>,
    /// Those that want credentials: TURN.
    pub relays: Vec<String>,
}

/// The servers for one client. Serialised it is what `RTCConfiguration.iceServers` takes
/// (W3C WebRTC §4.2): STUN servers, if there are any, and TURN servers with the credentials.
#[derive(Clone)]
pub struct IceServers {
    /// Where they are.
    pub uris: Arc<TurnUris>,
    /// Who the client is there: when the credentials expire, a colon, its user id.
    pub username: String,
    /// The proof of that, in Base64.
    pub password: String,
    /// How long the credentials were good when they were made, in seconds.
    pub ttl: u64,
    /// When they expire, in seconds since the Unix epoch.
    pub expires_at: u64,
}

impl fmt::Debug for IceServers {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceServers")
            .field("username", &self.username)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// One server, as `RTCIceServer` has it.
#[derive(Serialize, JsonSchema)]
struct IceServer<'a> {
    #[schemars(with = "Vec<String>")]
    urls: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<&'a str>,
}

impl JsonSchema for IceServers {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "IceServers".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        <Vec<IceServer<'_>>>::json_schema(generator)
    }
}

impl Serialize for IceServers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let open = IceServer {
            urls: &self.uris.open,
            username: None,
            credential: None,
        };
        let relays = IceServer {
            urls: &self.uris.relays,
            username: Some(&self.username),
            credential: Some(&self.password),
        };
        let mut list = serializer.serialize_seq(None)?;
        for server in [open, relays] {
            if !server.urls.is_empty() {
                list.serialize_element(&server)?;
            }
        }
        list.end()
    }
}

/// `ice:servers`: newer credentials, in time before the former expire.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline, title = "IceServersRenewed")]
pub struct IceServersPayload<'a> {
    ice_servers: &'a IceServers,
    /// How long the credentials are good, in seconds.
    ttl: u64,
    /// When they expire, in seconds since the Unix epoch.
    expires_at: u64,
}

impl<'a> From<&'a IceServers> for IceServersPayload<'a> {
    fn from(servers: &'a IceServers) -> Self {
        Self {
            ice_servers: servers,
            ttl: servers.ttl,
            expires_at: servers.expires_at,
        }
    }
}

/// The answer to `GET /turn-credentials`: the members of the usual REST API for TURN
/// (draft-uberti-behave-turn-rest-00 §2.2), and the same as browsers take it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TurnCredentials<'a> {
    username: &'a str,
    password: &'a str,
    ttl: u64,
    uris: &'a [String],
    ice_servers: &'a IceServers,
}

impl<'a> From<&'a IceServers> for TurnCredentials<'a> {
    fn from(servers: &'a IceServers) -> Self {
        Self {
            username: &servers.username,
            password: &servers.password,
            ttl: servers.ttl,
            uris: &servers.uris.all,
            ice_servers: servers,
        }
    }
}

#[cfg(test)]
#[path = "tests/ice.rs"]
mod tests;
