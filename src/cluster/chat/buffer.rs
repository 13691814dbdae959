//! The buffers of rooms in Redis, as the one who delivers them sees them.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use redis::{Cmd, FromRedisValue as _, Value, cmd};
use serde::{Deserialize, Serialize};
use tracing::debug;
use uuid::Uuid;

use super::scripts;
use crate::{
    cluster::{Cluster, codec, pubsub::Channel, records::Unavailable, users::millis},
    core::RoomId,
    services::chat::{Away, Batch, Buffer, Claim, LEASE, MAX_BATCH, MAX_BATCH_BYTES, Removal},
};

/// By how many places a message may lie elsewhere than its id says: what nodes say at the same
/// time gets into the buffer in any order.
const DISORDER: usize = 50;

/// What is told to the nodes that serve a room when messages of it were delivered.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::cluster) struct Delivered {
    /// Which.
    pub(in crate::cluster) ids: Vec<Uuid>,
    /// How many are left.
    pub(in crate::cluster) left: usize,
}

impl Cluster {
    fn on_flush(&self, script: &str, room: &RoomId, token: &str, dead: bool) -> Cmd {
        let mut command = cmd("EVAL");
        command.arg(script).arg(if dead { 3 } else { 2 });
        command.arg(self.buffer_key(room));
        command.arg(self.named(&format!("chat:flush:{{{room}}}")));
        if dead {
            command.arg(self.named(&format!("chat:dead:{{{room}}}")));
        }
        command.arg(token);
        command
    }

    async fn claim_batch(&self, room: &RoomId, token: &str) -> Result<Claim, Away> {
        let mut claim = self.on_flush(scripts::CLAIM, room, token, false);
        claim.arg(millis(LEASE)).arg(MAX_BATCH).arg(MAX_BATCH_BYTES);
        let answer = self.patient_command(&claim).await?;
        let (verdict, number, batch) =
            <(i64, u64, Vec<Vec<u8>>)>::from_redis_value(answer).map_err(|_| Away)?;
        Ok(match verdict {
            1 => {
                self.chat()
                    .note_length(room, usize::try_from(number).unwrap_or(usize::MAX));
                Claim::Batch(Batch::new(batch.into_iter().map(Bytes::from)))
            }
            0 => {
                self.chat().note_length(room, 0);
                Claim::Nothing
            }
            _ => Claim::Taken(Duration::from_millis(number)),
        })
    }

    /// Notes what is left of a room, and tells those who keep copies of what is gone.
    fn removed(&self, room: &RoomId, batch: &Batch, answer: Value) -> Result<Removal, Away> {
        let left = i64::from_redis_value(answer).map_err(|_| Away)?;
        let Ok(left) = usize::try_from(left) else {
            return Ok(if left == -1 {
                Removal::Overtaken
            } else {
                Removal::Full
            });
        };
        self.chat().note_length(room, left);
        let ids = batch.ids().to_vec();
        self.chat().delivered(&ids);
        match codec::encode_delivered(self.me(), &Delivered { ids, left }) {
            Ok(message) => {
                let channel = Channel::internal(&format!("channel:room:{{{room}}}"));
                // Whoever does not hear of it keeps a copy for some minutes more.
                if let Err(error) = self.pubsub().publish(&channel, message) {
                    debug!(%error, "nobody is told that chat was delivered");
                }
            }
            Err(error) => debug!(%error, "nobody is told that chat was delivered"),
        }
        Ok(Removal::Done { left })
    }
}

impl From<Unavailable> for Away {
    fn from(_: Unavailable) -> Self {
        Self
    }
}

/// The buffers in Redis.
#[derive(Debug)]
pub struct SharedBuffer(pub Arc<Cluster>);

impl Buffer for SharedBuffer {
    fn claim<'a>(&'a self, room: &'a RoomId, token: &'a str) -> BoxFuture<'a, Result<Claim, Away>> {
        Box::pin(self.0.claim_batch(room, token))
    }

    fn renew<'a>(&'a self, room: &'a RoomId, token: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let mut renew = self.0.on_flush(scripts::RENEW, room, token, false);
            renew.arg(millis(LEASE));
            // If it fails another node may deliver too, under the same key.
            let _ = self.0.patient_command(&renew).await;
        })
    }

    fn done<'a>(
        &'a self,
        room: &'a RoomId,
        token: &'a str,
        batch: &'a Batch,
    ) -> BoxFuture<'a, Result<Removal, Away>> {
        Box::pin(async move {
            let mut done = self.0.on_flush(scripts::DONE, room, token, false);
            done.arg(batch.len()).arg(&*batch.first());
            let answer = self.0.patient_command(&done).await?;
            self.0.removed(room, batch, answer)
        })
    }

    fn shrink<'a>(
        &'a self,
        room: &'a RoomId,
        token: &'a str,
        size: usize,
    ) -> BoxFuture<'a, Result<(), Away>> {
        Box::pin(async move {
            let mut shrink = self.0.on_flush(scripts::SHRINK, room, token, false);
            shrink.arg(size);
            self.0.patient_command(&shrink).await?;
            Ok(())
        })
    }

    fn bury<'a>(
        &'a self,
        room: &'a RoomId,
        token: &'a str,
        batch: &'a Batch,
        letter: &'a [u8],
        most: usize,
    ) -> BoxFuture<'a, Result<Removal, Away>> {
        Box::pin(async move {
            let mut bury = self.0.on_flush(scripts::BURY, room, token, true);
            bury.arg(&*batch.first()).arg(letter).arg(most);
            let answer = self.0.patient_command(&bury).await?;
            self.0.removed(room, batch, answer)
        })
    }

    fn page<'a>(
        &'a self,
        room: &'a RoomId,
        before: Option<Uuid>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Bytes>, Away>> {
        Box::pin(async move {
            let mut page = cmd("EVAL");
            page.arg(scripts::PAGE)
                .arg(1)
                .arg(self.0.buffer_key(room))
                .arg(limit)
                .arg(before.map(|id| id.to_string()).unwrap_or_default())
                .arg(DISORDER);
            let answer = self.0.patient_command(&page).await?;
            let page = Vec::<Vec<u8>>::from_redis_value(answer).map_err(|_| Away)?;
            Ok(page.into_iter().map(Bytes::from).collect())
        })
    }
}
