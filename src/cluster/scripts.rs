//! What happens in Redis in one step: the record of a room changes, and the room's channel
//! says so. Nobody can see one without the other, so the order of the channel is the order of
//! the records.
//!
//! `KEYS` are the peers of the room (peer id → record), the nodes of the room (node → number
//! of its peers), the places taken by those that are about to join, the chat, how media flows,
//! who was made the host, and the names that peers chose (name → peer id). `ARGV[1]` to `ARGV[3]` are the command to publish with, the channel and the message.

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

/// Tells which of two hosts was made so later: as texts ids are in the same order.
macro_rules! later_host {
    () => {
        r"
local function later_host(one, other)
  if one == '' then return false end
  if not other or other == '' then return true end
  local a, b = cjson.decode(one), cjson.decode(other)
  return a['term'] > b['term'] or (a['term'] == b['term'] and a['peer'] > b['peer'])
end
"
    };
}

/// Takes a place for a peer that is about to join, and its name. A name whose peer is neither in
/// the room nor about to join is free. `ARGV`: peer, places there are, for how many milliseconds
/// the place is kept, the name or nothing, seconds that names are to live on. Answers with 1, 0 if
/// the room is full, or -1 if another peer has the name.
pub(super) const RESERVE: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
if ARGV[7] ~= '' then
  local other = redis.call('HGET', KEYS[7], ARGV[7])
  if other and other ~= ARGV[4]
    and (redis.call('HEXISTS', KEYS[1], other) == 1 or redis.call('ZSCORE', KEYS[3], other)) then
    return -1
  end
end
local taken = redis.call('HLEN', KEYS[1]) + redis.call('ZCARD', KEYS[3])
if taken >= tonumber(ARGV[5]) then return 0 end
redis.call('ZADD', KEYS[3], now + tonumber(ARGV[6]), ARGV[4])
redis.call('PEXPIRE', KEYS[3], ARGV[6])
if ARGV[7] ~= '' then
  redis.call('HSET', KEYS[7], ARGV[7], ARGV[4])
  redis.call('EXPIRE', KEYS[7], ARGV[8])
end
return 1";

/// Gives a place back that was not used, and the name with it. `ARGV`: peer, name or nothing.
pub(super) const VACATE: &str = r"
if ARGV[5] ~= '' and redis.call('HGET', KEYS[7], ARGV[5]) == ARGV[4] then
  redis.call('HDEL', KEYS[7], ARGV[5])
end
return redis.call('ZREM', KEYS[3], ARGV[4])";

/// Does nothing, after all that was queued before.
pub(super) const NOTHING: &str = "return 1";

/// Answers with all records, as many of the last chat messages as `ARGV[5]` says, how media flows,
/// and who was made the host. `ARGV[4]`: how many seconds the keys are to live on.
pub(super) const READ: &str = r"
for _, i in ipairs({ 1, 2, 5, 6, 7 }) do redis.call('EXPIRE', KEYS[i], ARGV[4]) end
local chat = {}
if ARGV[5] ~= '0' then chat = redis.call('LRANGE', KEYS[4], -tonumber(ARGV[5]), -1) end
local mode, host = redis.call('GET', KEYS[5]) or '', redis.call('GET', KEYS[6]) or ''
return { redis.call('HVALS', KEYS[1]), chat, mode, host }";

/// A peer came. `ARGV`: peer, record, name of its node, seconds that the keys are to live on, the
/// name that it chose or nothing.
pub(super) const JOINED: &str = r"
redis.call('ZREM', KEYS[3], ARGV[4])
if redis.call('HSET', KEYS[1], ARGV[4], ARGV[5]) == 1 then redis.call('HINCRBY', KEYS[2], ARGV[6], 1) end
if ARGV[8] ~= '' then redis.call('HSET', KEYS[7], ARGV[8], ARGV[4]) end
for _, i in ipairs({ 1, 2, 7 }) do redis.call('EXPIRE', KEYS[i], ARGV[7]) end
return redis.call(ARGV[1], ARGV[2], ARGV[3])";

