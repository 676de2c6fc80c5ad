-- claim: moves the earliest members that are due to the lease set.
-- KEYS[1]  due: sorted set, score = due in milliseconds
-- KEYS[2]  leased: sorted set, score = end of the lease in milliseconds
-- ARGV[1]  now in milliseconds; members with a score up to it are due
-- ARGV[2]  the most that are taken
-- ARGV[3]  end of the lease in milliseconds
-- Returns  {next due in milliseconds or '', member, score, member, score, ...}
-- Cost     O(log m + n log m) for n taken among m armed
local taken = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[2])
for first = 1, #taken, 2000 do -- Lua passes some eight thousand arguments on
  local members, leases = {}, {}
  for i = first, math.min(first + 1999, #taken), 2 do
    members[#members + 1] = taken[i]
    leases[#leases + 1] = ARGV[3]
    leases[#leases + 1] = taken[i]
  end
  redis.call('ZREM', KEYS[1], unpack(members))
  redis.call('ZADD', KEYS[2], unpack(leases))
end
local rest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
table.insert(taken, 1, rest[2] or '')
return taken
