//! What happens in Redis in one step: the record of a room changes, and the room's channel
//! says so. Nobody can see one without the other, so the order of the channel is the order of
//! the records.
//!
//! `KEYS` are the peers of the room (peer id → record), the nodes of the room (node → number
//! of its peers), the places taken by those that are about to join, the chat, and how media
//! flows. `ARGV[1]` to `ARGV[3]` are the command to publish with, the channel and the message.

/// Counts the peers of each node anew.
macro_rules! recount {
    () => {
        r"
local function recount()
  local counts = {}
  for _, kept in ipairs(redis.call('HVALS', KEYS[1])) do
    local node = cjson.decode(kept)['node']
    counts[node] = (counts[node] or 0) + 1
  end
  redis.call('DEL', KEYS[2])
  for node, count in pairs(counts) do redis.call('HSET', KEYS[2], node, count) end
end
local function owner(kept)
  local record = cjson.decode(kept)
  return record['node'] .. '/' .. record['life'], record
end
"
    };
}

/// Reads since which change media flows as it does.
macro_rules! epoch {
    () => {
        r"
local function epoch()
  local kept = redis.call('GET', KEYS[5])
  return kept and cjson.decode(kept)['epoch'] or 0
end
"
    };
}

/// Takes a place for a peer that is about to join. `ARGV`: peer, places there are, for how many
/// milliseconds the place is kept. Answers with 1, or 0 if the room is full.
pub(super) const RESERVE: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
local taken = redis.call('HLEN', KEYS[1]) + redis.call('ZCARD', KEYS[3])
if taken >= tonumber(ARGV[5]) then return 0 end
redis.call('ZADD', KEYS[3], now + tonumber(ARGV[6]), ARGV[4])
redis.call('PEXPIRE', KEYS[3], ARGV[6])
return 1";

/// Gives a place back that was not used. `ARGV`: peer.
pub(super) const VACATE: &str = r"return redis.call('ZREM', KEYS[3], ARGV[4])";

/// Does nothing, after all that was queued before.
pub(super) const NOTHING: &str = "return 1";

/// Answers with all records, as many of the last chat messages as `ARGV[5]` says, and how media
/// flows. `ARGV[4]`: how many seconds the keys are to live on.
pub(super) const READ: &str = r"
for _, i in ipairs({ 1, 2, 5 }) do redis.call('EXPIRE', KEYS[i], ARGV[4]) end
local chat = {}
if ARGV[5] ~= '0' then chat = redis.call('LRANGE', KEYS[4], -tonumber(ARGV[5]), -1) end
return { redis.call('HVALS', KEYS[1]), chat, redis.call('GET', KEYS[5]) or '' }";

/// A peer came. `ARGV`: peer, record, name of its node, seconds that the keys are to live on.
pub(super) const JOINED: &str = r"
redis.call('ZREM', KEYS[3], ARGV[4])
if redis.call('HSET', KEYS[1], ARGV[4], ARGV[5]) == 1 then redis.call('HINCRBY', KEYS[2], ARGV[6], 1) end
for i = 1, 2 do redis.call('EXPIRE', KEYS[i], ARGV[7]) end
return redis.call(ARGV[1], ARGV[2], ARGV[3])";

/// A peer is gone, whoever had it. How media flowed goes with the last one. `ARGV`: peer, whether
/// what was said does so too.
pub(super) const LEFT: &str = r"
local kept = redis.call('HGET', KEYS[1], ARGV[4])
if kept then
  redis.call('HDEL', KEYS[1], ARGV[4])
  local node = cjson.decode(kept)['node']
  if redis.call('HINCRBY', KEYS[2], node, -1) <= 0 then redis.call('HDEL', KEYS[2], node) end
  if redis.call('EXISTS', KEYS[1]) == 0 then
    redis.call('DEL', KEYS[5])
    if ARGV[5] == '1' then redis.call('DEL', KEYS[4]) end
  end
end
return redis.call(ARGV[1], ARGV[2], ARGV[3])";

