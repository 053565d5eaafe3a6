-- renew prolongs the lease of what a claim still holds.
-- KEYS[1] prefix
-- ARGV    generation, token, end of the lease, delivery id, …
-- result  {"OK", how many deliveries are held} | {"GENERATION", found}
local found = redis.call('HGET', P .. 'meta', 'gen')
if found ~= ARGV[1] then return {'GENERATION', found or ''} end
local token, till, held = ARGV[2], ARGV[3], 0
local failed = atomically(function()
  for i = 4, #ARGV do
    local id = ARGV[i]
    local d = redis.call('HMGET', P .. 'd:' .. id, 'tok', 'st', 'vis', 'att', 'bun', 'lane')
    if d[1] == token and d[2] == 'pending' then
      held = held + 1
      hset(P .. 'd:' .. id, {d[3]}, {'vis', till})
      stir(unit_of(id, d[2], d[4], d[5], d[6]))
    end
  end
  refresh()
end)
if failed then return failed end
return {'OK', held}
