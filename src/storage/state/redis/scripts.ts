// The atomic moves that Redis has no command for. Each touches one key, so that all of them work on Redis Cluster.
import { createHash } from 'node:crypto';

/** A script and the digest by which Redis knows it once it has been loaded. */
export interface Script {
  lua: string;
  sha: string;
}

const script = (lua: string): Script => ({ lua, sha: createHash('sha1').update(lua).digest('hex') });

const NOW = `local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000)
local function text(n) return string.format('%.0f', n) end
`;

/** INCR whose time to live is set by the first. ARGV: seconds. */
export const INCREMENT = script(`local n = redis.call('INCR', KEYS[1])
if n == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return n`);

/** ARGV: seconds, JSON {sets, stamps}. Answers {now, fields}. */
export const WRITE = script(`${NOW}local w = cjson.decode(ARGV[2])
for f, v in pairs(w.sets) do redis.call('HSET', KEYS[1], f, v) end
for f, ms in pairs(w.stamps) do redis.call('HSET', KEYS[1], f, text(now + ms)) end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return {text(now), redis.call('HGETALL', KEYS[1])}`);

/** Answers {now, fields}; no fields where there is no record. */
export const READ = script(`${NOW}return {text(now), redis.call('HGETALL', KEYS[1])}`);

/** ARGV: JSON of a Change, the prefix of topics. Answers {ok, now, fields}. */
export const CHANGE = script(`${NOW}local c = cjson.decode(ARGV[1])
local flat = redis.call('HGETALL', KEYS[1])
if #flat == 0 then return {0, text(now), flat} end
local r = {} for i = 1, #flat, 2 do r[flat[i]] = flat[i + 1] end
local function num(f) return tonumber(r[f] or '0') end
local function holds()
  for f, values in pairs(c.when or {}) do
    local found = false
    for _, v in ipairs(values) do if (r[f] or '') == v then found = true end end
    if not found then return false end
  end
  for _, f in ipairs(c.absent or {}) do if r[f] then return false end end
  for f, v in pairs(c.absentOr or {}) do if r[f] and r[f] ~= v then return false end end
  if c.alive and num(c.alive.field) + (c.alive.graceMs or 0) <= now then return false end
  for f, bound in pairs(c.below or {}) do if num(f) >= bound then return false end end
  return true
end
if not holds() then return {0, text(now), flat} end
local function put(f, v) r[f] = v redis.call('HSET', KEYS[1], f, v) end
for f, v in pairs(c.sets or {}) do put(f, v) end
for _, f in ipairs(c.removes or {}) do r[f] = nil redis.call('HDEL', KEYS[1], f) end
for f, by in pairs(c.adds or {}) do put(f, text(num(f) + by)) end
for f, ms in pairs(c.stamps or {}) do put(f, text(now + ms)) end
if c.raise then
  local x = c.raise
  put(x.field, text(math.max(num(x.field), math.min(num(x.field) + x.by, num(x.from) + x.whole))))
end
for _, tell in ipairs(c.tells or {}) do
  redis.call('PUBLISH', ARGV[2] .. tell.topic .. (tell.field and (r[tell.field] or '') or ''), tell.message)
end
return {1, text(now), redis.call('HGETALL', KEYS[1])}`);

/** A sorted set by expiry. ARGV: member, milliseconds. */
export const ENLIST = script(`${NOW}redis.call('ZADD', KEYS[1], text(now + ARGV[2]), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', text(now))
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('PEXPIREAT', KEYS[1], text(tonumber(last[2])))
return 1`);

/** The members that have not expired. */
export const MEMBERS = script(`${NOW}return redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. text(now), '+inf')`);

/** ARGV: points, window, block, longest block (ms), 1 to take. Answers the milliseconds to wait, 0 where the unit is granted. */
export const THROTTLE =
  script(`${NOW}local points, window, block, longest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local kept = redis.call('HMGET', KEYS[1], 'count', 'blocked')
local count, blocked = tonumber(kept[1] or '0'), tonumber(kept[2] or '0')
if blocked > now then return text(blocked - now) end
if block == 0 and count >= points then return text(math.max(1, redis.call('PTTL', KEYS[1]))) end
if ARGV[5] ~= '1' then return '0' end
count = count + 1
redis.call('HSET', KEYS[1], 'count', count)
local over = count - points
if block > 0 and over >= 0 then
  blocked = now + math.min(block * 2 ^ math.min(over, 30), longest)
  redis.call('HSET', KEYS[1], 'blocked', text(blocked))
end
if block > 0 and longest > block then
  redis.call('PEXPIREAT', KEYS[1], text(math.max(now, blocked) + window))
elseif block > 0 and over >= 0 then
  redis.call('PEXPIREAT', KEYS[1], text(blocked))
elseif count == 1 then
  redis.call('PEXPIRE', KEYS[1], text(window))
end
return '0'`);

/** Raises a heartbeat number. ARGV: the number last confirmed, the next one. Answers 0 where the store is behind what was confirmed. */
export const BEAT = script(`local have = tonumber(redis.call('GET', KEYS[1]) or '0')
if have < tonumber(ARGV[1]) then return 0 end
if have < tonumber(ARGV[2]) then redis.call('SET', KEYS[1], ARGV[2]) end
return 1`);