/// A peer goes to another node. Says nothing if a third has taken it over meanwhile.
/// `ARGV`: peer, name and life of the node that has it, name and life of the other.
pub(super) const HANDOVER: &str = concat!(
    recount!(),
    r"
local kept = redis.call('HGET', KEYS[1], ARGV[4])
if kept then
  local node, record = owner(kept)
  if node ~= ARGV[5] .. '/' .. ARGV[6] then return 0 end
  record['node'] = ARGV[7]
  record['life'] = ARGV[8]
  redis.call('HSET', KEYS[1], ARGV[4], cjson.encode(record))
  recount()
end
return redis.call(ARGV[1], ARGV[2], ARGV[3])"
);

/// A peer's record has changed. `ARGV`: peer, record, name and life of its node.
pub(super) const RENEWED: &str = concat!(
    recount!(),
    r"
local kept = redis.call('HGET', KEYS[1], ARGV[4])
if kept and owner(kept) == ARGV[6] .. '/' .. ARGV[7] then redis.call('HSET', KEYS[1], ARGV[4], ARGV[5]) end
return redis.call(ARGV[1], ARGV[2], ARGV[3])"
);

/// Takes over all that a node has which is gone. Only the first to ask gets any. The message
/// is completed with the ids. `ARGV`: name and life of the node that is gone, and of this one.
pub(super) const ADOPT: &str = concat!(
    recount!(),
    r"
local adopted = {}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local node, record = owner(all[i + 1])
  if node == ARGV[4] .. '/' .. ARGV[5] then
    record['node'] = ARGV[6]
    record['life'] = ARGV[7]
    redis.call('HSET', KEYS[1], all[i], cjson.encode(record))
    adopted[#adopted + 1] = all[i]
  end
end
if #adopted == 0 then return 0 end
recount()
redis.call(ARGV[1], ARGV[2], ARGV[3] .. cjson.encode(adopted) .. '}')
return #adopted"
);

/// Writes down what this node has. Records that others took over are left to them. If anything
/// had to change, or the node did not hear the others for a time, the message is completed with
/// what this node has, and published. Answers with all records.
/// If it knows of a later change of how media flows, that is written down too.
///
/// `ARGV`: name and life of this node, seconds that the keys are to live on, whether it did not
/// hear (`true` or `false`), the epoch of the mode that it knows of, that mode, number of its
/// peers, then peer and record of each, then the other peers that it knows of.
pub(super) const SYNC: &str = concat!(
    recount!(),
    epoch!(),
    r#"
local me = ARGV[4] .. '/' .. ARGV[5]
local last = 10 + 2 * tonumber(ARGV[10])
local stays, changed, roster = {}, false, {}
for i = last + 1, #ARGV do stays[ARGV[i]] = true end
for i = 11, last, 2 do
  stays[ARGV[i]] = true
  local kept = redis.call('HGET', KEYS[1], ARGV[i])
  if not kept then changed = true end
  if not kept or owner(kept) == me then redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
end
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  if owner(all[i + 1]) == me then
    if stays[all[i]] then
      roster[#roster + 1] = all[i + 1]
    else
      redis.call('HDEL', KEYS[1], all[i])
      changed = true
    end
  end
end
recount()
if epoch() < tonumber(ARGV[8]) and redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('SET', KEYS[5], ARGV[9])
  changed = true
end
for _, i in ipairs({ 1, 2, 5 }) do redis.call('EXPIRE', KEYS[i], ARGV[6]) end
if changed or ARGV[7] == 'true' then
  local said = ARGV[3] .. table.concat(roster, ',') .. '],"deaf":' .. ARGV[7]
  said = said .. ',"mode":' .. ARGV[9] .. '}}'
  redis.call(ARGV[1], ARGV[2], said)
end
return { redis.call('HVALS', KEYS[1]), {}, redis.call('GET', KEYS[5]) or '' }"#
);

/// Media flows otherwise from now on, unless that has changed since. `ARGV`: the epoch that it is
/// thought to be in, the new mode, seconds that it is kept. Answers with 1, or 0 if it has changed.
pub(super) const MODE: &str = concat!(
    epoch!(),
    r"
if epoch() > tonumber(ARGV[4]) then return 0 end
redis.call('SET', KEYS[5], ARGV[5], 'EX', ARGV[6])
redis.call(ARGV[1], ARGV[2], ARGV[3])
return 1"
);
