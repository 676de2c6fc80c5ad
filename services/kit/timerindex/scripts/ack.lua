-- ack: ends leases for good.
-- KEYS[1]  leased: sorted set
-- ARGV     members
-- Returns  how many had a lease
-- Cost     O(n log m) for n members among m leased
local n = 0
for i = 1, #ARGV do
  n = n + redis.call('ZREM', KEYS[1], ARGV[i])
end
return n
