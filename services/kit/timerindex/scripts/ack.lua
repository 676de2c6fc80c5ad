-- ack: ends leases for good.
-- KEYS[1]  leased: sorted set
-- ARGV     members
-- Returns  how many had a lease
-- Cost     O(n log m) for n members among m leased
return redis.call('ZREM', KEYS[1], unpack(ARGV))
