-- number allocates a page number.
-- KEYS[1] prefix
-- ARGV    generation
-- result  {"OK", number} | {"GENERATION", found}
local P = KEYS[1]
local found = redis.call('HGET', P .. 'meta', 'gen')
if found ~= ARGV[1] then return {'GENERATION', found or ''} end
return {'OK', redis.call('HINCRBY', P .. 'meta', 'number', 1)}
