//! All nodes and all rooms, for operators and backends.
//!
//! Which rooms there are follows from what each node notes of itself (see `life`): nobody has to
//! go through all keys of Redis. To list them costs Redis a look at each room's name, in pieces
//! that hold up nobody.

use std::{collections::BTreeMap, time::Duration};

use redis::{FromRedisValue, Value, cmd};
use serde::{Deserialize, Serialize};

use super::{Cluster, life::LIFE, node::parts, records::Kept, records::Unavailable, users::millis};
use crate::core::{HostState, ModeState, NodeId, PeerRecord, RoomCode, RoomId};

/// How long what a node says of itself counts: it says it again three times in that.
const STATUS_TTL: Duration = Duration::from_secs(15);

/// How many rooms of a node are read in one command.
const PIECE: usize = 1_000;

/// The most rooms that are listed: some 100 MB of names.
const MAX_ROOMS: usize = 1_000_000;

/// The nodes with their last sign of life, and the time by the same clock, in milliseconds.
const NODES_SCRIPT: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return { now, redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES') }";

/// What a node says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeStatus {
    /// Its version.
    pub version: String,
    /// How many clients are connected to it.
    pub connections: usize,
    /// How many rooms it serves.
    pub rooms: usize,
    /// When it was started, in milliseconds since the Unix epoch.
    pub started_at: u64,
}

/// A node as the others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenNode {
    /// Its name, and which of its lives it is.
    pub node: NodeId,
    /// How long ago its last sign of life was.
    pub last_seen: Duration,
    /// Whether that is so recent that it counts as living.
    pub alive: bool,
    /// What it says of itself, if it did so of late.
    pub status: Option<NodeStatus>,
}

/// How many peers of a room each node has, and how media flows in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomCounts {
    /// The names of the nodes, each with the number of its peers.
    pub nodes: BTreeMap<String, u64>,
    /// How media flows, if that ever changed.
    pub mode: Option<ModeState>,
}

/// A room as Redis has it.
#[derive(Clone, Debug)]
pub struct KeptRoom {
    /// By which code it was reached.
    pub code: String,
    /// Its peers, oldest first, each with the name of its node.
    pub peers: Vec<(PeerRecord, String)>,
    /// How media flows, if that ever changed.
    pub mode: Option<ModeState>,
    /// Who was made the host, if anybody ever was.
    pub host: Option<HostState>,
}

impl Cluster {
    /// Says of this node how it is.
    pub async fn show(&self, status: &NodeStatus) {
        let Ok(json) = serde_json::to_string(status) else {
            return;
        };
        let mut set = self.on_estate("SET", self.me(), "status");
        set.arg(json).arg("PX").arg(millis(STATUS_TTL));
        self.all([set]).await;
    }

