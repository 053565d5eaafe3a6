-- pagealerts returns the alerts of a page, firing ones first.
-- KEYS[1] prefix
-- ARGV    page number, how many at most
-- result  their stored forms
local P = KEYS[1]
local out = {}
for i, m in ipairs(redis.call('ZRANGE', P .. 'of:' .. ARGV[1], 0, tonumber(ARGV[2]) - 1)) do
  out[i] = redis.call('HGET', P .. 'alert:' .. string.sub(m, 2), 'b')
end
return out
