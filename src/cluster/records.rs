//! Records of rooms in Redis: who is in them, on which node, and what was said.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use redis::{FromRedisValue as _, Value, cmd};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::time::timeout;
use tracing::warn;

use super::{
    Cluster, codec,
    node::parts,
    pubsub::Script,
    rooms::{RoomKeys, text},
    scripts,
};
use crate::{
    core::{
        ChatMessage, Gossip, HostState, MAX_CHAT_MESSAGES, ModeState, NodeId, PeerId, PeerRecord,
        RoomCode, RoomId,
    },
    protocol::ChatPayload,
};

/// How long the keys of a room outlive the last look at them, in seconds: a day. It only
/// clears up after a whole cluster was lost; nodes look every few seconds.
pub(super) const ROOM_TTL_S: u64 = 24 * 60 * 60;

/// How long a place is kept for a peer that is about to join, in milliseconds. Longer than a
/// node waits for Redis, so that nobody joins on a place that has lapsed.
const PLACE_TTL_MS: u64 = 10_000;

/// How long to wait for Redis before going on without it. Somebody is waiting to join.
pub(super) const PATIENCE: Duration = Duration::from_millis(1_500);

/// What Redis has of a room.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Who is in it, and which node has them.
    pub peers: Vec<(PeerRecord, NodeId)>,
    /// What was said, oldest first, if it was asked for.
    pub chat: Vec<Arc<ChatMessage>>,
    /// How media flows, if that ever changed.
    pub mode: Option<ModeState>,
    /// Who was made the host, if anybody ever was.
    pub host: Option<HostState>,
}

/// Whether there is a place in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// It is taken, and so is the name.
    Done,
    /// There is none.
    Full,
    /// There may be, but another peer goes by that name.
    NameTaken,
}

/// Redis did not answer, or not in time, or not what it should have.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("Redis is not there")]
pub struct Unavailable;

/// A peer as it is kept.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The name of the node that has it.
    pub(super) node: String,
    /// Which life of that node.
    life: String,
    /// By which code the room was reached.
    pub(super) code: String,
    #[serde(flatten)]
    pub(super) record: PeerRecord,
}

impl Kept {
    fn owner(&self) -> NodeId {
        NodeId::from(&*format!("{}/{}", self.node, self.life))
    }
}

impl Cluster {
    /// Takes a place for a peer that is about to join, and the name that it is to have there, if
    /// any.
    ///
    /// # Errors
    /// [`Unavailable`]: then only what is known here can tell whether there is room.
    pub async fn reserve(
        &self,
        room: &RoomKeys,
        peer: PeerId,
        alias: Option<&str>,
        places: usize,
    ) -> Result<Reserved, Unavailable> {
        let mut args = vec![text(peer), text(places), text(PLACE_TTL_MS)];
        args.extend([text(alias.unwrap_or_default()), text(ROOM_TTL_S)]);
        let script = room.script(scripts::RESERVE, args);
        let answer = self.ask(room, script, Bytes::new())?.await?;
        match i64::from_redis_value(answer) {
            Ok(1) => Ok(Reserved::Done),
            Ok(0) => Ok(Reserved::Full),
            Ok(_) => Ok(Reserved::NameTaken),
            Err(_) => Err(Unavailable),
        }
    }

    /// Gives a place back that was not used, and the name that was taken with it.
    pub fn vacate(&self, room: &RoomKeys, peer: PeerId, alias: Option<&str>) {
        let args = vec![text(peer), text(alias.unwrap_or_default())];
        let script = room.script(scripts::VACATE, args);
        // It lapses by itself too.
        let _ = self.pubsub().execute(&room.channel, Bytes::new(), script);
    }

    /// Waits until Redis has what was said of a room until now, or is not there.
    pub async fn settle(&self, room: &RoomKeys) {
        let nothing = room.script(scripts::NOTHING, Vec::new());
        if let Ok(done) = self.ask(room, nothing, Bytes::new()) {
            let _ = done.await;
        }
    }

