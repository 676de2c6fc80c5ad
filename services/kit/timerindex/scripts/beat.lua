-- beat: raises the heartbeat of a shard unless the shard is lost.
-- KEYS[1]  beat: hash, field n = number of the last beat, field t:<token> = a rebuild in hand
-- ARGV[1]  number remembered, 0 if none
-- ARGV[2]  incarnation remembered, '' if none
-- Returns  {0 alive or 1 lost, number, incarnation}; the incarnation is
--          run_id/master_replid, or '' where the server does not tell
-- Cost     O(1) and the text of INFO
local function told(section, field)
  local text = redis.pcall('INFO', section)
  if type(text) ~= 'string' then return '' end
  return string.match(text, field .. ':(%w+)') or ''
end
local incarnation = ''
local run = told('server', 'run_id')
if run ~= '' then
  incarnation = run .. '/' .. told('replication', 'master_replid')
end
local n = tonumber(redis.call('HGET', KEYS[1], 'n') or '0')
local foreign = ARGV[2] ~= '' and ARGV[2] ~= incarnation
if n == 0 or n < tonumber(ARGV[1]) or foreign then
  return {1, n, incarnation}
end
return {0, redis.call('HINCRBY', KEYS[1], 'n', 1), incarnation}
