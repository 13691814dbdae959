//! What nodes tell each other about themselves, and what the Admin UI is told of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::hub::Seen;

/// The most names of a connection that are shown.
const MAX_NAMES: usize = 8;

/// The longest name and text that is shown, in bytes.
const MAX_TEXT: usize = 64;

/// What the Admin UI calls the client behind a connection: so many characters of its id.
const CLIENT_ID: usize = 12;

/// The namespace of clients.
pub(super) const NAMESPACE: &str = "/";

/// A connection, such that a thousand of them take no more than a megabyte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Listed {
    pub(super) id: String,
    transport: String,
    user: String,
    username: String,
    since: u64,
    rooms: Vec<String>,
}

impl From<Seen> for Listed {
    fn from(seen: Seen) -> Self {
        let short = |name: &String| name.len() <= MAX_TEXT;
        let names = seen.names.into_iter();
        Self {
            id: seen.id,
            transport: seen.carrier.to_owned(),
            user: beginning(&seen.user),
            username: beginning(&seen.username),
            since: seen.since,
            // A part of a name would be another name.
            rooms: names.filter(short).take(MAX_NAMES).collect(),
        }
    }
}

/// As much of a text as is shown.
fn beginning(text: &str) -> String {
    if text.len() <= MAX_TEXT {
        return text.to_owned();
    }
    let mut shown: String = text.chars().take(MAX_TEXT / 4).collect();
    shown.push('…');
    shown
}

impl Listed {
    /// The connection as the Admin UI wants it. It has a place for the request of the client,
    /// which the gateway does not keep, and which would hold secrets.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "clientId": self.id.chars().take(CLIENT_ID).collect::<String>(),
            "transport": self.transport,
            "nsp": NAMESPACE,
            "data": { "userId": self.user, "username": self.username },
            "handshake": {
                "address": "",
                "headers": {},
                "query": {},
                "issued": self.since,
                "secure": false,
                "time": "",
                "url": "",
                "xdomain": false,
            },
            "rooms": self.rooms,
        })
    }
}

/// How a node is, in the form of the Admin UI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServerStats {
    pub(super) server_id: String,
    pub(super) hostname: String,
    pub(super) pid: u32,
    /// Seconds.
    pub(super) uptime: u64,
    pub(super) clients_count: usize,
    pub(super) polling_clients_count: usize,
    pub(super) aggregated_events: Vec<Aggregated>,
    pub(super) namespaces: Vec<NamespaceSize>,
}

/// How often something happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Aggregated {
    /// Milliseconds since the Unix epoch.
    pub(super) timestamp: u64,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) count: u64,
}

/// How many are connected to a namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NamespaceSize {
    pub(super) name: String,
    pub(super) sockets_count: usize,
}

/// How a node is, and who is connected to it: a part of them, if they are many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Report {
    pub(super) stats: ServerStats,
    pub(super) sockets: Vec<Listed>,
}

/// The connections of one node, by id.
pub(super) type Listing = BTreeMap<String, Listed>;

/// An event of the Admin UI: its name and arguments. It adds the time itself.
pub(super) type News = (&'static str, Vec<Value>);

/// What is new in a listing.
pub(super) fn changes(former: &Listing, now: &Listing) -> Vec<News> {
    let mut news = Vec::new();
    for id in former.keys().filter(|id| !now.contains_key(*id)) {
        news.push(disconnected(id, "left"));
    }
    for (id, socket) in now {
        match former.get(id) {
            None => news.push(("socket_connected", vec![socket.to_json()])),
            Some(former) => compare(former, socket, &mut news),
        }
    }
    news
}

fn compare(former: &Listed, now: &Listed, news: &mut Vec<News>) {
    let room = |room: &String| {
        vec![
            NAMESPACE.into(),
            room.as_str().into(),
            now.id.as_str().into(),
        ]
    };
    if former.transport != now.transport {
        let update = json!({ "id": now.id, "nsp": NAMESPACE, "transport": now.transport });
        news.push(("socket_updated", vec![update]));
    }
    let left = former.rooms.iter().filter(|name| !now.rooms.contains(name));
    news.extend(left.map(|name| ("room_left", room(name))));
    let joined = now.rooms.iter().filter(|name| !former.rooms.contains(name));
    news.extend(joined.map(|name| ("room_joined", room(name))));
}

/// A connection is gone.
pub(super) fn disconnected(id: &str, reason: &str) -> News {
    let args = [NAMESPACE, id, reason].map(Value::from);
    ("socket_disconnected", args.into())
}

#[cfg(test)]
#[path = "tests/report.rs"]
mod tests;
