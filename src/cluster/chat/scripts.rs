//! What happens to chat in Redis in one step.
//!
//! The state of a flush is a hash: `token`, who delivers at this moment; `until`, for how long,
//! in milliseconds by the clock of Redis; `size`, how many messages the batch under way has, so
//! that whoever takes over sends the same batch again.

/// Keeps a message and publishes it. `KEYS`: the buffer, the mark of the message. `ARGV`: what
/// it takes to publish, then the message, the mark and how many milliseconds it is kept, how many
/// messages the buffer keeps (0: all) and for how many seconds, whether to publish, whether the sender
/// was promised that this very message is kept. Answers with the length of the
/// buffer, the number of receivers, which is -1 if it is not known, and nothing. If it ran before, and only
/// the answer was lost, it publishes all the same: what was lost with it may be what others heard.
/// If the mark says that it was sent as another message, nothing happens, and that is the rest of the
/// answer; unless there was a promise.
pub(super) const SAY: &str = r"
local mark = redis.call('GET', KEYS[2])
if mark == ARGV[5] then
  local heard = -1
  if ARGV[9] == '1' then heard = redis.call(ARGV[1], ARGV[2], ARGV[3]) end
  return { redis.call('LLEN', KEYS[1]), heard, '' }
end
if not mark or string.sub(mark, 1, 5) == 'soon ' then
  redis.call('SET', KEYS[2], ARGV[5], 'PX', ARGV[6])
elseif ARGV[10] == '0' then
  return { redis.call('LLEN', KEYS[1]), -1, mark }
end
local length = redis.call('RPUSH', KEYS[1], ARGV[4])
if ARGV[7] == '0' then
  redis.call('PERSIST', KEYS[1])
else
  redis.call('LTRIM', KEYS[1], -tonumber(ARGV[7]), -1)
  redis.call('EXPIRE', KEYS[1], ARGV[8])
end
if ARGV[9] == '0' then return { length, -1, '' } end
return { length, redis.call(ARGV[1], ARGV[2], ARGV[3]), '' }";

/// Announces a message, unless it was sent, or somebody else is about to. `KEYS`: its mark, which
/// is `<id> <timestamp>`, and before that `soon <when that lapses> <id> <timestamp>`. `ARGV`: id and
/// timestamp, how many milliseconds the announcement counts, and how many the mark is kept.
/// Answers with 1 and the id and timestamp that it has to be said with, which are those of the
/// first who announced it; with 2 and those that it was sent with; or with 0.
pub(super) const ANNOUNCE: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local mark = redis.call('GET', KEYS[1])
local stamp = ARGV[1]
if mark then
  local lapses, first = string.match(mark, '^soon (%d+) (.+)$')
  if not lapses then return { 2, mark } end
  if tonumber(lapses) > now then return { 0, '' } end
  stamp = first
end
local soon = string.format('soon %.0f %s', now + tonumber(ARGV[2]), stamp)
redis.call('SET', KEYS[1], soon, 'PX', ARGV[3])
return { 1, stamp }";

/// What the scripts of a flush have in common. `KEYS`: the buffer, the state of the flush.
/// `ARGV[1]`: the token.
macro_rules! holder {
    () => {
        r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local token = redis.call('HGET', KEYS[2], 'token')
"
    };
}

/// Takes the lease of a room, or renews it, and reads the batch that is next. `ARGV`: token,
/// milliseconds, the most messages and the most bytes of a batch. Answers with what the caller
/// may do (1: deliver; 0: nothing is there; -1: another delivers), the length of the buffer or
/// the milliseconds that the other has left, and the batch.
pub(super) const CLAIM: &str = concat!(
    holder!(),
    r"
local left = tonumber(redis.call('HGET', KEYS[2], 'until') or '0') - now
if token and token ~= ARGV[1] and left > 0 then return { -1, left, {} } end
local length = redis.call('LLEN', KEYS[1])
if length == 0 then
  redis.call('DEL', KEYS[2])
  return { 0, 0, {} }
end
local size = tonumber(redis.call('HGET', KEYS[2], 'size') or '0')
if size == 0 or size > length then size = math.min(length, tonumber(ARGV[3])) end
local batch, bytes = {}, 0
for i, message in ipairs(redis.call('LRANGE', KEYS[1], 0, size - 1)) do
  bytes = bytes + #message
  if i > 1 and bytes > tonumber(ARGV[4]) then break end
  batch[i] = message
end
redis.call('HSET', KEYS[2], 'token', ARGV[1], 'until', now + tonumber(ARGV[2]), 'size', #batch)
return { 1, length, batch }"
);

/// Renews the lease of a room. `ARGV`: token, milliseconds.
pub(super) const RENEW: &str = concat!(
    holder!(),
    r"
if token == ARGV[1] then redis.call('HSET', KEYS[2], 'until', now + tonumber(ARGV[2])) end
return 1"
);

/// Removes what was delivered, unless another delivers by now or it is gone already. `ARGV`:
/// token, how many messages, the first of them. Answers with the length that is left, or -1 if
/// another delivers.
pub(super) const DONE: &str = concat!(
    holder!(),
    r"
if token ~= ARGV[1] then return -1 end
if redis.call('LINDEX', KEYS[1], 0) == ARGV[3] then redis.call('LTRIM', KEYS[1], ARGV[2], -1) end
redis.call('HDEL', KEYS[2], 'size')
local length = redis.call('LLEN', KEYS[1])
if length == 0 then redis.call('DEL', KEYS[2]) end
return length"
);

/// Makes the batch under way smaller. `ARGV`: token, how many messages.
pub(super) const SHRINK: &str = concat!(
    holder!(),
    r"
if token == ARGV[1] then redis.call('HSET', KEYS[2], 'size', ARGV[2]) end
return 1"
);

/// Puts the first message aside. `KEYS[3]`: the dead letters. `ARGV`: token, the message, what
/// is put aside, the most of them. Answers with the length that is left, -1 if another delivers,
/// or -2 if no more can be put aside.
pub(super) const BURY: &str = concat!(
    holder!(),
    r"
if token ~= ARGV[1] then return -1 end
if redis.call('LINDEX', KEYS[1], 0) == ARGV[2] then
  if redis.call('LLEN', KEYS[3]) >= tonumber(ARGV[4]) then return -2 end
  redis.call('RPUSH', KEYS[3], ARGV[3])
  redis.call('LPOP', KEYS[1])
end
redis.call('HDEL', KEYS[2], 'size')
local length = redis.call('LLEN', KEYS[1])
if length == 0 then redis.call('DEL', KEYS[2]) end
return length"
);

/// Reads the newest messages of the buffer, or the newest before one. They lie nearly in the
/// order of their ids, which is the text between the eighth and the 43rd character of each.
/// `KEYS`: the buffer. `ARGV`: how many, the id, by how many places it may lie elsewhere.
pub(super) const PAGE: &str = r"
local last = redis.call('LLEN', KEYS[1])
if ARGV[2] ~= '' then
  local low = 0
  while low < last do
    local middle = math.floor((low + last) / 2)
    if string.sub(redis.call('LINDEX', KEYS[1], middle), 8, 43) < ARGV[2] then
      low = middle + 1
    else
      last = middle
    end
  end
  last = last + tonumber(ARGV[3])
end
local first = math.max(0, last - tonumber(ARGV[1]) - 2 * tonumber(ARGV[3]))
if last == 0 then return {} end
return redis.call('LRANGE', KEYS[1], first, last - 1)";
