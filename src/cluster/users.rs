//! Users in Redis, as other services may read it.
//!
//! | key | what |
//! |---|---|
//! | `user:{userId}:node` | the node that serves the user |
//! | `presence:{roomId}:{userId}` | the user is in the room |
//! | `disconnecting:{userId}` | hash: peer id → room id, of peers that are waited for |

use std::{collections::HashMap, time::Duration};

use futures_util::{StreamExt as _, stream};
use redis::{Cmd, FromRedisValue as _, Value, aio::ConnectionLike as _, cmd};
use tokio::time::timeout;

use super::{Cluster, records::Unavailable};
use crate::core::{PeerId, RoomId, UserId};

/// How many commands may be on their way at once. They share one connection.
const AT_ONCE: usize = 128;

/// How long to wait for Redis, where a client waits.
const PATIENCE: Duration = Duration::from_millis(500);

/// Notes a peer that is waited for. One step: what lapses must not stay for ever when the way to
/// Redis is lost in between. `KEYS`: the hash. `ARGV`: peer, room, milliseconds.
const AWAIT: &str = r"
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return redis.call('PEXPIRE', KEYS[1], ARGV[3])";

impl Cluster {
    /// Notes that users are in rooms of this node.
    pub async fn present(&self, users: Vec<(RoomId, UserId)>) {
        let ttl = millis(self.presence_ttl());
        let (name, _) = self.identity();
        let set = |key: String| {
            let mut command = cmd("SET");
            command
                .arg(self.prefix().apply(&key))
                .arg(name)
                .arg("PX")
                .arg(ttl);
            command
        };
        let commands = users.into_iter().flat_map(|(room, user)| {
            [
                set(format!("presence:{{{room}}}:{{{user}}}")),
                set(format!("user:{{{user}}}:node")),
            ]
        });
        self.all(commands).await;
    }

    /// Renews what says that a user is in a room. Returns whether it was still there.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn renew(&self, room: &RoomId, user: &UserId) -> Result<bool, Unavailable> {
        let mut expire = cmd("PEXPIRE");
        let key = format!("presence:{{{room}}}:{{{user}}}");
        expire
            .arg(self.prefix().apply(&key))
            .arg(millis(self.presence_ttl()));
        let answer = self.command(&expire).await?;
        bool::from_redis_value(answer).map_err(|_| Unavailable)
    }

    /// Notes that a user is no longer in a room of this node.
    pub async fn absent(&self, room: &RoomId, user: &UserId) {
        let mut present = cmd("DEL");
        let key = format!("presence:{{{room}}}:{{{user}}}");
        present.arg(self.prefix().apply(&key));
        // Another node may serve the user by now.
        let mut served = cmd("EVAL");
        let key = format!("user:{{{user}}}:node");
        served
            .arg("if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end")
            .arg(1)
            .arg(self.prefix().apply(&key))
            .arg(self.identity().0);
        self.all([present, served]).await;
    }

    /// Notes that one of a user's peers is waited for, by this node.
    pub async fn await_peer(&self, user: &UserId, room: &RoomId, peer: PeerId, window: Duration) {
        let mut note = cmd("EVAL");
        note.arg(AWAIT)
            .arg(1)
            .arg(self.disconnecting(user))
            .arg(peer.to_string())
            .arg(room.as_str())
            .arg(millis(window).max(1));
        let mut serves = cmd("SET");
        serves
            .arg(self.prefix().apply(&format!("user:{{{user}}}:node")))
            .arg(self.identity().0)
            .arg("PX")
            .arg(millis(self.presence_ttl()));
        for command in [note, serves] {
            let _ = self.command(&command).await;
        }
    }

    /// Notes that a peer is not waited for any more.
    pub async fn settle_peer(&self, user: &UserId, peer: PeerId) {
        let mut command = cmd("HDEL");
        command.arg(self.disconnecting(user)).arg(peer.to_string());
        let _ = self.command(&command).await;
    }

    /// Where a user is waited for, on any node.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn awaited(&self, user: &UserId) -> Result<Vec<(RoomId, PeerId)>, Unavailable> {
        let mut command = cmd("HGETALL");
        command.arg(self.disconnecting(user));
        let answer = self.command(&command).await?;
        let away = HashMap::<String, String>::from_redis_value(answer).map_err(|_| Unavailable)?;
        let away = away
            .into_iter()
            .filter_map(|(peer, room)| Some((RoomId::new(&room), peer.parse().ok()?)));
        Ok(away.collect())
    }

    fn disconnecting(&self, user: &UserId) -> String {
        self.prefix().apply(&format!("disconnecting:{{{user}}}"))
    }

    /// Gives commands that need no answer: what they write is written again soon.
    pub(super) async fn all(&self, commands: impl IntoIterator<Item = Cmd>) {
        stream::iter(commands)
            .for_each_concurrent(AT_ONCE, |command| async move {
                let _ = self.command(&command).await;
            })
            .await;
    }

    /// Gives one command.
    pub(super) async fn command(&self, command: &Cmd) -> Result<Value, Unavailable> {
        let mut commands = self.pubsub().commands();
        let answer = timeout(PATIENCE, commands.req_packed_command(command));
        match answer.await {
            Ok(Ok(value)) => Ok(value),
            _ => Err(Unavailable),
        }
    }
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
