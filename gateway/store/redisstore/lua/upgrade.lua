-- upgrade raises the stored format, if every replica that lives can write it.
-- KEYS[1] prefix
-- ARGV    format, the oldest announcement that counts as milliseconds by the server's clock
-- result  {"OK", format before} | {"BEHIND", name, …}
local P = KEYS[1]
local want = tonumber(ARGV[1])
local behind = {'BEHIND'}
local all = redis.call('HGETALL', P .. 'replicas')
for i = 1, #all, 2 do
  local seen = tonumber(redis.call('ZSCORE', P .. 'replicas:seen', all[i]) or '0')
  if seen >= tonumber(ARGV[2]) and (cjson.decode(all[i + 1]).schema or 0) < want then behind[#behind + 1] = all[i] end
end
if #behind > 1 then return behind end
local had = redis.call('HGET', P .. 'meta', 'schema')
if tonumber(had) < want then redis.call('HSET', P .. 'meta', 'schema', want) end
return {'OK', had}
