-- arm: sets when members fall due and forgets the generation before each.
-- KEYS[1]  due: sorted set, member = organization|name#generation, score = milliseconds
-- ARGV     three for each entry: member, member of the generation before, due in milliseconds
-- Returns  the number of entries
-- Cost     O(n log m) for n entries among m armed
for i = 1, #ARGV, 3 do
  redis.call('ZREM', KEYS[1], ARGV[i + 1])
  redis.call('ZADD', KEYS[1], ARGV[i + 2], ARGV[i])
end
return #ARGV / 3
