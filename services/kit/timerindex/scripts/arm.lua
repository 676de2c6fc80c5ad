-- arm: sets when members fall due and forgets the generation before each.
-- KEYS[1]  due: sorted set, member = organization|name#generation, score = milliseconds
-- ARGV     three for each entry: member, member of the generation before or '', due in milliseconds
-- Returns  the number of entries
-- Cost     O(n log m) for n entries among m armed
for i = 1, #ARGV, 3 do
  if ARGV[i + 1] ~= '' then redis.call('ZREM', KEYS[1], ARGV[i + 1]) end
  redis.call('ZADD', KEYS[1], ARGV[i + 2], ARGV[i])
end
return #ARGV / 3
