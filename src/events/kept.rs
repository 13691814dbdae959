//! Channels that keep events: their streams in Redis.
//!
//! | key | what |
//! |---|---|
//! | `events:{channel}` | stream: field `e` is an envelope as it was published |
//! | `events:{channel}:…` | by the hash of an envelope: it is in the stream, for ten minutes |
//!
//! The stream is the truth. Whoever hears a publication has it written there, unless it is in it
//! already, and reads on from where it was: so all nodes tell the same in the same order, each of
//! it once, whatever they heard.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use redis::{FromRedisValue as _, Value, cmd};

use crate::{
    cluster::{Cluster, KeyPrefix, Unavailable, pubsub::Script},
    core::{
        channels::ChannelRule,
        replayed::{MAX_BYTES, Offset},
    },
};

/// How long an envelope is known: repetitions come at once, or when a publisher tries again.
pub(super) const KNOWN: Duration = Duration::from_secs(10 * 60);

/// How many events are read at once.
pub(super) const PAGE: usize = 500;

/// Puts an envelope into the stream, unless it is among the last ones: a backend may write there
/// itself before it publishes.
macro_rules! put {
    () => {
        r"
local function put(envelope, known_for, max)
  local known = KEYS[1] .. ':' .. redis.sha1hex(envelope)
  if not redis.call('SET', known, '1', 'NX', 'PX', known_for) then return end
  for _, entry in ipairs(redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 64)) do
    if entry[2][1] == 'e' and entry[2][2] == envelope then return end
  end
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', max, '*', 'e', envelope)
end
"
    };
}

/// Writes envelopes that are not in the stream yet, and answers with what is there after an
/// offset. `KEYS`: the stream. `ARGV`: the offset, the most to answer with, the most to keep, for
/// how many milliseconds envelopes are known, and the envelopes.
const RECORD: &str = concat!(
    put!(),
    r"
for i = 5, #ARGV do put(ARGV[i], ARGV[4], ARGV[3]) end
return redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])"
);

/// Writes an envelope that is not in the stream yet, and publishes it. `KEYS`: the stream. `ARGV`:
/// what it takes to publish, then the most to keep, and for how many milliseconds it is known.
const SAY: &str = concat!(
    put!(),
    r"
put(ARGV[3], ARGV[5], ARGV[4])
return redis.call(ARGV[1], ARGV[2], ARGV[3])"
);

/// What stands in a stream: an envelope, if it is one.
pub(super) type Entry = (Offset, Option<Bytes>);

/// The stream of one channel.
#[derive(Debug)]
pub(super) struct Stream {
    cluster: Arc<Cluster>,
    key: String,
    max: usize,
}

impl Stream {
    pub(super) fn new(cluster: &Arc<Cluster>, rule: &ChannelRule) -> Self {
        Self {
            key: key_of(cluster.pubsub().prefix(), &rule.name),
            cluster: Arc::clone(cluster),
            max: rule.replay,
        }
    }

    /// Writes what is not there yet, and reads what is after `offset`, oldest first: a page of it.
    pub(super) async fn record(
        &self,
        envelopes: &[Bytes],
        offset: Offset,
    ) -> Result<Vec<Entry>, Unavailable> {
        let mut record = cmd("EVAL");
        record
            .arg(RECORD)
            .arg(1)
            .arg(&self.key)
            .arg(offset.to_string())
            .arg(PAGE)
            .arg(self.max)
            .arg(millis(KNOWN));
        for envelope in envelopes {
            record.arg(&envelope[..]);
        }
        self.entries(&record).await
    }

    /// The newest, oldest first: as many as are kept, in number and in bytes. Whether there are
    /// more before them.
    pub(super) async fn newest(&self) -> Result<(Vec<Entry>, bool), Unavailable> {
        let (mut entries, mut bytes) = (Vec::new(), 0);
        let mut until = "+".to_owned();
        loop {
            let mut newest = cmd("XREVRANGE");
            newest.arg(&self.key).arg(&until).arg("-");
            newest.arg("COUNT").arg(PAGE);
            let page = self.entries(&newest).await?;
            let is_last = page.len() < PAGE;
            for (offset, payload) in page {
                bytes += payload.as_ref().map_or(0, Bytes::len);
                if entries.len() >= self.max || bytes > MAX_BYTES {
                    entries.reverse();
                    return Ok((entries, true));
                }
                until = format!("({offset}");
                entries.push((offset, payload));
            }
            if is_last {
                entries.reverse();
                return Ok((entries, false));
            }
        }
    }

    async fn entries(&self, command: &redis::Cmd) -> Result<Vec<Entry>, Unavailable> {
        let answer = self.cluster.patient_command(command).await?;
        let entries = Vec::<(String, Vec<Bytes>)>::from_redis_value(answer);
        let entries = entries.map_err(|_| Unavailable)?;
        let entry = |(id, fields): (String, Vec<Bytes>)| {
            let offset = id.parse::<Offset>().ok()?;
            let mut fields = fields.into_iter();
            let envelope = fields.find(|name| name == "e");
            Some((offset, envelope.and_then(|_| fields.next())))
        };
        Ok(entries.into_iter().filter_map(entry).collect())
    }
}

/// The name of a channel's stream.
pub(super) fn key_of(prefix: &KeyPrefix, channel: &str) -> String {
    prefix.apply(&format!("events:{{{channel}}}"))
}

/// Writes what is published into the stream in the same step.
pub(super) fn script(key: &str, max: usize) -> Script {
    Script {
        body: SAY,
        keys: vec![key.to_owned()],
        args: vec![max.to_string().into(), millis(KNOWN).to_string().into()],
    }
}

/// How many got it, as the script answers.
pub(super) fn receivers(answer: &Value) -> u64 {
    match answer {
        Value::Int(receivers) => u64::try_from(*receivers).unwrap_or(0),
        _ => 0,
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
