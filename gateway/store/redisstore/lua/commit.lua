-- commit stores a change or nothing.
-- KEYS[1] prefix
-- ARGV    see encodeChange in commit.go: a header, then each part with its count
-- result  {"OK", seq} | {"MINE"} this very change was stored before | {"APPLIED"} its operation was | {"CONFLICT", text}
--         | {"STALE"} a delivery changed since it was read | {"GROUP", page} a page keeps its group
--         | {"GENERATION", found} the store is not the one that the caller knows
local at = 0
local function arg()
  at = at + 1
  return ARGV[at]
end

local nonce, generation, op, now = arg(), arg(), arg(), arg()
local op_until = arg()

-- All that can refuse the change comes before the first write.
local meta = redis.call('HMGET', P .. 'meta', 'gen', 'seq', 'high', 'number')
if meta[1] ~= generation then return {'GENERATION', meta[1] or ''} end
-- A change is known again by its operation; one without by its nonce, which its page keeps until the next change.
local op_id = op ~= '' and op or nonce
local with_page = arg() == '1'
local kept = op ~= '' or not with_page
-- known answers for what was stored before. It writes, so that the WAIT behind this script waits for that too: a replica may
-- not have it yet.
local function known(word)
  redis.call('HINCRBY', P .. 'meta', 'seq', 1)
  return {word}
end
if kept then
  local by = redis.call('HGET', P .. 'op', op_id)
  if by == nonce then return known('MINE') end
  if by then return known('APPLIED') end
end

-- read_object takes a page, an incident or a record from ARGV and what is stored of it.
local function read_object(kind)
  local o = {n = arg()}
  o.before, o.version, o.due, o.open = arg(), arg(), arg(), arg()
  o.closed, o.expiry, o.group, o.body = arg(), arg(), arg(), arg()
  o.key = P .. kind .. ':' .. o.n
  o.had = redis.call('HMGET', o.key, 'v', 'due', 'open', 'at', 'x', 'g', 'b', 'w')
  o.conflict = (o.had[1] or '0') ~= o.before
  return o
end
local function conflict(what, id, had)
  return {'CONFLICT', what .. ' ' .. id .. ': version ' .. tostring(had or '0') .. ' is stored'}
end

local page, incident, group
if with_page then
  page = read_object('page')
  if not kept and page.had[8] == nonce then return known('MINE') end
  if page.conflict then return conflict('page', page.n, page.had[1]) end
  if page.had[1] and page.had[6] ~= page.group then return {'GROUP', page.n} end
  group = redis.call('HMGET', P .. 'group:' .. page.group, 'newest', 'open')
  if page.open == '1' and group[2] and group[2] ~= '' and group[2] ~= page.n then
    return {'CONFLICT', 'page ' .. page.n .. ': page ' .. group[2] .. ' of the same group is open'}
  end
end
if arg() == '1' then
  incident = read_object('incident')
  if incident.conflict then return conflict('incident', incident.n, incident.had[1]) end
end

local alerts = {}
for i = 1, tonumber(arg()) do
  local a = {id = arg(), before = arg(), version = arg()}
  a.page, a.firing, a.expiry, a.body = arg(), arg(), arg(), arg()
  a.key = P .. 'alert:' .. a.id
  a.had = redis.call('HMGET', a.key, 'v', 'page', 'f', 'x', 'b')
  if (a.had[1] or '0') ~= a.before then return conflict('alert', a.id, a.had[1]) end
  alerts[i] = a
end

