-- begin makes the record by which a store knows itself, or compares it with what the caller remembers.
-- KEYS[1] prefix
-- ARGV    a new generation to take if one is needed, the generation that the caller remembers ("" = none),
--         the newest sequence number, page number and token that it remembers, the newest stored format it can write, now
-- result  {"OK", generation, sequence, schema, what is lost: "" | "emptied" | "replaced" | "older"} | {"SCHEMA", schema}
local fresh, known, now = ARGV[1], ARGV[2], ARGV[7]
local seq, number, token, schema = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local m = redis.call('HMGET', P .. 'meta', 'gen', 'seq', 'schema', 'number', 'token')
-- Pages begin at 1001: four digits, so that a number in a reply is never mistaken for a verb. Numbers and tokens are never
-- used again: where some may have been given out that nobody here remembers, a gap is left.
local gap = 1000
local lost = ''
if m[1] and tonumber(m[3]) > schema then return {'SCHEMA', m[3]} end
if m[1] and (known == '' or known == m[1]) and tonumber(m[2]) >= seq then return {'OK', m[1], m[2], m[3], ''} end
if not m[1] then
  lost = known ~= '' and 'emptied' or ''
  if known == '' then gap = 0 end
elseif known ~= '' and known ~= m[1] and tonumber(m[2]) >= seq then
  return {'OK', m[1], m[2], m[3], 'replaced'}
else
  lost = 'older'
end
local failed = atomically(function()
  local s = math.max(seq, tonumber(m[2] or '0'))
  hset(P .. 'meta', m, {'gen', fresh, 'seq', tostring(s), 'schema', m[3] or tostring(schema),
    'number', tostring(math.max(number, tonumber(m[4] or '1000')) + gap), 'token', tostring(math.max(token, tonumber(m[5] or '0')) + gap)})
end)
if failed then return failed end
local after = redis.call('HMGET', P .. 'meta', 'gen', 'seq', 'schema')
return {'OK', after[1], after[2], after[3], lost}
