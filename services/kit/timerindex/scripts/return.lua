-- return: makes members due again whose leases have ended.
-- KEYS[1]  due: sorted set
-- KEYS[2]  leased: sorted set, score = end of the lease in milliseconds
-- ARGV[1]  now in milliseconds; leases that end at it or before have ended
-- ARGV[2]  the most that are returned
-- Returns  how many were returned; the end of the lease is their new score
-- Cost     O(log m + n log m) for n returned among m leased
local ended = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[2])
for first = 1, #ended, 2000 do -- Lua passes some eight thousand arguments on
  local members, due = {}, {}
  for i = first, math.min(first + 1999, #ended), 2 do
    members[#members + 1] = ended[i]
    due[#due + 1] = ended[i + 1]
    due[#due + 1] = ended[i]
  end
  redis.call('ZREM', KEYS[2], unpack(members))
  redis.call('ZADD', KEYS[1], unpack(due))
end
return #ended / 2
