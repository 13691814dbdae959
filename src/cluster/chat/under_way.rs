//! One message on its way to Redis.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use redis::{FromRedisValue as _, ParsingError, Value};
use tracing::warn;
use uuid::Uuid;

use super::{ChatOutbox, Stamp, outbox::Written};
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

/// The place of the argument that says whether the sender was told that it is kept.
const PROMISED: usize = 6;

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

    /// The sender knows it to be kept under its id: so it has to be, whatever else there is.
    pub(super) fn be_promised(&mut self) {
        if let Some(promised) = self.script.args.get_mut(PROMISED) {
            *promised = flag(true);
        }
    }

    pub(super) fn is_promised(&self) -> bool {
        self.script.args.get(PROMISED) == Some(&flag(true))
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
        let written = match outcome.map(read) {
            Ok(Ok((written, receivers))) => {
                if let Ok(receivers) = u64::try_from(receivers) {
                    self.receipts.published(number, receivers, payload);
                }
                Some(written)
            }
            Ok(Err(error)) => {
                warn!(%error, "Redis answers something else than it should");
                None
            }
            Err(_) => None,
        };
        if let Some(outbox) = self.outbox.upgrade() {
            outbox.settle(&self.room, self.id, written);
        }
    }
}

/// What Redis answers, and the number of receivers.
fn read(answer: Value) -> Result<(Written, i64), ParsingError> {
    let (length, receivers, mark) = <(usize, i64, String)>::from_redis_value(answer)?;
    let sent_as = (!mark.is_empty()).then(|| mark.parse::<Stamp>());
    let sent_as = sent_as.transpose();
    let sent_as = sent_as.map_err(|_| ParsingError::from("no mark of a message"))?;
    Ok((Written { length, sent_as }, receivers))
}
