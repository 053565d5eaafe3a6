-- group returns the open page of a group, else its newest one.
-- KEYS[1] prefix
-- ARGV    hash of the group
-- result  the page's stored form, or nil
local P = KEYS[1]
local g = redis.call('HMGET', P .. 'group:' .. ARGV[1], 'newest', 'open')
local n = (g[2] and g[2] ~= '') and g[2] or g[1]
if not n then return false end
return redis.call('HGET', P .. 'page:' .. n, 'b')
