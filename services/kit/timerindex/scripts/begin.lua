-- begin: notes that a shard is being rebuilt, so that a loss meanwhile shows.
-- KEYS[1]  beat: hash
-- ARGV[1]  token of the rebuild
-- Returns  1
-- Cost     O(1)
redis.call('HSET', KEYS[1], 't:' .. ARGV[1], 1)
return 1
