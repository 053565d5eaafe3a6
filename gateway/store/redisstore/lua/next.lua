-- next says when something is due or can be claimed.
-- KEYS[1] prefix
-- ARGV    window in nanoseconds as upper and lower 32 bits ("0", "0" = none), channel, …
-- result  the earliest instant, "" = never
local P = KEYS[1]
local high, low = tonumber(ARGV[1]), tonumber(ARGV[2])
local best = ''
local function note(at) if best == '' or at < best then best = at end end

-- after adds the window to an instant, in halves: a number of Lua's holds 53 bits.
local function after(t)
  local l = tonumber(string.sub(t, 9), 16) + low
  local h = tonumber(string.sub(t, 1, 8), 16) + high
  if l >= 4294967296 then l, h = l - 4294967296, h + 1 end
  return string.format('%08x%08x', h, l)
end

local due = redis.call('ZRANGE', P .. 'due', 0, 0)[1]
if due then note(string.sub(due, 1, 16)) end
for i = 3, #ARGV do
  local key, from, more = P .. 'T:' .. ARGV[i], 0, true
  while more do
    local ms = redis.call('ZRANGE', key, from, from + 31)
    for _, m in ipairs(ms) do
      local ready, u = string.sub(m, 1, 16), string.sub(m, 18)
      if best ~= '' and ready >= best then more = false break end
      if (high > 0 or low > 0) and string.sub(u, 1, 2) == 'L:' then
        local lane = redis.call('HGET', P .. 'lanes', string.sub(u, 3))
        if lane then
          local open = after(lane)
          if open > ready then ready = open end
        end
      end
      note(ready)
    end
    if #ms < 32 then more = false end
    from = from + 32
  end
end
return best
