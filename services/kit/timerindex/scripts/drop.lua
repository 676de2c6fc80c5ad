-- drop: forgets members that have not been claimed.
-- KEYS[1]  due: sorted set
-- ARGV     members
-- Returns  how many there were
-- Cost     O(n log m) for n members among m armed
return redis.call('ZREM', KEYS[1], unpack(ARGV))