/// A peer is gone, whoever had it, and its name is free. How media flowed, and who hosted, goes with
/// the last one. `ARGV`: peer, whether what was said does so too.
pub(super) const LEFT: &str = r"
local kept = redis.call('HGET', KEYS[1], ARGV[4])
if kept then
  redis.call('HDEL', KEYS[1], ARGV[4])
  local record = cjson.decode(kept)
  local node, alias = record['node'], record['alias']
  if redis.call('HINCRBY', KEYS[2], node, -1) <= 0 then redis.call('HDEL', KEYS[2], node) end
  if alias and redis.call('HGET', KEYS[7], alias) == ARGV[4] then redis.call('HDEL', KEYS[7], alias) end
  if redis.call('EXISTS', KEYS[1]) == 0 then
    redis.call('DEL', KEYS[5], KEYS[6])
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
/// If it knows of a later change of how media flows, or of the host, that is written down too; and
/// so are the names of its peers, unless others have them by now.
///
/// `ARGV`: name and life of this node, seconds that the keys are to live on, whether it did not
/// hear (`true` or `false`), the epoch of the mode that it knows of, that mode, the host that it
/// knows of or nothing, number of its peers, then peer and record of each, then the other peers that it knows of.
pub(super) const SYNC: &str = concat!(
    recount!(),
    epoch!(),
    later_host!(),
    r#"
local me = ARGV[4] .. '/' .. ARGV[5]
local last = 11 + 2 * tonumber(ARGV[11])
local stays, named, changed, roster = {}, {}, false, {}
for i = last + 1, #ARGV do stays[ARGV[i]] = true end
for i = 12, last, 2 do
  stays[ARGV[i]] = true
  local kept = redis.call('HGET', KEYS[1], ARGV[i])
  if not kept then changed = true end
  if not kept or owner(kept) == me then redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
  -- Decoding takes time, and few have one.
  if string.find(ARGV[i + 1], '"alias":', 1, true) then named[ARGV[i]] = cjson.decode(ARGV[i + 1])['alias'] end
end
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local node, record = owner(all[i + 1])
  if node == me then
    if stays[all[i]] then
      roster[#roster + 1] = all[i + 1]
    else
      redis.call('HDEL', KEYS[1], all[i])
      local alias = record['alias']
      if alias and redis.call('HGET', KEYS[7], alias) == all[i] then redis.call('HDEL', KEYS[7], alias) end
      changed = true
    end
  end
end
recount()
if epoch() < tonumber(ARGV[8]) and redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('SET', KEYS[5], ARGV[9])
  changed = true
end
if later_host(ARGV[10], redis.call('GET', KEYS[6])) and redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('SET', KEYS[6], ARGV[10])
  changed = true
end
for peer, alias in pairs(named) do
  local other = redis.call('HGET', KEYS[7], alias)
  if not other or redis.call('HEXISTS', KEYS[1], other) == 0 then redis.call('HSET', KEYS[7], alias, peer) end
end
for _, i in ipairs({ 1, 2, 5, 6, 7 }) do redis.call('EXPIRE', KEYS[i], ARGV[6]) end
if changed or ARGV[7] == 'true' then
  local said = ARGV[3] .. table.concat(roster, ',') .. '],"deaf":' .. ARGV[7]
  local host = ARGV[10] == '' and 'null' or ARGV[10]
  said = said .. ',"mode":' .. ARGV[9] .. ',"host":' .. host .. '}}'
  redis.call(ARGV[1], ARGV[2], said)
end
local mode, host = redis.call('GET', KEYS[5]) or '', redis.call('GET', KEYS[6]) or ''
return { redis.call('HVALS', KEYS[1]), {}, mode, host }"#
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

/// Another peer is the host from now on, unless that has changed since. `ARGV`: the new host,
/// seconds that it is kept.
pub(super) const HOST: &str = concat!(
    later_host!(),
    r"
local kept = redis.call('GET', KEYS[6])
if kept and later_host(kept, ARGV[4]) then return 0 end
redis.call('SET', KEYS[6], ARGV[4], 'EX', ARGV[5])
return redis.call(ARGV[1], ARGV[2], ARGV[3])"
);
