-- return: makes members due again whose leases have ended.
-- KEYS[1]  due: sorted set
-- KEYS[2]  leased: sorted set, score = end of the lease in milliseconds
-- ARGV[1]  now in milliseconds; leases that end at it or before have ended
-- ARGV[2]  the most that are returned
-- Returns  how many were returned; the end of the lease is their new score
-- Cost     O(log m + n log m) for n returned among m leased
local ended = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[2])
for i = 1, #ended, 2 do
  redis.call('ZREM', KEYS[2], ended[i])
  redis.call('ZADD', KEYS[1], ended[i + 1], ended[i])
end
return #ended / 2
