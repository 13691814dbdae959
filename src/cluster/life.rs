//! Which nodes live, and what a node leaves behind.
//!
//! | key | what |
//! |---|---|
//! | `node:{nodeId}` | which life of the node lives, for a moment |
//! | `nodes` | sorted set: node and life → its last sign of life, in milliseconds |
//! | `node:{nodeId/life}:rooms` | hash: rooms that the node serves → their codes |
//! | `node:{nodeId/life}:heir` | who clears up after it |
//! | `node:{nodeId/life}:status` | what it says of itself, as JSON: see `survey` |
//!
//! A node proves itself by a key that lapses unless it is written again, and that holds which
//! life of the node it is: a node that is started again under the same name is another one,
//! and what the former had is for the others to clear up.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use redis::{Cmd, FromRedisValue as _, cmd};
use tracing::debug;

use super::{
    Cluster,
    node::{parts, presence_channel},
    records::Unavailable,
    users::millis,
};
use crate::core::{NodeId, RoomCode, RoomId};

/// Time between two signs of life.
pub const BEAT: Duration = Duration::from_millis(700);

/// How long a sign of life counts: three may be late before a node is taken for dead.
pub const LIFE: Duration = Duration::from_millis(2_500);

/// How long a node has to clear up after another, before a third may try.
const HEIR_TTL: Duration = Duration::from_secs(10);

/// How long the list of a node's rooms outlives the last look at it. It only clears up after a
/// whole cluster was lost.
const ROOMS_TTL_S: u64 = 24 * 60 * 60;

/// Notes a sign of life, by the clock of Redis, and finds those whose last one is too old, and
/// those that should live and never gave one. `ARGV`: the node, how long a sign counts, the
/// nodes that should live.
const BEAT_SCRIPT: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
local dead = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
for i = 3, #ARGV do
  if not redis.call('ZSCORE', KEYS[1], ARGV[i]) then dead[#dead + 1] = ARGV[i] end
end
return dead";

/// What a node finds when it proves itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// Whether the others have seen it live all the time.
    pub rhythm: Rhythm,
    /// Nodes that show no life.
    pub dead: Vec<NodeId>,
}

/// How a node has been seen by the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rhythm {
    /// Alive all the time.
    Steady,
    /// Its last sign of life had lapsed, or was lost: the others may have taken it for dead.
    Lapsed,
    /// Another process goes by the same name.
    Contested,
}

impl Cluster {
    /// Shows that this node lives, and looks for those that do not, among them `others` that
    /// serve rooms with this one.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn beat(&self, others: &HashSet<NodeId>) -> Result<Pulse, Unavailable> {
        if self.has_withdrawn() {
            return Err(Unavailable);
        }
        let (_, life) = self.identity();
        let mut set = cmd("SET");
        set.arg(self.life_key())
            .arg(life)
            .arg("PX")
            .arg(millis(LIFE))
            .arg("GET");
        let former = self.command(&set).await?;
        let former = Option::<String>::from_redis_value(former).map_err(|_| Unavailable)?;
        let rhythm = match former {
            Some(former) if former == life => Rhythm::Steady,
            Some(_) => Rhythm::Contested,
            None => Rhythm::Lapsed,
        };
        let mut note = cmd("EVAL");
        note.arg(BEAT_SCRIPT)
            .arg(1)
            .arg(self.nodes_key())
            .arg(self.me().as_str())
            .arg(millis(LIFE));
        for node in others {
            note.arg(node.as_str());
        }
        let dead = Vec::<String>::from_redis_value(self.command(&note).await?);
        let dead = dead.map_err(|_| Unavailable)?;
        Ok(Pulse {
            rhythm,
            dead: dead
                .iter()
                .map(|node| NodeId::from(node.as_str()))
                .collect(),
        })
    }

    /// Says goodbye: the others need not wait for the last sign of life to lapse. What is `left`
    /// behind they clear up.
    pub async fn withdraw(&self, left: bool) {
        self.note_withdrawn();
        let mut delete = cmd("DEL");
        delete.arg(self.life_key());
        let mut last = cmd(if left { "ZADD" } else { "ZREM" });
        last.arg(self.nodes_key());
        if left {
            last.arg(0);
        }
        last.arg(self.me().as_str());
        self.all([delete, last]).await;
        if !left {
            self.all([self.on_estate("DEL", self.me(), "rooms")]).await;
        }
    }

    /// Whether a node has no connection to Redis. The system closes those of a process that is
    /// killed at once: this tells sooner than its sign of life.
    pub async fn is_cut_off(&self, node: &NodeId) -> bool {
        let channel = presence_channel(node);
        matches!(self.pubsub().listeners(&channel).await, Ok(0))
    }

    /// Notes that this node serves rooms.
    pub async fn serves(&self, rooms: &[(RoomId, RoomCode)]) {
        let mut note = self.on_estate("HSET", self.me(), "rooms");
        for (room, code) in rooms {
            note.arg(room.as_str()).arg(code.as_str());
        }
        let mut expire = self.on_estate("EXPIRE", self.me(), "rooms");
        expire.arg(ROOMS_TTL_S);
        if !rooms.is_empty() {
            self.all([note, expire]).await;
        }
    }

    /// Notes that this node serves a room no more.
    pub async fn serves_no_more(&self, room: &RoomId) {
        let mut note = self.on_estate("HDEL", self.me(), "rooms");
        note.arg(room.as_str());
        self.all([note]).await;
    }

    /// The rooms that a dead node leaves, if this node is the one to clear up after it.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn inherit(
        &self,
        dead: &NodeId,
    ) -> Result<Option<Vec<(RoomId, RoomCode)>>, Unavailable> {
        let mut claim = self.on_estate("SET", dead, "heir");
        claim
            .arg(self.me().as_str())
            .arg("NX")
            .arg("PX")
            .arg(millis(HEIR_TTL));
        let granted = Option::<String>::from_redis_value(self.command(&claim).await?);
        if granted.map_err(|_| Unavailable)?.is_none() {
            return Ok(None);
        }
        let rooms = self
            .command(&self.on_estate("HGETALL", dead, "rooms"))
            .await?;
        let rooms = HashMap::<String, String>::from_redis_value(rooms);
        let rooms = rooms.map_err(|_| Unavailable)?.into_iter();
        let rooms = rooms.filter_map(|(room, code)| Some((RoomId::new(&room), code.parse().ok()?)));
        Ok(Some(rooms.collect()))
    }

    /// Notes that nothing is left of a dead node.
    pub async fn bury(&self, dead: &NodeId) {
        debug!(node = %dead, "nothing is left of it");
        let mut forget = cmd("ZREM");
        forget.arg(self.nodes_key()).arg(dead.as_str());
        let rooms = self.on_estate("DEL", dead, "rooms");
        self.all([forget, rooms]).await;
    }

    fn life_key(&self) -> String {
        let (name, _) = parts(self.me());
        self.prefix().apply(&format!("node:{{{name}}}"))
    }

    pub(super) fn nodes_key(&self) -> String {
        self.prefix().apply("nodes")
    }

    /// A command on something that belongs to a node.
    pub(super) fn on_estate(&self, command: &str, node: &NodeId, what: &str) -> Cmd {
        let mut command = cmd(command);
        command.arg(self.prefix().apply(&format!("node:{{{node}}}:{what}")));
        command
    }
}
