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

-- refresh works out anew what a unit's members make of it, and its places in T and R.
local function refresh(u)
  local old, new = unit_info(u), nil
  for _, m in ipairs(redis.call('ZRANGE', P .. 'u:' .. u, 0, -1)) do
    local id = string.sub(m, string.find(m, '|', 1, true) + 1)
    local d = peek(P .. 'd:' .. id, 'vis', 'p', 'c', 'lane')
    if d then
      if not new then
        new = {r = d[1], p = d[2], c = d[3], l = d[4]}
      else
        if is_set(u) then if d[1] > new.r then new.r = d[1] end elseif d[1] < new.r then new.r = d[1] end
        if d[2] < new.p then new.p = d[2] end
      end
    end
  end
  local key = P .. 'ui:' .. u
  if old then
    if new and old.r == new.r and old.p == new.p then return end
    zrem(P .. 'T:' .. old.c, 0, old.r .. '|' .. u)
    zrem(P .. 'R:' .. old.c, 0, old.p .. '|' .. u)
  end
  if not new then
    if old then write({'HSET', key, 'r', old.r, 'p', old.p, 'c', old.c, 'l', old.l}, 'DEL', key) end
    return
  end
  local back = old and {'HSET', key, 'r', old.r, 'p', old.p, 'c', old.c, 'l', old.l} or {'DEL', key}
  write(back, 'HSET', key, 'r', new.r, 'p', new.p, 'c', new.c, 'l', new.l)
  zadd(P .. 'T:' .. new.c, 0, new.r .. '|' .. u)
  if new.r <= string.sub(cursor(new.c), 1, 16) then zadd(P .. 'R:' .. new.c, 0, new.p .. '|' .. u) end
end

-- Units that changed, to be refreshed once each, in the order in which they were touched.
local touched, dirty = {}, {}
local function touch(u)
  if not dirty[u] then dirty[u], touched[#touched + 1] = true, u end
end
local function join(u, id, p)
  zadd(P .. 'u:' .. u, 0, order(p) .. '|' .. id)
  touch(u)
end
local function leave(u, id, p)
  zrem(P .. 'u:' .. u, 0, order(p) .. '|' .. id)
  touch(u)
end
local function refresh_touched()
  for _, u in ipairs(touched) do refresh(u) end
  touched, dirty = {}, {}
end
