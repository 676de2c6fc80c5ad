-- finish: gives a rebuilt shard its heartbeat.
-- KEYS[1]  beat: hash
-- ARGV[1]  token of the rebuild
-- ARGV[2]  number remembered
-- Returns  the new number, above the one remembered and the one held, or 0 if the
--          token is gone: the shard was lost meanwhile
-- Cost     O(1)
if redis.call('HDEL', KEYS[1], 't:' .. ARGV[1]) == 0 then
  return 0
end
local n = math.max(tonumber(redis.call('HGET', KEYS[1], 'n') or '0'), tonumber(ARGV[2])) + 1
redis.call('HSET', KEYS[1], 'n', n)
return n