    /// Reads what Redis has of a room.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn read(&self, room: &RoomKeys, with_chat: bool) -> Result<Snapshot, Unavailable> {
        let chat = if with_chat { MAX_CHAT_MESSAGES } else { 0 };
        let args = vec![text(ROOM_TTL_S), text(chat)];
        let script = room.script(scripts::READ, args);
        snapshot(self.ask(room, script, Bytes::new())?.await?)
    }

    /// Where a peer is to be found: by which code its room was reached, and which node has it.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn find(
        &self,
        room: &RoomId,
        peer: PeerId,
    ) -> Result<Option<(RoomCode, NodeId)>, Unavailable> {
        let mut get = cmd("HGET");
        let key = self.prefix().apply(&format!("room:{{{room}}}:peers"));
        get.arg(key).arg(peer.to_string());
        let kept = Option::<Vec<u8>>::from_redis_value(self.command(&get).await?);
        let kept = kept.map_err(|_| Unavailable)?;
        let kept = kept.and_then(|kept| serde_json::from_slice::<Kept>(&kept).ok());
        Ok(kept.and_then(|kept| Some((kept.code.parse().ok()?, kept.owner()))))
    }

    /// Writes down which peers this node has, tells the others if that was not known, and
    /// reads what else there is. A record of this node's that is of none of them, nor of the
    /// `others` that this node knows of, goes.
    ///
    /// A node that was `deaf`, since the way to the others was lost, says so: they may have asked
    /// it in vain. Of two modes the later counts, and of two hosts.
    ///
    /// It is queued before this returns: what is said after that comes after it.
    ///
    /// # Errors
    /// [`Unavailable`], at once or later.
    pub fn sync(
        &self,
        room: &RoomKeys,
        own: &[PeerRecord],
        others: &[PeerId],
        mode: &ModeState,
        host: Option<HostState>,
        deaf: bool,
    ) -> Result<impl Future<Output = Result<Snapshot, Unavailable>> + use<>, Unavailable> {
        let (name, life) = self.identity();
        let mut args = vec![text(name), text(life), text(ROOM_TTL_S)];
        args.extend([text(deaf), text(mode.epoch), json(mode)]);
        args.extend([json_or_nothing(host), text(own.len())]);
        let records = own.iter().map(|record| (record, self.keep(room, record)));
        args.extend(records.flat_map(|(record, kept)| [text(record.id), kept]));
        args.extend(others.iter().map(text));
        let message = codec::open(self.me(), r#"{"roster":{"peers":["#);
        let answer = self.ask(room, room.script(scripts::SYNC, args), message)?;
        Ok(async move { snapshot(answer.await?) })
    }

    /// Takes over the peers of a node that is gone, unless another node has done so. Who comes
    /// with it is said on the channel. Returns how many.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn adopt(&self, room: &RoomKeys, gone: &NodeId) -> Result<u64, Unavailable> {
        let (name, life) = self.identity();
        let (gone_name, gone_life) = parts(gone);
        let args = [gone_name, gone_life, name, life].map(text).to_vec();
        let message = codec::open(self.me(), r#"{"adopted":"#);
        let answer = self.ask(room, room.script(scripts::ADOPT, args), message)?;
        u64::from_redis_value(answer.await?).map_err(|_| Unavailable)
    }

    /// Changes how media flows, if it still flows as in `epoch`, and tells all nodes that serve
    /// the room, this one included. Returns whether it was so.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn change_mode(
        &self,
        room: &RoomKeys,
        epoch: u64,
        mode: &ModeState,
    ) -> Result<bool, Unavailable> {
        let args = vec![text(epoch), json(mode), text(ROOM_TTL_S)];
        let script = room.script(scripts::MODE, args);
        let answer = self.ask(room, script, self.tell_mode(mode))?.await?;
        bool::from_redis_value(answer).map_err(|_| Unavailable)
    }

    /// The message that tells of a mode. It is plain data: it can always be written.
    fn tell_mode(&self, mode: &ModeState) -> Bytes {
        codec::encode(self.me(), &Gossip::Mode(mode.clone())).unwrap_or_default()
    }

    /// Queues a script, and waits for its answer when the future is polled.
    fn ask(
        &self,
        room: &RoomKeys,
        script: Script,
        message: Bytes,
    ) -> Result<impl Future<Output = Result<Value, Unavailable>> + use<>, Unavailable> {
        if !self.is_up() {
            return Err(Unavailable);
        }
        let answer = self.pubsub().ask(&room.channel, message, script);
        let answer = answer.map_err(|_| Unavailable)?;
        Ok(async move {
            match timeout(PATIENCE, answer).await {
                Ok(Ok(value)) => Ok(value),
                Ok(Err(error)) => {
                    warn!(%error, "Redis does not do what it is asked");
                    Err(Unavailable)
                }
                Err(_) => Err(Unavailable),
            }
        })
    }

    pub(super) fn keep(&self, room: &RoomKeys, record: &PeerRecord) -> Bytes {
        let (name, life) = self.identity();
        let kept = Kept {
            node: name.to_owned(),
            life: life.to_owned(),
            code: room.code.as_str().to_owned(),
            record: record.clone(),
        };
        json(&kept)
    }
}

/// Plain data, which can always be written.
pub(super) fn json(data: &impl Serialize) -> Bytes {
    serde_json::to_vec(data).unwrap_or_default().into()
}

fn json_or_nothing(data: Option<impl Serialize>) -> Bytes {
    data.map(|data| json(&data)).unwrap_or_default()
}

/// Reads an answer. A record that cannot be read is none of ours, and is passed over.
pub(super) fn snapshot(answer: Value) -> Result<Snapshot, Unavailable> {
    type Answer = (Vec<Vec<u8>>, Vec<Vec<u8>>, Vec<u8>, Vec<u8>);
    let (peers, chat, mode, host) = Answer::from_redis_value(answer).map_err(|_| Unavailable)?;
    let peers = peers.iter().filter_map(|kept| {
        let kept: Kept = serde_json::from_slice(kept).ok()?;
        let node = kept.owner();
        Some((kept.record, node))
    });
    let chat = chat.iter().filter_map(|message| {
        let message: ChatPayload<'_> = serde_json::from_slice(message).ok()?;
        Some(Arc::new(ChatMessage::from(message)))
    });
    Ok(Snapshot {
        peers: peers.collect(),
        chat: chat.collect(),
        mode: serde_json::from_slice(&mode).ok(),
        host: serde_json::from_slice(&host).ok(),
    })
}
