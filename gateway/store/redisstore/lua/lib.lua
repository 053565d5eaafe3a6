-- What every script that writes shares. KEYS[1] is the prefix of all keys, e.g. "{pagerd}:"; every other key is made of
-- it, so that all of them live in one slot of a cluster. Instants are 16 hexadecimal digits that sort like the time.
local P = KEYS[1]

-- Redis does not roll a script back. Each write below notes what undoes it; atomically() undoes all if one fails.
local undo = {}

local function write(inverse, ...)
  local r = redis.pcall(...)
  if type(r) == 'table' and r.err then error(r.err, 0) end
  if inverse then undo[#undo + 1] = inverse end
  return r
end

local function zadd(key, score, member)
  if write(nil, 'ZADD', key, score, member) == 1 then undo[#undo + 1] = {'ZREM', key, member} end
end

-- zrem takes a member away whose score is known.
local function zrem(key, score, member)
  if write(nil, 'ZREM', key, member) == 1 then undo[#undo + 1] = {'ZADD', key, score, member} end
end

-- move gives a member another score; was is the old one, or nil if it was not there.
local function move(key, was, score, member)
  write(was and {'ZADD', key, was, member} or {'ZREM', key, member}, 'ZADD', key, score, member)
end

-- hset sets fields of a hash; was is what HMGET said of the same fields before. args is {field, value, …}.
local function hset(key, was, args)
  local back, gone = {}, {}
  for i = 1, #args, 2 do
    local old = was[(i + 1) / 2]
    if old then back[#back + 1], back[#back + 2] = args[i], old else gone[#gone + 1] = args[i] end
  end
  write(nil, 'HSET', key, unpack(args))
  if #gone > 0 then undo[#undo + 1] = {'HDEL', key, unpack(gone)} end
  if #back > 0 then undo[#undo + 1] = {'HSET', key, unpack(back)} end
end

local function atomically(f)
  local ok, err = pcall(f)
  if ok then return nil end
  for i = #undo, 1, -1 do redis.pcall(unpack(undo[i])) end
  return redis.error_reply('UNDONE ' .. tostring(err))
end

-- The outbox. What is claimed together is a unit: "L:" and a lane holds deliveries that were never claimed, "S:" and a
-- bundle or a delivery's id holds a set that was. A unit has its members in u:UNIT (order|id, in the order of a claim) and
-- in ui:UNIT r = when it is ready (a lane with its first member, a set with its last), p = the turn of its best member,
-- c = channel, l = lane. T:CHANNEL holds all units by r; R:CHANNEL holds by p those whose r was reached when a claim last
-- looked (cur: CHANNEL → how far in T that was).
local function is_set(u) return string.sub(u, 1, 2) == 'S:' end

-- unit_of names the unit of a pending delivery; "" for one that is not pending.
local function unit_of(id, st, att, bun, lane)
  if st ~= 'pending' then return '' end
  if tonumber(att) > 0 then return 'S:' .. (bun ~= '' and bun or id) end
  return 'L:' .. lane
end

-- order is a delivery's place within a claim, made of its turn: urgency and page without the instant.
local function order(p) return string.sub(p, 1, 1) .. string.sub(p, 18) end

-- peek reads fields of a hash; nil where there is none, or where the key holds something else: one damaged value must not
-- keep the others from going out.
local function peek(key, ...)
  local v = redis.pcall('HMGET', key, ...)
  if v.err then
    if string.find(v.err, 'WRONGTYPE', 1, true) then return nil end
    error(v.err, 0)
  end
  return v[1] and v or nil
end

local function unit_info(u)
  local v = peek(P .. 'ui:' .. u, 'r', 'p', 'c', 'l')
  if not v then return nil end
  return {r = v[1], p = v[2], c = v[3], l = v[4]}
end

local cursors = {}
local function cursor(channel)
  if not cursors[channel] then cursors[channel] = redis.call('HGET', P .. 'cur', channel) or '' end
  return cursors[channel]
end

-- better is what a unit becomes with one more member; u tells whether it waits for its first or its last.
local function better(u, unit, vis, p)
  if is_set(u) then if vis > unit.r then unit.r = vis end elseif vis < unit.r then unit.r = vis end
  if p < unit.p then unit.p = p end
end

-- rescan works out anew what a unit's members make of it. Of a lane with very many the first by their turn speak for all:
-- one of them is as urgent as any, and a script must not hold the server up.
local most = 1000
local function rescan(u)
  local unit
  for _, m in ipairs(redis.call('ZRANGE', P .. 'u:' .. u, 0, most - 1)) do
    local id = string.sub(m, string.find(m, '|', 1, true) + 1)
    local d = peek(P .. 'd:' .. id, 'vis', 'p', 'c', 'lane')
    if d then
      if unit then better(u, unit, d[1], d[2]) else unit = {r = d[1], p = d[2], c = d[3], l = d[4]} end
    end
  end
  return unit
end

-- reindex gives a unit its places in T and R; new nil = it has no members any more.
local function reindex(u, old, new)
  if old and new and old.r == new.r and old.p == new.p then return end
  local key, back = P .. 'ui:' .. u, nil
  if old then
    back = {'HSET', key, 'r', old.r, 'p', old.p, 'c', old.c, 'l', old.l}
    zrem(P .. 'T:' .. old.c, 0, old.r .. '|' .. u)
    zrem(P .. 'R:' .. old.c, 0, old.p .. '|' .. u)
  end
  if new then
    write(back or {'DEL', key}, 'HSET', key, 'r', new.r, 'p', new.p, 'c', new.c, 'l', new.l)
    zadd(P .. 'T:' .. new.c, 0, new.r .. '|' .. u)
    if new.r <= string.sub(cursor(new.c), 1, 16) then zadd(P .. 'R:' .. new.c, 0, new.p .. '|' .. u) end
  elseif old then
    write(back, 'DEL', key)
  end
end

-- Units that changed, to be indexed anew once each, in the order in which they were touched: {old = …, new = …}; scan means
-- that their members must be looked at.
local order_touched, touched = {}, {}
local function touch(u)
  local t = touched[u]
  if not t then
    t = {old = unit_info(u)}
    if t.old then t.new = {r = t.old.r, p = t.old.p, c = t.old.c, l = t.old.l} end
    touched[u], order_touched[#order_touched + 1] = t, u
  end
  return t
end

-- join adds a member: a delivery's id, turn, visible instant, channel and lane.
local function join(u, id, p, vis, channel, lane)
  local t = touch(u)
  zadd(P .. 'u:' .. u, 0, order(p) .. '|' .. id)
  if t.new then better(u, t.new, vis, p) else t.new = {r = vis, p = p, c = channel, l = lane} end
end

local function leave(u, id, p)
  touch(u).scan = true
  zrem(P .. 'u:' .. u, 0, order(p) .. '|' .. id)
end

-- stir says that a member of the unit changed.
local function stir(u) touch(u).scan = true end

local function refresh()
  for _, u in ipairs(order_touched) do
    local t = touched[u]
    if t.scan then t.new = rescan(u) end
    reindex(u, t.old, t.new)
  end
  order_touched, touched = {}, {}
end
