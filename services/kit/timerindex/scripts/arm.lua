-- arm: sets when members fall due and forgets the generation before each.
-- KEYS[1]  due, or leased to write a member there anew: sorted set, member as Member.Packed has it, score = milliseconds
-- ARGV     three for each entry: member, member of the generation before or '', due in milliseconds
-- Returns  the number of entries
-- Cost     O(n log m) for n entries among m armed
local due, before = {}, {}
for i = 1, #ARGV, 3 do
  due[#due + 1] = ARGV[i + 2]
  due[#due + 1] = ARGV[i]
  if ARGV[i + 1] ~= '' then before[#before + 1] = ARGV[i + 1] end
end
redis.call('ZADD', KEYS[1], unpack(due))
-- Last, so that of two generations of one call the later stays.
if #before > 0 then redis.call('ZREM', KEYS[1], unpack(before)) end
return #due / 2
