-- trim deletes what retention no longer needs, a few keys at a time. What it leaves half done, the next call goes on with:
-- an index loses its member last.
-- KEYS[1] prefix
-- ARGV    generation, keys at most, then as milliseconds since 1970 at or before which may go: operation ids, alerts,
--         deliveries of closed pages, history of closed objects; then the instant before which a lane's claim is forgotten
-- result  {"OK", "1" if more is left} | {"GENERATION", found}
local found = redis.call('HGET', P .. 'meta', 'gen')
if found ~= ARGV[1] then return {'GENERATION', found or ''} end
local left = tonumber(ARGV[2])
local function due(index, cut) return redis.call('ZRANGEBYSCORE', P .. index, '-inf', cut, 'LIMIT', 0, left + 1) end
local function spend()
  if left <= 0 then return false end
  left = left - 1
  return true
end
local full = {'OK', '1'}

for _, op in ipairs(due('opat', ARGV[3])) do
  if not spend() then return full end
  redis.call('HDEL', P .. 'op', op)
  redis.call('ZREM', P .. 'opat', op)
end

for _, id in ipairs(due('cold', ARGV[4])) do
  if not spend() then return full end
  local a = redis.call('HMGET', P .. 'alert:' .. id, 'page', 'f')
  if a[2] ~= '1' then
    if a[1] then redis.call('ZREM', P .. 'of:' .. a[1], '1' .. id) end
    redis.call('DEL', P .. 'alert:' .. id)
  end
  redis.call('ZREM', P .. 'cold', id)
end

-- of a page that closed long ago, or a number that no page has: its deliveries
for _, n in ipairs(due('closed', ARGV[5])) do
  for _, id in ipairs(redis.call('LRANGE', P .. 'ds:' .. n, 0, left)) do
    if not spend() then return full end
    local d = redis.call('HMGET', P .. 'd:' .. id, 'st', 'att', 'bun', 'lane', 'p', 'set')
    if d[1] then
      local u = unit_of(id, d[1], d[2], d[3], d[4])
      if u ~= '' then leave(u, id, d[5]) else redis.call('ZREM', P .. 'settled', d[6] .. order(d[5]) .. '|' .. id) end
      if d[3] ~= '' then redis.call('DEL', P .. 'b:' .. d[3]) end
    end
    redis.call('DEL', P .. 'd:' .. id)
    refresh()
    redis.call('LPOP', P .. 'ds:' .. n)
  end
  local at = redis.call('HGET', P .. 'page:' .. n, 'x')
  if at and at ~= '' then redis.call('ZADD', P .. 'history', at, 'page:' .. n) end
  redis.call('ZREM', P .. 'closed', n)
end

-- of what closed so long ago: all but the newest timeline entry, whose hash is the tombstone
for _, object in ipairs(due('history', ARGV[6])) do
  local key = P .. object
  local o = redis.call('HMGET', key, 'open', 'x', 'g', 'due')
  if o[1] == '0' and o[2] ~= '' and tonumber(o[2]) <= tonumber(ARGV[6]) then
    local kind, n = string.match(object, '^(%a+):(%d+)$')
    local timeline, newest = P .. 't:' .. kind .. '/' .. n, nil
    local seqs = redis.call('HKEYS', timeline)
    for _, s in ipairs(seqs) do if not newest or tonumber(s) > tonumber(newest) then newest = s end end
    for _, s in ipairs(seqs) do
      if s ~= newest then
        if not spend() then return full end
        redis.call('HDEL', timeline, s)
      end
    end
    if not spend() then return full end
    if kind == 'page' and redis.call('HGET', P .. 'group:' .. o[3], 'newest') == n then
      redis.call('DEL', P .. 'group:' .. o[3])
    end
    if o[4] ~= '' then
      redis.call('ZREM', P .. 'due', o[4] .. string.format('%016x', n) .. (kind == 'page' and '1p' or '2i'))
    end
    redis.call('ZREM', P .. (kind == 'page' and 'pages' or 'incidents'), n)
    redis.call('DEL', key)
  end
  redis.call('ZREM', P .. 'history', object)
end

if redis.call('HLEN', P .. 'lanes') > 1000 then
  local lanes = redis.call('HGETALL', P .. 'lanes')
  for i = 1, #lanes, 2 do
    if lanes[i + 1] < ARGV[7] then redis.call('HDEL', P .. 'lanes', lanes[i]) end
  end
end
return {'OK', left <= 0 and '1' or '0'}