-- Numbers with deliveries of which this change holds no page: those that no open page has are trimmed by the newest delivery.
local loose = {}
local function loosen(n, score)
  local l = loose[n]
  if not l then
    l = {open = redis.call('HGET', P .. 'page:' .. n, 'open') == '1', was = redis.call('ZSCORE', P .. 'closed', n) or nil}
    loose[n], loose[#loose + 1] = l, n
  end
  if not l.score or tonumber(score) > tonumber(l.score) then l.score = score end
end

local deliveries = {}
for i = 1, tonumber(arg()) do
  local d = {id = arg()}
  d.page, d.channel, d.lane, d.p, d.vis, d.loose, d.body = arg(), arg(), arg(), arg(), arg(), arg(), arg()
  d.key = P .. 'd:' .. d.id
  if d.loose ~= '' then loosen(d.page, d.loose) end
  if redis.call('EXISTS', d.key) == 1 then return {'CONFLICT', 'delivery ' .. d.id .. ' exists'} end
  deliveries[i] = d
end

-- Fields of a delivery that a put replaces.
local put_fields = {'rev', 'st', 'vis', 'tok', 'bun', 'att', 'set', 'b'}
local puts = {}
for i = 1, tonumber(arg()) do
  local d = {id = arg(), rev = arg()}
  d.st, d.vis, d.tok, d.bun, d.att, d.set, d.body = arg(), arg(), arg(), arg(), arg(), arg(), arg()
  d.key = P .. 'd:' .. d.id
  d.had = redis.call('HMGET', d.key, unpack(put_fields))
  if d.had[1] ~= d.rev then return {'STALE', d.id} end
  local fixed = redis.call('HMGET', d.key, 'p', 'lane', 'c')
  d.p, d.lane, d.channel = fixed[1], fixed[2], fixed[3]
  puts[i] = d
end

local forget = {}
for i = 1, tonumber(arg()) do forget[i] = arg() end

local entries = {}
for i = 1, tonumber(arg()) do
  entries[i] = {object = arg(), seq = arg(), body = arg()}
end

local sent = {}
for i = 1, tonumber(arg()) do sent[i] = {contact = arg(), at = arg(), body = arg()} end
local keep_sent = tonumber(arg())

local records = {}
for i = 1, tonumber(arg()) do
  local kind, ends = arg(), arg()
  local r = read_object('record:' .. kind)
  if r.conflict then return conflict(kind, r.n, r.had[1]) end
  r.kind, r.ends = kind, ends
  records[i] = r
end

-- put_object stores a page, an incident or a record and keeps the indexes. due_kind ends its place in the due index.
local function put_object(o, all, due_kind)
  local had = o.had
  hset(o.key, had, {'v', o.version, 'due', o.due, 'open', o.open, 'at', o.closed, 'x', o.expiry, 'g', o.group, 'b', o.body, 'w', nonce})
  local number = string.format('%016x', o.n)
  local was_due = had[2] or ''
  if was_due ~= o.due then
    if was_due ~= '' then zrem(P .. 'due', 0, was_due .. number .. due_kind) end
    if o.due ~= '' then zadd(P .. 'due', 0, o.due .. number .. due_kind) end
  end
  if not had[1] then zadd(P .. all, o.n, o.n) end
  if (had[3] or '0') ~= o.open then
    if o.open == '1' then zadd(P .. all .. ':open', o.n, o.n) else zrem(P .. all .. ':open', o.n, o.n) end
  end
end

-- expire keeps a closed object's place in an index of what may be deleted one day.
local function expire(index, member, was, score)
  if was == '' then was = nil end
  if was == score then return end
  if score ~= '' then move(P .. index, was, score, member) elseif was then zrem(P .. index, was, member) end
end

local seq, high, number = tonumber(meta[2]) + 1, meta[3], meta[4]
if not high or now > high then high = now end
if page and tonumber(page.n) > tonumber(number) then number = page.n end
local failed = atomically(function()
  hset(P .. 'meta', {meta[2], meta[3], meta[4]}, {'seq', string.format('%d', seq), 'high', high, 'number', number})
  if kept then
    hset(P .. 'op', {false}, {op_id, nonce})
    zadd(P .. 'opat', op_until, op_id)
  end
  for _, e in ipairs(entries) do
    local key = P .. 't:' .. e.object
    if write(nil, 'HSETNX', key, e.seq, e.body) == 0 then
      error('CONFLICT entry ' .. e.seq .. ' of ' .. e.object .. ' exists', 0)
    end
    undo[#undo + 1] = {'HDEL', key, e.seq}
  end
  if page then
    put_object(page, 'pages', '1p')
    expire('closed', page.n, page.had[5], page.expiry)
    local newest, open = group[1], group[2] or ''
    if not newest or tonumber(page.n) > tonumber(newest) then newest = page.n end
    if page.open == '1' then open = page.n elseif open == page.n then open = '' end
    if newest ~= group[1] or open ~= (group[2] or '') or not group[2] then
      hset(P .. 'group:' .. page.group, group, {'newest', newest, 'open', open})
    end
  end
  if incident then
    put_object(incident, 'incidents', '2i')
    expire('history', 'incident:' .. incident.n, incident.had[5], incident.expiry)
  end
  for _, r in ipairs(records) do put_object(r, 'records:' .. r.kind, r.ends) end
  for _, a in ipairs(alerts) do
    local had = a.had
    hset(a.key, had, {'v', a.version, 'page', a.page, 'f', a.firing, 'x', a.expiry, 'b', a.body})
    if had[2] ~= a.page or had[3] ~= a.firing then
      if had[1] then zrem(P .. 'of:' .. had[2], 0, (had[3] == '1' and '0' or '1') .. a.id) end
      zadd(P .. 'of:' .. a.page, 0, (a.firing == '1' and '0' or '1') .. a.id)
    end
    expire('cold', a.id, had[4], a.expiry)
  end
  for _, d in ipairs(deliveries) do
    write({'DEL', d.key}, 'HSET', d.key, 'rev', '1', 'st', 'pending', 'page', d.page, 'c', d.channel, 'lane', d.lane,
      'p', d.p, 'vis', d.vis, 'tok', '0', 'bun', '', 'att', '0', 'aat', '', 'set', '', 'b', d.body)
    write({'RPOP', P .. 'ds:' .. d.page}, 'RPUSH', P .. 'ds:' .. d.page, d.id)
    join('L:' .. d.lane, d.id, d.p, d.vis, d.channel, d.lane)
  end
  for _, n in ipairs(loose) do
    local l = loose[n]
    if not l.open and (not l.was or tonumber(l.was) < tonumber(l.score)) then move(P .. 'closed', l.was, l.score, n) end
  end
  for _, d in ipairs(puts) do
    local had = d.had
    local from, to = unit_of(d.id, had[2], had[6], had[5], d.lane), unit_of(d.id, d.st, d.att, d.bun, d.lane)
    hset(d.key, had, {'rev', tostring(tonumber(d.rev) + 1), 'st', d.st, 'vis', d.vis, 'tok', d.tok, 'bun', d.bun,
      'att', d.att, 'set', d.set, 'b', d.body})
    if from ~= to then
      if from ~= '' then leave(from, d.id, d.p) end
      if to ~= '' then join(to, d.id, d.p, d.vis, d.channel, d.lane) end
    elseif to ~= '' then
      stir(to)
    end
    if had[2] == 'pending' and d.st ~= 'pending' then zadd(P .. 'settled', 0, d.set .. order(d.p) .. '|' .. d.id) end
  end
  for _, lane in ipairs(forget) do
    local was = redis.call('HGET', P .. 'lanes', lane)
    if was then write({'HSET', P .. 'lanes', lane, was}, 'HDEL', P .. 'lanes', lane) end
  end
  refresh()
  for i, s in ipairs(sent) do
    -- The change's number and place keep what was told at the same instant in its order.
    local key = P .. 's:' .. s.contact
    zadd(key, 0, s.at .. string.format('%016x%04x', seq, i) .. '|' .. s.body)
    local over = redis.call('ZCARD', key) - keep_sent
    if over > 0 then
      for _, m in ipairs(redis.call('ZRANGE', key, 0, over - 1)) do zrem(key, 0, m) end
    end
  end
end)
if failed then
  local taken = string.match(failed.err, 'CONFLICT (.*)')
  if taken then return {'CONFLICT', taken} end
  return failed
end
return {'OK', seq}
