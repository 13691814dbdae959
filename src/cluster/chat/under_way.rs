//! One message on its way to Redis.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use redis::{FromRedisValue as _, Value};
use tracing::warn;
use uuid::Uuid;

use super::ChatOutbox;
use crate::{
    cluster::{
        codec,
        pubsub::{Channel, PublishError, Script, Tally as _, Watch},
        receipts::Receipts,
        rooms::flag,
    },
    core::RoomId,
};

/// The place of the argument that says whether to publish, among those of the script.
const PUBLISHES: usize = 5;

/// How a message goes to Redis.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) channel: Channel,
    pub(super) payload: Bytes,
    pub(super) script: Script,
    pub(super) receipts: Arc<Receipts>,
}

impl Line {
    /// Bytes that count towards the bounds.
    pub(super) fn size(&self) -> usize {
        let args: usize = self.script.args.iter().map(Bytes::len).sum();
        self.payload.len() + args
    }

    /// From now on it is kept, and published no more.
    pub(super) fn be_quiet(&mut self) {
        if let Some(publishes) = self.script.args.get_mut(PUBLISHES) {
            *publishes = flag(false);
        }
    }

    /// It may have been heard: whoever did is not to be told again.
    pub(super) fn be_repeated(&mut self) {
        self.payload = codec::repeated(&self.payload);
    }
}

/// A message on its way to Redis.
#[derive(Debug)]
pub(super) struct UnderWay {
    pub(super) outbox: Weak<ChatOutbox>,
    pub(super) room: RoomId,
    pub(super) id: Uuid,
    pub(super) receipts: Arc<Receipts>,
}

impl Watch for UnderWay {
    fn is_wanted(&self) -> bool {
        let outbox = self.outbox.upgrade();
        outbox.is_none_or(|outbox| outbox.may_go(&self.room, self.id))
    }

    fn settled(&self, number: u64, outcome: Result<Value, PublishError>, payload: &Bytes) {
        let answer = outcome.map(<(usize, i64)>::from_redis_value);
        let length = match answer {
            Ok(Ok((length, receivers))) => {
                if let Ok(receivers) = u64::try_from(receivers) {
                    self.receipts.published(number, receivers, payload);
                }
                Some(length)
            }
            Ok(Err(error)) => {
                warn!(%error, "Redis answers something else than it should");
                None
            }
            Err(_) => None,
        };
        if let Some(outbox) = self.outbox.upgrade() {
            outbox.settle(&self.room, self.id, length);
        }
    }
}
