-- claim leases pending deliveries: of each claim all of a lane that is visible, or exactly the set that was claimed before.
-- KEYS[1] prefix
-- ARGV    generation, now, end of the lease, claims at most, deliveries in one at most (0 = any number),
--         start of the window ("" = none): a lane claimed after it waits, channel, …
-- result  {"OK", {damaged id, …}, {token, bundle, {fields of a delivery as HMGET gives them}, …}, …} | {"GENERATION", found}
local generation, now, till = ARGV[1], ARGV[2], ARGV[3]
local limit, max, window = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local found = redis.call('HGET', P .. 'meta', 'gen')
if found ~= generation then return {'GENERATION', found or ''} end

local damaged = {}
local lanes = {}
local function waits(u, lane)
  if window == '' or is_set(u) then return false end
  if lanes[lane] == nil then lanes[lane] = redis.call('HGET', P .. 'lanes', lane) end
  return lanes[lane] and lanes[lane] > window
end

-- quarantine takes a delivery out of its unit whose stored form cannot be read: the others go out.
local function quarantine(u, member, id)
  damaged[#damaged + 1] = id
  zrem(P .. 'u:' .. u, 0, member)
  stir(u)
end

-- candidate says what of a unit can be claimed now; nil = nothing.
local function candidate(u, info)
  if waits(u, info.l) then return nil end
  local c = {u = u, info = info, d = {}}
  local chunk = (max > 0 and not is_set(u)) and max or 1000
  local from = 0
  while true do
    local ms = redis.call('ZRANGE', P .. 'u:' .. u, from, from + chunk - 1)
    for _, m in ipairs(ms) do
      local id = string.sub(m, string.find(m, '|', 1, true) + 1)
      local v = peek(P .. 'd:' .. id, 'vis', 'p', 'bun', 'att', 'tok', 'aat', 'rev')
      if not v then
        quarantine(u, m, id)
      elseif v[1] <= now then
        if max == 0 or is_set(u) or #c.d < max then
          c.d[#c.d + 1] = {id = id, had = v}
          if not c.p or v[2] < c.p then c.p = v[2] end
        end
      elseif is_set(u) then
        return nil
      end
    end
    if #ms < chunk or (max > 0 and #c.d >= max) then break end
    from = from + chunk
  end
  if #c.d == 0 then return nil end
  return c
end

local cands = {}
local function insert(c)
  local i = #cands
  while i > 0 and cands[i].p > c.p do i = i - 1 end
  table.insert(cands, i + 1, c)
end

-- promote puts units into R whose instant has come since the last claim, at most a batch.
local function promote(channel)
  local done = cursor(channel)
  if string.sub(done, 1, 16) > now then return end
  local from = done == '' and '-' or '(' .. done
  local batch = 1000
  local ms = redis.call('ZRANGEBYLEX', P .. 'T:' .. channel, from, '[' .. now .. '}', 'LIMIT', 0, batch)
  if #ms == 0 then return end
  for _, m in ipairs(ms) do
    local u = string.sub(m, 18)
    local info = unit_info(u)
    if info then zadd(P .. 'R:' .. channel, 0, info.p .. '|' .. u) else zrem(P .. 'T:' .. channel, 0, m) end
  end
  local reached = #ms < batch and now .. '}' or ms[#ms]
  hset(P .. 'cur', {done ~= '' and done}, {channel, reached})
  cursors[channel] = reached
end

-- collect looks through R until no unit further down can take its turn before the best that were found.
local function collect(channel)
  local key, from, n = P .. 'R:' .. channel, 0, 0
  while true do
    local ms = redis.call('ZRANGE', key, from, from + 63)
    for _, m in ipairs(ms) do
      local bar = string.find(m, '|', 1, true)
      local p, u = string.sub(m, 1, bar - 1), string.sub(m, bar + 1)
      if #cands >= limit and p > cands[limit].p then return end
      local info = unit_info(u)
      if not info then
        zrem(key, 0, m)
      elseif info.r <= now then
        local c = candidate(u, info)
        if c then insert(c) end
      end
    end
    if #ms < 64 then return end
    from = from + 64
  end
end

local out = {'OK', damaged}
local fields = {'b', 'st', 'vis', 'tok', 'bun', 'att', 'aat', 'set', 'rev'}
local function lease(c)
  local token = tostring(write({'HINCRBY', P .. 'meta', 'token', -1}, 'HINCRBY', P .. 'meta', 'token', 1))
  local bundle = c.d[1].had[3]
  local fresh = bundle == '' and #c.d > 1
  if fresh then bundle = 'b' .. token end
  local claim = {token, bundle}
  for _, d in ipairs(c.d) do
    local had, key = d.had, P .. 'd:' .. d.id
    local attempts = tostring(tonumber(had[4]) + 1)
    hset(key, {had[1], had[5], had[3], had[4], had[6], had[7]}, {'vis', till, 'tok', token, 'bun', bundle, 'att', attempts,
      'aat', now, 'rev', tostring(tonumber(had[7]) + 1)})
    local to = unit_of(d.id, 'pending', attempts, bundle, c.info.l)
    if to ~= c.u then
      leave(c.u, d.id, had[2])
      join(to, d.id, had[2], till, c.info.c, c.info.l)
    else
      stir(to)
    end
    if fresh then write({'RPOP', P .. 'b:' .. bundle}, 'RPUSH', P .. 'b:' .. bundle, d.id) end
    claim[#claim + 1] = redis.call('HMGET', key, unpack(fields))
  end
  if #c.d > 1 or c.info.l ~= c.d[1].id then -- a lane of its own is never claimed with others
    local was = redis.call('HGET', P .. 'lanes', c.info.l)
    hset(P .. 'lanes', {was}, {c.info.l, now})
    lanes[c.info.l] = now
  end
  out[#out + 1] = claim
end

-- round claims the best candidates; true = one of them had to wait after all, because another of its lane was claimed:
-- then somebody that was not collected may have a turn.
local function round()
  cands = {}
  for i = 7, #ARGV do collect(ARGV[i]) end
  refresh() -- units that lost a damaged delivery
  while #out - 2 < limit and #cands > 0 do
    local c = table.remove(cands, 1)
    if waits(c.u, c.info.l) then return true end
    lease(c)
    refresh()
    if not is_set(c.u) then -- what did not fit into this claim
      local info = unit_info(c.u)
      local rest = info and candidate(c.u, info)
      if rest then insert(rest) end
    end
  end
  return false
end

local failed = atomically(function()
  if limit <= 0 then return end
  for i = 7, #ARGV do promote(ARGV[i]) end
  while round() and #out - 2 < limit do end
end)
if failed then return failed end
return out
