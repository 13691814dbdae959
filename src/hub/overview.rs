//! What operators and backends are told of rooms and nodes.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::{MissedTickBehavior, interval};

use super::{Hub, session::unix_millis};
use crate::{
    cluster::{Cluster, KeptRoom, NodeStatus, Unavailable},
    core::{Mode, PeerId, PeerRecord, RoomCode, RoomId},
};

/// How often a node says of itself how it is.
const SHOW: Duration = Duration::from_secs(5);

/// The longest name of a room that may exist, in bytes.
const MAX_NAME: usize = 128;

/// A room in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomBrief {
    /// How many peers each node has, by its name.
    pub nodes: BTreeMap<String, u64>,
    /// How media flows.
    pub mode: Mode,
}

/// A room with its peers.
#[derive(Clone, Debug)]
pub struct RoomView {
    /// Which.
    pub id: RoomId,
    /// By which code people reach it.
    pub code: String,
    /// How media flows.
    pub mode: Mode,
    /// Who hosts it.
    pub host: Option<PeerId>,
    /// Who is in it, oldest first, each with the name of its node.
    pub peers: Vec<(PeerRecord, String)>,
}

impl Hub {
    /// How this node is.
    pub fn status(&self) -> NodeStatus {
        let up = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        NodeStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            connections: self.session_count(),
            rooms: self.room_count(),
            started_at: unix_millis().saturating_sub(up),
        }
    }

    /// Says to the other nodes how this one is. Runs until it is dropped.
    pub(super) async fn show_itself(&self, cluster: &Cluster) {
        let mut ticks = interval(SHOW);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if cluster.is_up() {
                cluster.show(&self.status()).await;
            }
        }
    }

    /// All rooms of all nodes by id, each with its code. It may hold some that nobody is in any
    /// more.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn all_rooms(&self) -> Result<BTreeMap<RoomId, RoomCode>, Unavailable> {
        if let Some(cluster) = self.cluster() {
            return cluster.all_rooms().await;
        }
        let rooms = self.rooms.all().into_iter();
        let rooms = rooms.map(|cell| (cell.id().clone(), cell.look(|room| room.code().clone())));
        Ok(rooms.collect())
    }

    /// How many are in a room, by node. `me` is the name of this node. Nothing if nobody is.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn brief(&self, room: &RoomId, me: &str) -> Result<Option<RoomBrief>, Unavailable> {
        let brief = if let Some(cluster) = self.cluster() {
            let counts = cluster.count_room(room).await?;
            RoomBrief {
                nodes: counts.nodes,
                mode: counts.mode.map_or(Mode::P2p, |state| state.mode),
            }
        } else {
            let Some(cell) = self.rooms.get(room) else {
                return Ok(None);
            };
            cell.look(|room| RoomBrief {
                nodes: [(me.to_owned(), room.len() as u64)].into(),
                mode: room.mode().mode,
            })
        };
        let somebody = brief.nodes.values().any(|peers| *peers > 0);
        Ok(somebody.then_some(brief))
    }

    /// A room with its peers, by its id or its code. `me` is the name of this node. Nothing if
    /// nobody is in it.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn view(&self, name: &str, me: &str) -> Result<Option<RoomView>, Unavailable> {
        // Others could not be told apart in keys.
        let odd = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '{' | '}' | '/');
        if name.is_empty() || name.len() > MAX_NAME || name.contains(odd) {
            return Ok(None);
        }
        let cell = self.rooms.named(name);
        let Some(cluster) = self.cluster() else {
            return Ok(cell.and_then(|cell| {
                cell.look(|room| {
                    let peers = room.own_records().into_iter();
                    let peers: Vec<_> = peers.map(|peer| (peer, me.to_owned())).collect();
                    let view = RoomView {
                        id: cell.id().clone(),
                        code: room.code().as_str().to_owned(),
                        mode: room.mode().mode,
                        host: room.host(),
                        peers,
                    };
                    Some(view).filter(|view| !view.peers.is_empty())
                })
            }));
        };
        for id in candidates(cluster, cell.map(|cell| cell.id().clone()), name).await? {
            if let Some(kept) = cluster.kept_room(&id).await? {
                return Ok(Some(RoomView::of(id, kept)));
            }
        }
        Ok(None)
    }
}

/// What a name of a room may mean: an id, a code without a Room Service, or a code that it was
/// asked for of late.
async fn candidates(
    cluster: &Cluster,
    known: Option<RoomId>,
    name: &str,
) -> Result<Vec<RoomId>, Unavailable> {
    if let Some(known) = known {
        return Ok(vec![known]);
    }
    let mut ids = vec![RoomId::new(name)];
    if let Ok(code) = name.parse::<RoomCode>() {
        let told = cluster.cached_room(name).await?;
        let told = told.and_then(|told| serde_json::from_str::<serde_json::Value>(&told).ok());
        ids.extend(told.and_then(|told| told["id"].as_str().map(RoomId::new)));
        ids.push(RoomId::from_code(&code));
    }
    Ok(ids)
}

impl RoomView {
    fn of(id: RoomId, kept: KeptRoom) -> Self {
        let KeptRoom {
            code,
            peers,
            mode,
            host,
        } = kept;
        let appointed = host.map(|host| host.peer);
        let appointed = appointed.filter(|host| peers.iter().any(|(peer, _)| peer.id == *host));
        Self {
            id,
            code,
            mode: mode.map_or(Mode::P2p, |state| state.mode),
            host: appointed.or_else(|| peers.first().map(|(peer, _)| peer.id)),
            peers,
        }
    }
}