    /// All nodes, by name.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn all_nodes(&self) -> Result<Vec<SeenNode>, Unavailable> {
        let mut ask = cmd("EVAL");
        ask.arg(NODES_SCRIPT).arg(1).arg(self.nodes_key());
        let (now, signs): (u64, Vec<(String, f64)>) = read(self.command(&ask).await?)?;
        let mut nodes = Vec::with_capacity(signs.len());
        for (name, sign) in signs {
            let node = NodeId::from(&*name);
            let status: Option<Vec<u8>> = read(
                self.command(&self.on_estate("GET", &node, "status"))
                    .await?,
            )?;
            // A node that said goodbye and left something has the sign 0.
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "whole milliseconds, which a double holds"
            )]
            let last_seen = Duration::from_millis(now.saturating_sub(sign.max(0.0) as u64));
            nodes.push(SeenNode {
                node,
                last_seen,
                alive: last_seen < LIFE,
                status: status.and_then(|status| serde_json::from_slice(&status).ok()),
            });
        }
        nodes.sort_by(|one, other| one.node.cmp(&other.node));
        Ok(nodes)
    }

    /// All rooms that nodes serve, by id, each with a code. It may hold some that nobody is in
    /// any more.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn all_rooms(&self) -> Result<BTreeMap<RoomId, RoomCode>, Unavailable> {
        let mut nodes = cmd("ZRANGE");
        nodes.arg(self.nodes_key()).arg(0).arg(-1);
        let nodes: Vec<String> = read(self.command(&nodes).await?)?;
        let mut rooms = BTreeMap::new();
        for node in nodes {
            self.add_rooms(&NodeId::from(&*node), &mut rooms).await?;
        }
        Ok(rooms)
    }

    async fn add_rooms(
        &self,
        node: &NodeId,
        rooms: &mut BTreeMap<RoomId, RoomCode>,
    ) -> Result<(), Unavailable> {
        let mut cursor = 0_u64;
        loop {
            let mut scan = self.on_estate("HSCAN", node, "rooms");
            scan.arg(cursor).arg("COUNT").arg(PIECE);
            let (next, piece): (u64, Vec<(String, String)>) = read(self.command(&scan).await?)?;
            let piece = piece.into_iter();
            rooms.extend(
                piece.filter_map(|(id, code)| Some((RoomId::new(&id), code.parse().ok()?))),
            );
            if next == 0 || rooms.len() >= MAX_ROOMS {
                return Ok(());
            }
            cursor = next;
        }
    }

    /// How many are in a room.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn count_room(&self, room: &RoomId) -> Result<RoomCounts, Unavailable> {
        let nodes: BTreeMap<String, i64> = read(
            self.command(&self.on_room("HGETALL", room, ":nodes"))
                .await?,
        )?;
        let nodes = nodes.into_iter();
        Ok(RoomCounts {
            nodes: nodes
                .filter_map(|(name, count)| Some((name, u64::try_from(count).ok()?)))
                .filter(|(_, count)| *count > 0)
                .collect(),
            mode: self.kept_json(room, ":mode").await?,
        })
    }

    /// What Redis has of a room; nothing if nobody is in it.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn kept_room(&self, room: &RoomId) -> Result<Option<KeptRoom>, Unavailable> {
        let peers = self.on_room("HVALS", room, ":peers");
        let peers: Vec<Vec<u8>> = read(self.command(&peers).await?)?;
        // A record that cannot be read is none of ours.
        let peers = peers
            .iter()
            .filter_map(|kept| serde_json::from_slice(kept).ok());
        let mut peers: Vec<Kept> = peers.collect();
        peers.sort_by_key(|kept| (kept.record.joined, kept.record.id));
        let Some(first) = peers.first() else {
            return Ok(None);
        };
        Ok(Some(KeptRoom {
            code: first.code.clone(),
            mode: self.kept_json(room, ":mode").await?,
            host: self.kept_json(room, ":host").await?,
            peers: peers
                .into_iter()
                .map(|kept| (kept.record, kept.node))
                .collect(),
        }))
    }

    async fn kept_json<T: serde::de::DeserializeOwned>(
        &self,
        room: &RoomId,
        what: &str,
    ) -> Result<Option<T>, Unavailable> {
        let kept = self.command(&self.on_room("GET", room, what)).await?;
        let kept: Option<Vec<u8>> = read(kept)?;
        Ok(kept.and_then(|kept| serde_json::from_slice(&kept).ok()))
    }

    fn on_room(&self, command: &str, room: &RoomId, what: &str) -> redis::Cmd {
        let mut command = cmd(command);
        command.arg(self.prefix().apply(&format!("room:{{{room}}}{what}")));
        command
    }
}

impl SeenNode {
    /// The name of the node, and which of its lives it is.
    pub fn parts(&self) -> (&str, &str) {
        parts(&self.node)
    }
}

fn read<T: FromRedisValue>(answer: Value) -> Result<T, Unavailable> {
    T::from_redis_value(answer).map_err(|_| Unavailable)
}
